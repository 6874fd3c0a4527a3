"""Penalties of ridge regressions by held-out errors: tried from coarse to fine, for many columns on sums of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

PENALTIES = 10.0 ** np.arange(-5.0, 3.1, 0.5)
# Every so many of them is tried first, then those halfway to the next of the best, and so on.
_STEPS = (4, 2, 1)
# So many random sums of columns stand for all of them, where they are more than so many.
_SUMS, MANY_COLUMNS = 32, 64


class Ridge(Protocol):
    """A ridge regression of any penalty, on all rows and without each part of them."""

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Weighted squared held-out errors (n_penalties, n_columns) where ``wanted``, infinite elsewhere."""

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (n_rows, n_columns) of each fold's rows by the others, and coefficients of all rows.

        Each column has its own penalty.
        """


def random_sums(values: np.ndarray) -> np.ndarray:
    """Values (n_rows, n_columns), or where these are many, sums of them with random signs.

    What a linear regression leaves of such a sum is, squared and on average, what it leaves of all columns together.
    """
    if values.shape[1] <= MANY_COLUMNS:
        return values
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (values.shape[1], _SUMS))
    return values @ signs


def best_penalties(ridge: Ridge, values: np.ndarray, task: np.ndarray) -> np.ndarray:
    """The penalty (n_columns,) with the least held-out error; the columns of a task have the same.

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
    """Which penalties are to be tried for which tasks, (n_penalties, n_tasks)."""
    wanted = np.zeros(errors.shape, dtype=bool)
    if np.isinf(errors).all():
        wanted[::step] = True
        return wanted
    best = errors.argmin(axis=0)
    for beside in (best - step, best + step):
        inside = (beside >= 0) & (beside < len(errors))
        wanted[beside[inside], np.flatnonzero(inside)] = True
    return wanted & np.isinf(errors)
