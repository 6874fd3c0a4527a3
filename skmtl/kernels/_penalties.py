"""Choice of ridge penalties by held-out errors: on a coarse, then a finer grid, and on random sums of many columns."""

from __future__ import annotations

from typing import Protocol

import numpy as np

PENALTIES = 10.0 ** np.arange(-5.0, 3.1, 0.5)
# Steps of the grid: every fourth penalty is tried first, then the best one's neighbours halfway, and so on.
_STEPS = (4, 2, 1)
# With more columns than the second number, as many random sums as the first stand for them.
_SUMS, MANY_COLUMNS = 32, 64


class Ridge(Protocol):
    """A ridge regression with any penalty, on all rows and without each fold."""

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return weighted squared held-out errors (n_penalties, n_columns) if ``wanted``, infinity otherwise."""

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n_rows, n_columns) of each fold's rows by the others, and coefficients of all rows.

        Each column has its own penalty.
        """


def random_sums(values: np.ndarray) -> np.ndarray:
    """Return the values (n_rows, n_columns), or sums of them with random signs if there are many columns.

    The squared residuals of a linear regression on such a sum equal, on average, the sum of those on all columns.
    """
    if values.shape[1] <= MANY_COLUMNS:
        return values
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (values.shape[1], _SUMS))
    return values @ signs


def best_penalties(ridge: Ridge, values: np.ndarray, task: np.ndarray) -> np.ndarray:
    """Return the penalties (n_columns,) with the least held-out error; the columns of a task share theirs.

    Parameters
    ----------
    ridge : Ridge
        The regression.
    values : ndarray of shape (n_rows, n_columns)
        Centred targets.
    task : ndarray of shape (n_columns,)
        Number of the task that a column belongs to, sorted.
    """
    starts = np.flatnonzero(np.diff(task, prepend=-1))
    parts = [random_sums(part) for part in np.split(values, starts[1:], axis=1)]
    widths = [part.shape[1] for part in parts]
    sums = np.concatenate(parts, axis=1)
    errors = np.full((len(PENALTIES), len(parts)), np.inf)
    for step in _STEPS:
        wanted = _wanted(errors, step)
        tried = np.flatnonzero(wanted.any(axis=1))
        by_column = ridge.errors(sums, PENALTIES[tried], np.repeat(wanted[tried], widths, axis=1))
        errors[tried] = np.minimum(errors[tried], np.add.reduceat(by_column, np.cumsum([0, *widths[:-1]]), axis=1))
    return PENALTIES[np.repeat(errors.argmin(axis=0), np.diff([*starts, len(task)]))]


def _wanted(errors: np.ndarray, step: int) -> np.ndarray:
    """Which penalties to try for which tasks, (n_penalties, n_tasks)."""
    wanted = np.zeros(errors.shape, dtype=bool)
    if np.isinf(errors).all():
        wanted[::step] = True
        return wanted
    best = errors.argmin(axis=0)
    for neighbour in (best - step, best + step):
        inside = (neighbour >= 0) & (neighbour < len(errors))
        wanted[neighbour[inside], np.flatnonzero(inside)] = True
    return wanted & np.isinf(errors)
