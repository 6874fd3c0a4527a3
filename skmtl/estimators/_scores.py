"""Scores of tasks on their observed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from .._records import Task
from .._weights import summable_weights
from ..targets import TargetColumns, as_objects, check_same_family, quantities

# Beyond this power of two, squares and their sums are near the ends of float64.
_LARGE_EXPONENT = 400


def score_columns(
    tasks: Sequence[Task], columns: TargetColumns, predicted: Sequence[np.ndarray], weights: np.ndarray | None
) -> pd.Series:
    """R2 or accuracy of every task; NaN where a task has no label."""
    scores = {}
    for i, task in enumerate(tasks):
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
    return pd.Series(scores, name="score", dtype=np.float64)


def r_squared(truth: np.ndarray, guess: np.ndarray, weight: np.ndarray | None = None) -> float:
    """R2, for numbers whose squares leave the range of floats too: it is the same in any units."""
    _, exponent = np.frexp(np.abs(truth).max())
    if abs(int(exponent)) > _LARGE_EXPONENT:
        truth, guess = np.ldexp(truth, -exponent), np.ldexp(guess.astype(np.float64), -exponent)
    return float(r2_score(truth, guess, sample_weight=weight))


def _same_type(truth: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as codes of their union: what type they are plays no part in whether they agree."""
    codes, _ = pd.factorize(np.concatenate([as_objects(truth), as_objects(guess)]))
    return codes[: len(truth)], codes[len(truth) :]
