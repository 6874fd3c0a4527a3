"""Models of the out-of-fold errors, for in-distribution and for shifted rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._columns import ErrorColumns
from ._conditional import class_probabilities, expected_errors, expected_errors_of_all, patterns_of
from ._correlation import correlation_of, scales_of
from ._draws import Copula
from ._trust import shrinkages_of

# Rows whose errors are kept.
_MOST_ROWS = 5000
_FOLDS = 5


@dataclass(frozen=True)
class ErrorModel:
    """Joint distribution of the out-of-fold errors of all tasks.

    Attributes
    ----------
    columns : ErrorColumns
        Columns of each task.
    errors : ndarray of shape (n_rows, n_columns)
        Errors in the tasks' units; NaN for missing labels.
    scales : ndarray of shape (n_columns,)
        Root mean square of each column.
    correlation : ndarray of shape (n_columns, n_columns)
        Correlations of the columns.
    shrinkages : ndarray of shape (n_tasks,)
        Shrinkage of the correlations when each task is predicted from the others; 1 ignores the others.
    copula : Copula
        Source of joint draws.
    """

    columns: ErrorColumns
    errors: np.ndarray
    scales: np.ndarray
    correlation: np.ndarray
    shrinkages: np.ndarray
    copula: Copula

    def quantities(self, base: Sequence[np.ndarray], errors: np.ndarray, known: np.ndarray) -> list[np.ndarray]:
        """Return predictions of all tasks given the labels in the mask ``known``, (n_rows, n_tasks).

        ``base`` are the predictions without these labels, ``errors`` the errors of ``base`` for known labels.
        Predictions of the known tasks themselves do not change.
        """
        scaled, out = errors / self.scales, [np.array(part) for part in base]
        expected = expected_errors_of_all(scaled, known, self.correlation, self.columns, self.shrinkages)
        for task, classified in enumerate(self.columns.classified):
            if not classified:
                asked = known.any(axis=1) & ~known[:, task]
                out[task][asked] += self.scales[self.columns.of_task(task).start] * expected[asked, task]
            elif self.shrinkages[task] < 1.0:
                for mask, rows in patterns_of(known):
                    if mask.any() and not mask[task]:
                        out[task][rows] = self._probabilities(base[task][rows], scaled[rows], mask, task)
        return out

    def _probabilities(self, proba: np.ndarray, scaled: np.ndarray, known: np.ndarray, task: int) -> np.ndarray:
        return class_probabilities(
            proba, scaled, known, task, self.scales, self.correlation, self.columns, float(self.shrinkages[task])
        )

    def remaining_errors(self, known: np.ndarray, task: int, cache: dict[bytes, list[np.ndarray]]) -> np.ndarray:
        """Return out-of-fold errors of a regression that remain given labels of the tasks ``known``, (n_some_rows,).

        Correlations come from other rows than those predicted; ``cache`` keeps them for other tasks and patterns.
        """
        first = [self.columns.of_task(number).start for number in range(len(self.columns.widths))]
        own = self.columns.of_task(task).start
        rows = np.flatnonzero(~np.isnan(self.errors[:, [own, *np.array(first)[known]]]).any(axis=1))
        scaled, left = self.errors[rows] / self.scales, np.empty(len(rows))
        folds = np.array_split(np.random.default_rng(0).permutation(len(rows)), _FOLDS)
        key, shrinkage = rows.tobytes(), float(self.shrinkages[task])
        if key not in cache:
            cache[key] = [correlation_of(np.delete(scaled, fold, axis=0)) for fold in folds]
        for fold, correlation in zip(folds, cache[key], strict=True):
            expected = expected_errors(scaled[fold], known, task, correlation, self.columns, shrinkage)
            left[fold] = scaled[fold, own] - expected
        return self.scales[own] * left


@dataclass(frozen=True)
class JointModel:
    """Error models for in-distribution rows and, if there is one, for shifted rows (blocks of rows left out)."""

    in_distribution: ErrorModel
    shifted: ErrorModel | None = None


def fit_joint_model(
    values: np.ndarray,
    observed: np.ndarray,
    quantities: Sequence[np.ndarray],
    n_classes: Sequence[int],
    *,
    shifted: bool,
    seed: int,
) -> ErrorModel:
    """Fit an error model to labels and out-of-fold predictions.

    Parameters
    ----------
    values, observed : ndarray of shape (n_rows, n_tasks)
        Labels as numbers or class codes, and the mask of known ones.
    quantities : sequence of ndarray
        Out-of-fold predictions of each task, (n_rows,) or (n_rows, n_classes).
    n_classes : sequence of int
        Number of classes of each task; 0 for a regression.
    shifted : bool
        Whether the predictions are those of blocks of rows left out. Shrinkages are then chosen on blocks too.
    seed : int
        Seed of all draws.

    Returns
    -------
    ErrorModel
        The fitted model.
    """
    chosen = np.linspace(0, len(values) - 1, min(len(values), _MOST_ROWS)).astype(int)
    values, observed = values[chosen], observed[chosen]
    quantities = [np.asarray(part)[chosen] for part in quantities]
    columns = ErrorColumns.of(n_classes)
    errors = columns.errors(values, observed, quantities)
    scales = scales_of(errors)
    correlation = correlation_of(errors / scales)
    proba = [part if classes else None for part, classes in zip(quantities, n_classes, strict=True)]
    shrinkages = np.ones(len(n_classes))
    if len(n_classes) > 1:
        shrinkages = shrinkages_of(errors, scales, proba, values, columns, random=not shifted, seed=seed)
    copula = Copula.of(errors, proba, values, columns, seed)
    return ErrorModel(columns, errors, scales, correlation, shrinkages, copula)
