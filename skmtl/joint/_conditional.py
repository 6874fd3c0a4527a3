"""Predictions of tasks given labels of other tasks in the same row, with jointly Gaussian errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ._columns import ErrorColumns
from ._correlation import shrunk

# At most this many columns of known labels are used: those most correlated with the task to predict.
_MOST_COLUMNS = 64
# Number of patterns solved at a time.
_CHUNK = 256


def patterns_of(known: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each distinct mask of known tasks, (n_tasks,), with its rows."""
    masks, of_row = np.unique(known, axis=0, return_inverse=True)
    order = np.argsort(of_row.ravel(), kind="stable")
    return zip(masks, np.split(order, np.cumsum(np.bincount(of_row.ravel()))[:-1]), strict=True)


def expected_errors(
    scaled: np.ndarray, known: np.ndarray, task: int, correlation: np.ndarray, columns: ErrorColumns, shrinkage: float
) -> np.ndarray:
    """Return the expected error of a regression, in units of its scale, (n_rows,).

    ``scaled`` are the errors of rows in which the tasks in the mask ``known``, (n_tasks,), have labels.
    """
    given = _given(correlation, columns, known, task)
    if shrinkage >= 1.0 or len(given) == 0:
        return np.zeros(len(scaled))
    matrix = shrunk(correlation, columns, np.append(given, columns.of_task(task).start), shrinkage)
    return scaled[:, given] @ np.linalg.solve(matrix[:-1, :-1], matrix[:-1, -1])


def expected_errors_of_all(
    scaled: np.ndarray, known: np.ndarray, correlation: np.ndarray, columns: ErrorColumns, shrinkages: np.ndarray
) -> np.ndarray:
    """Return the same for all regressions and all patterns at once, (n_rows, n_tasks); 0 for a classification.

    ``known`` is (n_rows, n_tasks). Unless there are many columns, many patterns are solved at a time.
    """
    out = np.zeros(known.shape)
    regressions = np.flatnonzero(~np.array(columns.classified) & (shrinkages < 1.0))
    masks, of_row = np.unique(known, axis=0, return_inverse=True)
    if columns.n_columns > _MOST_COLUMNS:
        for mask, rows in patterns_of(known):
            for task in regressions:
                expected = expected_errors(scaled[rows], mask, int(task), correlation, columns, float(shrinkages[task]))
                out[rows, task] = expected
        return np.where(known, 0.0, out)
    errors = np.where(known[:, columns.task_of_column], scaled, 0.0)
    for shrinkage in np.unique(shrinkages[regressions]):
        tasks = regressions[shrinkages[regressions] == shrinkage]
        own = [columns.of_task(int(task)).start for task in tasks]
        matrix = shrunk(correlation, columns, np.arange(columns.n_columns), float(shrinkage))
        for start in range(0, len(masks), _CHUNK):
            weights = _weights(matrix, masks[start : start + _CHUNK][:, columns.task_of_column], own)
            rows = np.flatnonzero((of_row.ravel() >= start) & (of_row.ravel() < start + _CHUNK))
            part = weights[of_row.ravel()[rows] - start]
            out[np.ix_(rows, tasks)] = np.einsum("rc,rct->rt", errors[rows], part)
    return np.where(known, 0.0, out)


def _weights(matrix: np.ndarray, given: np.ndarray, own: list[int]) -> np.ndarray:
    """Return the regression weights of the given columns for those of ``own``, (n_patterns, n_columns, n_own)."""
    # Columns that are not given get rows of the identity, which takes them out of the equations.
    system = np.where(given[:, :, None] & given[:, None, :], matrix, np.eye(len(matrix)))
    return np.linalg.solve(system, np.where(given[:, :, None], matrix[:, own], 0.0))


def class_probabilities(
    proba: np.ndarray,
    scaled: np.ndarray,
    known: np.ndarray,
    task: int,
    scales: np.ndarray,
    correlation: np.ndarray,
    columns: ErrorColumns,
    shrinkage: float,
) -> np.ndarray:
    """Return the class probabilities of a task given the errors of others, (n_rows, n_classes).

    By Bayes' rule: for each class, the errors of the known tasks are Gaussian around their expectation if the label
    were of that class.
    """
    given = _given(correlation, columns, known, task)
    if shrinkage >= 1.0 or len(given) == 0:
        return proba
    own, known_columns = np.arange(*columns.of_task(task).indices(len(scales))), len(given)
    matrix = shrunk(correlation, columns, np.append(given, own), shrinkage)
    between = matrix[known_columns:, :known_columns]
    slopes = np.linalg.solve(matrix[known_columns:, known_columns:], between)
    left = matrix[:known_columns, :known_columns] - between.T @ slopes
    indicators = np.eye(proba.shape[1])[:, -len(own) :]
    errors = (indicators[None] - proba[:, None, -len(own) :]) / scales[own]
    off = scaled[:, None, given] - errors @ slopes
    distance = np.einsum("rcg,rcg->rc", off, np.linalg.solve(left, off.reshape(-1, len(given)).T).T.reshape(off.shape))
    with np.errstate(divide="ignore"):
        log = np.log(proba) - 0.5 * (distance - distance.min(axis=1, keepdims=True))
    log -= log.max(axis=1, keepdims=True)
    weight = np.exp(log)
    return weight / weight.sum(axis=1, keepdims=True)


def _given(correlation: np.ndarray, columns: ErrorColumns, known: np.ndarray, task: int) -> np.ndarray:
    """Return the columns of the known tasks except this one; if there are many, those most correlated with it."""
    others = known.copy()
    others[task] = False
    given = columns.of_tasks(others)
    if len(given) <= _MOST_COLUMNS:
        return given
    strength = np.abs(correlation[columns.of_task(task)][:, given]).max(axis=0)
    return np.sort(given[np.argsort(-strength, kind="stable")[:_MOST_COLUMNS]])
