"""Choose, for each task, how much to shrink its correlations with other tasks, on held-out rows."""

from __future__ import annotations

import numpy as np

from ._columns import ErrorColumns
from ._conditional import class_probabilities, expected_errors, patterns_of
from ._correlation import correlation_of

_SHRINKAGES = (0.0, 0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)
_FOLDS = 5
# The gain must be at least this many standard errors, else the labels of other tasks are ignored.
_LEAST_GAIN = 1.75
# The largest shrinkage is chosen that costs no more than this many standard errors.
_TOLERANCE = 1.0
# Most rows and patterns of missing labels that are used.
_MOST_ROWS, _MOST_PATTERNS = 2000, 20
# With more tasks, rows are held out at random only, which takes half the time.
_MANY_TASKS = 32
# With many classes, fewer rows are used, because each is evaluated for every class.
_MOST_CELLS, _FEWEST_ROWS = 300_000, 200
_SMALL = 1e-12


def shrinkages_of(
    errors: np.ndarray,
    scales: np.ndarray,
    proba: list[np.ndarray | None],
    codes: np.ndarray,
    columns: ErrorColumns,
    *,
    random: bool,
    seed: int,
) -> np.ndarray:
    """Return the shrinkage of correlations for predicting each task from the others, (n_tasks,); 1 ignores the others.

    Parameters
    ----------
    errors : ndarray of shape (n_rows, n_columns)
        Out-of-fold errors, NaN for missing labels; ``scales``, (n_columns,), are their units.
    proba : list of ndarray or None
        Out-of-fold probabilities of classifications, (n_rows, n_classes).
    codes : ndarray of shape (n_rows, n_tasks)
        Class codes.
    columns : ErrorColumns
        Columns of each task.
    random : bool
        Whether to hold rows out at random too, not only in blocks.
    seed : int
        Seed of the random folds.
    """
    classes = max([part.shape[1] for part in proba if part is not None], default=1)
    most = min(_MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // (classes * columns.n_columns)))
    chosen = np.linspace(0, len(errors) - 1, min(len(errors), most)).astype(int)
    scaled, codes = errors[chosen] / scales, codes[chosen]
    proba = [None if part is None else part[chosen] for part in proba]
    orders = [np.arange(len(scaled))]
    if random:
        shuffled = np.random.default_rng(seed).permutation(len(scaled))
        orders = [*orders, shuffled] if len(columns.widths) <= _MANY_TASKS else [shuffled]
    held_out = _HeldOutLoss(scaled, scales, proba, codes, columns)
    losses = np.mean([held_out.losses(order) for order in orders], axis=0)
    return np.array([_chosen(losses[task]) for task in range(len(columns.widths))])


class _HeldOutLoss:
    """Losses of rows that are predicted with correlations from the other rows."""

    def __init__(
        self,
        scaled: np.ndarray,
        scales: np.ndarray,
        proba: list[np.ndarray | None],
        codes: np.ndarray,
        columns: ErrorColumns,
    ) -> None:
        self.scaled, self.scales, self.proba, self.codes, self.columns = scaled, scales, proba, codes, columns
        first = [columns.of_task(task).start for task in range(len(columns.widths))]
        self.known = ~np.isnan(scaled[:, first])

    def losses(self, order: np.ndarray) -> np.ndarray:
        """Return the loss of each row, (n_tasks, n_shrinkages, n_rows); NaN without a label, or without any other."""
        n_tasks = len(self.columns.widths)
        out = np.full((n_tasks, len(_SHRINKAGES), len(self.scaled)), np.nan)
        for fold in np.array_split(order, _FOLDS):
            rest = np.setdiff1d(order, fold)
            if len(rest) == 0 or len(fold) == 0:
                continue
            correlation = correlation_of(self.scaled[rest])
            for mask, rows in patterns_among(self.known, fold):
                for task in np.flatnonzero(mask):
                    out[task][:, rows] = self._of_task(int(task), mask, rows, correlation)
        return out

    def _of_task(self, task: int, mask: np.ndarray, rows: np.ndarray, correlation: np.ndarray) -> np.ndarray:
        scaled, proba = self.scaled[rows], self.proba[task]
        if proba is None:
            own = scaled[:, self.columns.of_task(task).start]
            predicted = [
                expected_errors(scaled, mask, task, correlation, self.columns, shrinkage) for shrinkage in _SHRINKAGES
            ]
            return np.array([(own - one) ** 2 for one in predicted])
        probabilities = [
            class_probabilities(proba[rows], scaled, mask, task, self.scales, correlation, self.columns, shrinkage)
            for shrinkage in _SHRINKAGES
        ]
        labels = self.codes[rows, task].astype(int)
        return np.array([-np.log(np.maximum(one[np.arange(len(rows)), labels], _SMALL)) for one in probabilities])


def patterns_among(known: np.ndarray, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the most common masks of two or more known tasks, with the rows that have them."""
    patterns = [(mask, rows[places]) for mask, places in patterns_of(known[rows]) if mask.sum() > 1]
    return sorted(patterns, key=lambda part: -len(part[1]))[:_MOST_PATTERNS]


def _chosen(losses: np.ndarray) -> float:
    """Return the chosen shrinkage, by losses (n_shrinkages, n_rows)."""
    # Rows with a rare pattern may be left out in one order of the rows; they count in neither.
    losses = losses[:, ~np.isnan(losses[-1])]
    if losses.shape[1] < 2:
        return 1.0
    best = losses[np.argmin(losses.mean(axis=1))]
    if not _clearly(losses[-1] - best, _LEAST_GAIN):
        return 1.0
    return max(
        shrinkage for shrinkage, loss in zip(_SHRINKAGES, losses, strict=True) if not _clearly(loss - best, _TOLERANCE)
    )


def _clearly(difference: np.ndarray, errors: float) -> bool:
    """Return whether the mean is above zero by this many standard errors."""
    return bool(difference.mean() > errors * difference.std() / np.sqrt(len(difference)))
