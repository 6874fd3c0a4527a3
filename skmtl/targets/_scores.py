"""Scores of the tasks on their observed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from .._records import Task
from .._weights import summable_weights
from . import TargetColumns, as_objects, check_same_family, quantities

# Beyond this power of two, squares and their sums approach the limits of float64.
_LARGE_EXPONENT = 400


def score_columns(
    tasks: Sequence[Task], columns: TargetColumns, predicted: Sequence[np.ndarray], weights: np.ndarray | None
) -> pd.Series:
    """Return the R2 or accuracy of every task; NaN for a task without labels."""
    scores: dict[str, float] = {}
    complete = _complete_regressions(tasks, columns, weights)
    if len(complete) > 1:
        # Score them in one call, which spends most of its time on validating its inputs.
        truth = np.column_stack([quantities(tasks[i].name, columns.values[i]) for i in complete])
        r2 = r_squared_of_all(truth, np.column_stack([predicted[i] for i in complete]))
        scores = {tasks[i].name: float(score) for i, score in zip(complete, r2, strict=True)}
    for i, task in enumerate(tasks):
        if task.name in scores:
            continue
        seen, cells = columns.observed[i], None
        if weights is not None:
            cells = weights if weights.ndim == 1 else weights[:, i]
            seen = seen & (cells > 0)
        if not seen.any():
            scores[task.name] = np.nan
            continue
        weight = None if cells is None else summable_weights(cells[seen])
        truth, prediction = columns.values[i][seen], predicted[i][seen]
        if task.kind == "regression":
            scores[task.name] = r_squared(quantities(task.name, truth), prediction, weight)
        else:
            check_same_family(task.name, truth, prediction)
            scores[task.name] = accuracy_score(*_as_common_codes(truth, prediction), sample_weight=weight)
    return pd.Series({task.name: scores[task.name] for task in tasks}, name="score", dtype=np.float64)


def _complete_regressions(tasks: Sequence[Task], columns: TargetColumns, weights: np.ndarray | None) -> list[int]:
    """Regressions with a label in every row, all with the same weight."""
    if weights is not None or not len(columns.observed[0]):
        return []
    return [i for i, task in enumerate(tasks) if task.kind == "regression" and columns.observed[i].all()]


def r_squared(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None) -> float:
    """R2 of one task."""
    return float(r_squared_of_all(truth[:, None], prediction[:, None], weight)[0])


def r_squared_of_all(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """R2 of each column; values are rescaled if their squares would leave the range of floats."""
    _, exponents = np.frexp(np.abs(truth).max(axis=0))
    exponents = np.where(np.abs(exponents) > _LARGE_EXPONENT, exponents, 0)
    if exponents.any():
        truth, prediction = np.ldexp(truth, -exponents), np.ldexp(prediction.astype(np.float64), -exponents)
    return np.broadcast_to(r2_score(truth, prediction, sample_weight=weight, multioutput="raw_values"), truth.shape[1])


def _as_common_codes(truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Encode labels by codes of their union, so that equal labels of different dtypes compare equal."""
    codes, _ = pd.factorize(np.concatenate([as_objects(truth), as_objects(prediction)]))
    return codes[: len(truth)], codes[len(truth) :]
