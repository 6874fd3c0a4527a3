"""Metrics of class scores: scikit-learn's functions on class numbers, for classes of any type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics

from ._classes import ClassScores

Weights = np.ndarray | None


def _roc_auc(response: ClassScores, weights: Weights, **options: Any) -> float:
    """Binary, or one-vs-rest with the unweighted mean over classes by default."""
    if response.scores.shape[1] <= 2:
        return metrics.roc_auc_score(response.codes, response.scores[:, -1], sample_weight=weights, **options)
    options = {"multi_class": "ovr", **options}
    labels = np.arange(response.scores.shape[1])
    return metrics.roc_auc_score(response.codes, response.scores, sample_weight=weights, labels=labels, **options)


def _average_precision(response: ClassScores, weights: Weights, **options: Any) -> float:
    """Binary, or one-vs-rest; undefined if a class that counts has no row."""
    n_classes = response.scores.shape[1]
    totals = np.bincount(response.codes, weights=weights, minlength=n_classes)
    if n_classes <= 2:
        if n_classes < 2 or totals[1] == 0:
            return np.nan
        return metrics.average_precision_score(response.codes, response.scores[:, 1], sample_weight=weights, **options)
    if options.get("average", "macro") == "macro" and (totals == 0).any():
        return np.nan
    one_hot = np.eye(n_classes, dtype=int)[response.codes]
    return metrics.average_precision_score(one_hot, response.scores, sample_weight=weights, **options)


def _with_labels(function: Callable[..., float], response: ClassScores, weights: Weights, **options: Any) -> float:
    """Metrics of a column per class and the labels of the columns; undefined for a single class."""
    n_classes = response.scores.shape[1]
    if n_classes < 2:
        return np.nan
    return function(response.codes, response.scores, sample_weight=weights, labels=np.arange(n_classes), **options)


def _skill(function: Callable[..., float], response: ClassScores, weights: Weights, **options: Any) -> float:
    """Skill relative to the class frequencies; undefined if these predict perfectly."""
    if np.count_nonzero(np.bincount(response.codes, weights=weights)) < 2:
        return np.nan
    return _with_labels(function, response, weights, **options)


def _top_k(response: ClassScores, weights: Weights, **options: Any) -> float:
    n_classes = response.scores.shape[1]
    if n_classes < 2:
        return np.nan
    scores = response.scores[:, 1] if n_classes == 2 else response.scores
    labels = np.arange(n_classes)
    return metrics.top_k_accuracy_score(response.codes, scores, sample_weight=weights, labels=labels, **options)


@dataclass(frozen=True)
class ScoreFunction:
    """A metric of class scores, its direction, and the response methods it can use."""

    compute: Callable[..., float]
    greater_is_better: bool
    methods: tuple[str, ...] = ("predict_proba",)


_RANKING = ("predict_proba", "decision_function")

# Keyed by scikit-learn's function, which the user names or passes.
FUNCTIONS: Mapping[Callable[..., Any], ScoreFunction] = {
    metrics.roc_auc_score: ScoreFunction(_roc_auc, True, _RANKING),
    metrics.average_precision_score: ScoreFunction(_average_precision, True, _RANKING),
    metrics.top_k_accuracy_score: ScoreFunction(_top_k, True, _RANKING),
    metrics.log_loss: ScoreFunction(partial(_with_labels, metrics.log_loss), False),
    metrics.brier_score_loss: ScoreFunction(partial(_with_labels, metrics.brier_score_loss), False),
    metrics.d2_log_loss_score: ScoreFunction(partial(_skill, metrics.d2_log_loss_score), True),
    metrics.d2_brier_score: ScoreFunction(partial(_skill, metrics.d2_brier_score), True),
}

# Keyed by scikit-learn's scorer name: its function and options.
SCORER_NAMES: Mapping[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "roc_auc": (metrics.roc_auc_score, {}),
    "roc_auc_ovr": (metrics.roc_auc_score, {"multi_class": "ovr"}),
    "roc_auc_ovo": (metrics.roc_auc_score, {"multi_class": "ovo"}),
    "roc_auc_ovr_weighted": (metrics.roc_auc_score, {"multi_class": "ovr", "average": "weighted"}),
    "roc_auc_ovo_weighted": (metrics.roc_auc_score, {"multi_class": "ovo", "average": "weighted"}),
    "average_precision": (metrics.average_precision_score, {}),
    "top_k_accuracy": (metrics.top_k_accuracy_score, {}),
    "neg_log_loss": (metrics.log_loss, {}),
    "neg_brier_score": (metrics.brier_score_loss, {}),
    "d2_log_loss_score": (metrics.d2_log_loss_score, {}),
    "d2_brier_score": (metrics.d2_brier_score, {}),
}
