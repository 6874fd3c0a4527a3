"""Scores of one fold by task, as sums that can be pooled over folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from _datasets import CLASSIFICATION, Record
from _tabular import POOLED, targets_of

FLOOR = 1e-4  # lower bound of probabilities: a single zero from a forest must not dominate the mean


def score_fold(train: Record, test: Record, predictions: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the scores by task. Tasks with separate rows are scored on their own rows."""
    known = {t.name: t.values for t in targets_of(train)}
    scores: dict[str, dict[str, Any]] = {}
    for target in targets_of(test):
        predicted = np.asarray(predictions[target.name], dtype=float)
        score = _classes if target.kind == CLASSIFICATION else _numbers
        for task, past, now in _tasks(train, test, target.name):
            rows = now[~np.isnan(target.values[now])]
            learnt = known[target.name][past]
            if len(rows):
                scores[task] = score(target.values[rows], predicted[rows], learnt[~np.isnan(learnt)])
    return scores


def _tasks(train: Record, test: Record, name: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return name, training rows and test rows of each task of a target."""
    if name != POOLED or train.row_task is None or test.row_task is None:
        return [(name, np.arange(len(train.X)), np.arange(len(test.X)))]
    past, now = train.row_task.to_numpy(), test.row_task.to_numpy()
    return [(task, np.flatnonzero(past == task), np.flatnonzero(now == task)) for task in train.kinds]


def _numbers(y: np.ndarray, predicted: np.ndarray, learnt: np.ndarray) -> dict[str, Any]:
    """Return the squared error, that of the training mean, and the root of their ratio (RRMSE)."""
    _refuse_missing(predicted)
    mean = learnt.mean() if len(learnt) else 0.0
    error, constant = float(((y - predicted) ** 2).sum()), float(((y - mean) ** 2).sum())
    rrmse = float(np.sqrt(error / constant)) if constant > 0 else None
    return {"n": len(y), "sse": error, "sse_mean": constant, "rrmse": rrmse}


def _classes(y: np.ndarray, predicted: np.ndarray, learnt: np.ndarray) -> dict[str, Any]:
    """Return summed log losses, of predictions and of training frequencies, balanced accuracy and one-vs-rest AUC."""
    _refuse_missing(predicted)
    y, n_classes = y.astype(int), predicted.shape[1]
    frequencies = np.bincount(learnt.astype(int), minlength=n_classes) / max(len(learnt), 1)
    guess = predicted.argmax(axis=1)
    recalls = [float((guess[y == c] == c).mean()) for c in np.unique(y)]
    return {
        "n": len(y),
        "nll": _log_loss(y, predicted),
        "nll_prior": _log_loss(y, np.tile(frequencies, (len(y), 1))),
        "balanced_accuracy": float(np.mean(recalls)),
        "auc": _auc(y, predicted),
    }


def _log_loss(y: np.ndarray, probabilities: np.ndarray) -> float:
    kept = np.clip(probabilities, FLOOR, None)
    return float(-np.log(kept[np.arange(len(y)), y] / kept.sum(axis=1)).sum())


def _auc(y: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Average one-vs-rest AUC over the classes present; of two classes, return that of the second."""
    from sklearn.metrics import roc_auc_score

    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    found = [roc_auc_score(y == c, probabilities[:, c]) for c in classes if 0 < (y == c).sum() < len(y)]
    return float(np.mean(found)) if found else None


def _refuse_missing(predicted: np.ndarray) -> None:
    if not np.isfinite(predicted).all():
        raise ValueError("predictions are not finite")
