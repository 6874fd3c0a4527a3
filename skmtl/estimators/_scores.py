"""Scores of tasks on their observed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, r2_score

from .._records import Task
from .._weights import summable_weights
from ..targets import TargetColumns, as_objects, check_same_family, quantities


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
            scores[task.name] = r2_score(quantities(task.name, truth), guess, sample_weight=weight)
        else:
            check_same_family(task.name, truth, guess)
            scores[task.name] = accuracy_score(*_same_type(truth, guess), sample_weight=weight)
    return pd.Series(scores, name="score", dtype=np.float64)


def _same_type(truth: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as codes of their union: what type they are plays no part in whether they agree."""
    codes, _ = pd.factorize(np.concatenate([as_objects(truth), as_objects(guess)]))
    return codes[: len(truth)], codes[len(truth) :]
