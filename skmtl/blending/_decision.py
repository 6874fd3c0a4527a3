"""The class that is predicted: the most probable one, or by factors on probabilities chosen on held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import recall_score

from ..fitting._input import FitInput, Settings
from ._out_of_fold import OutOfFold

MOST_PROBABLE, BALANCED = "most_probable", "balanced_accuracy"
# Factors to try for a class, first a coarse grid, then a fine one, and how often each grid visits all classes.
_FACTORS = (np.exp(np.linspace(-1.5, 1.5, 13)), np.exp(np.linspace(-0.25, 0.25, 11)))
_ROUNDS = 2
# With more classes, only powers of the class shares are tried.
_MOST_CLASSES = 20

Score = Callable[[np.ndarray, np.ndarray], float]


def decision_of(settings: Settings) -> Any:
    """Return the estimator's ``decision``; regressors have none."""
    return settings.parameters.get("decision", MOST_PROBABLE)


def factors_of(settings: Settings, data: FitInput, known: OutOfFold) -> list[np.ndarray | None] | None:
    """Return per task the factors on class probabilities before the largest is taken; None for a regression.

    Return None if the most probable class is predicted in all tasks.
    """
    decision = decision_of(settings)
    if isinstance(decision, str) and decision == MOST_PROBABLE:
        return None
    factors: list[np.ndarray | None] = []
    for number, (task, predicted) in enumerate(zip(data.encoder.tasks, known.quantities, strict=True)):
        if task.kind == "regression":
            factors.append(None)
            continue
        own = predicted[data.kept]
        rows = np.flatnonzero(data.targets.observed[:, number] & np.isfinite(own).all(axis=1))
        codes = data.targets.values[rows, number].astype(np.intp)
        factors.append(_factors(own[rows], codes, _score(decision, data, number)))
    return factors


def _score(decision: Any, data: FitInput, task: int) -> Score:
    if callable(decision):
        decode = data.encoder.decode_labels
        return lambda truth, guess: float(decision(decode(truth, task), decode(guess, task)))
    return lambda truth, guess: float(recall_score(truth, guess, labels=np.unique(truth), average="macro"))


def _factors(probabilities: np.ndarray, codes: np.ndarray, score: Score) -> np.ndarray:
    """Return the factors (n_classes,) with the best score, searched one class at a time."""
    n_classes = probabilities.shape[1]
    ones = np.ones(n_classes)
    if len(codes) == 0 or n_classes == 1:
        return ones
    share = np.maximum(np.bincount(codes, minlength=n_classes), 1) / len(codes)
    # With calibrated probabilities, one over the class shares is optimal for balanced accuracy.
    starts = [ones, share**-0.5, share**-1.0]
    scores = [score(codes, (probabilities * start).argmax(axis=1)) for start in starts]
    best, most = starts[int(np.argmax(scores))], max(scores)
    if n_classes > _MOST_CLASSES:
        return best / best.max()
    for tried in _FACTORS:
        for _ in range(_ROUNDS):
            for number in range(1 if n_classes == 2 else 0, n_classes):
                best, most = _with_best_factor(probabilities, codes, score, best, most, number, tried)
    return best / best.max()


def _with_best_factor(
    probabilities: np.ndarray,
    codes: np.ndarray,
    score: Score,
    best: np.ndarray,
    most: float,
    number: int,
    tried: Sequence[float] | np.ndarray,
) -> tuple[np.ndarray, float]:
    """Return the best factors when that of one class changes, and their score; the middle one of equally good ones."""
    options = [np.where(np.arange(len(best)) == number, best * factor, best) for factor in tried]
    scores = np.array([score(codes, (probabilities * option).argmax(axis=1)) for option in options])
    if scores.max() <= most:
        return best, most
    equal = np.flatnonzero(scores == scores.max())
    return options[int(equal[len(equal) // 2])], float(scores.max())
