"""Predictions of some tasks of a row, given labels of others: errors as one Gaussian."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ._columns import ErrorColumns
from ._correlation import shrunk

# So many columns of known labels are looked at, those most correlated with what is asked.
_MOST_COLUMNS = 64


def patterns_of(known: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each mask of known tasks that there is, (n_tasks,), with its rows."""
    masks, of_row = np.unique(known, axis=0, return_inverse=True)
    order = np.argsort(of_row.ravel(), kind="stable")
    return zip(masks, np.split(order, np.cumsum(np.bincount(of_row.ravel()))[:-1]), strict=True)


def expected_errors(
    scaled: np.ndarray, known: np.ndarray, task: int, correlation: np.ndarray, columns: ErrorColumns, shrinkage: float
) -> np.ndarray:
    """Expected error of a regression, in units of its scale, (n_rows,).

    ``scaled`` are the errors of rows in which the tasks ``known``, (n_tasks,) of bool, have labels.
    """
    given = _given(correlation, columns, known, task)
    if shrinkage >= 1.0 or len(given) == 0:
        return np.zeros(len(scaled))
    matrix = shrunk(correlation, columns, np.append(given, columns.of_task(task).start), shrinkage)
    return scaled[:, given] @ np.linalg.solve(matrix[:-1, :-1], matrix[:-1, -1])


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
    """Probabilities of the classes of a task, given errors of others, (n_rows, n_classes).

    By Bayes' rule: errors of the known tasks are Gaussian around what they would be were the label of that class.
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
    """Columns of the known tasks but this one; of many, those that say most."""
    others = known.copy()
    others[task] = False
    given = columns.of_tasks(others)
    if len(given) <= _MOST_COLUMNS:
        return given
    strength = np.abs(correlation[columns.of_task(task)][:, given]).max(axis=0)
    return np.sort(given[np.argsort(-strength, kind="stable")[:_MOST_COLUMNS]])
