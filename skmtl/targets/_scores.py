"""Scores of tasks on their observed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from .._records import Task
from .._weights import summable_weights
from . import TargetColumns, as_objects, check_same_family, quantities

# Beyond this power of two, squares and their sums are near the ends of float64.
_LARGE_EXPONENT = 400


def score_columns(
    tasks: Sequence[Task], columns: TargetColumns, predicted: Sequence[np.ndarray], weights: np.ndarray | None
) -> pd.Series:
    """R2 or accuracy of every task; NaN where a task has no label."""
    scores: dict[str, float] = {}
    whole = _whole_regressions(tasks, columns, weights)
    if len(whole) > 1:
        # One call for all: most of its time goes into looking at what it is given.
        truth = np.column_stack([quantities(tasks[i].name, columns.values[i]) for i in whole])
        found = r_squared_of_all(truth, np.column_stack([predicted[i] for i in whole]))
        scores = {tasks[i].name: float(score) for i, score in zip(whole, found, strict=True)}
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
        truth, guess = columns.values[i][seen], predicted[i][seen]
        if task.kind == "regression":
            scores[task.name] = r_squared(quantities(task.name, truth), guess, weight)
        else:
            check_same_family(task.name, truth, guess)
            scores[task.name] = accuracy_score(*_same_type(truth, guess), sample_weight=weight)
    return pd.Series({task.name: scores[task.name] for task in tasks}, name="score", dtype=np.float64)


def _whole_regressions(tasks: Sequence[Task], columns: TargetColumns, weights: np.ndarray | None) -> list[int]:
    """Regressions with a label in every row, all of the same weight."""
    if weights is not None or not len(columns.observed[0]):
        return []
    return [i for i, task in enumerate(tasks) if task.kind == "regression" and columns.observed[i].all()]


def r_squared(truth: np.ndarray, guess: np.ndarray, weight: np.ndarray | None = None) -> float:
    """R2 of one task."""
    return float(r_squared_of_all(truth[:, None], guess[:, None], weight)[0])


def r_squared_of_all(truth: np.ndarray, guess: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """R2 of each column, for numbers whose squares leave the range of floats too: it is the same in any units."""
    _, exponents = np.frexp(np.abs(truth).max(axis=0))
    exponents = np.where(np.abs(exponents) > _LARGE_EXPONENT, exponents, 0)
    if exponents.any():
        truth, guess = np.ldexp(truth, -exponents), np.ldexp(guess.astype(np.float64), -exponents)
    return np.broadcast_to(r2_score(truth, guess, sample_weight=weight, multioutput="raw_values"), truth.shape[1])


def _same_type(truth: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as codes of their union: what type they are plays no part in whether they agree."""
    codes, _ = pd.factorize(np.concatenate([as_objects(truth), as_objects(guess)]))
    return codes[: len(truth)], codes[len(truth) :]
