"""Resolve the name, function or scorer of a metric into something to evaluate on one task."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
from sklearn import metrics

from .._names import proposal
from ._probability import FUNCTIONS, SCORER_NAMES, ScoreFunction
from ._responses import SCORE_METHODS, TaskResponse
from ._task_estimator import CodedPredictions, TaskEstimator

_ScorerType = type(metrics.make_scorer(metrics.r2_score))
_HIGHER, _LOWER = ("_score",), ("_error", "_loss", "_deviance")
RESPONSE_METHODS = ("auto", "predict", "predict_proba", "decision_function")


@dataclass(frozen=True)
class Metric(ABC):
    """A metric of one task: its name, whether higher is better (None: unknown), whether it takes weights."""

    name: str
    greater_is_better: bool | None
    takes_weights: bool

    @abstractmethod
    def value(self, response: TaskResponse, weights: np.ndarray | None) -> float:
        """Evaluate the metric on the rows of the response."""


@dataclass(frozen=True)
class _ScoreMetric(Metric):
    """A metric of class scores that scikit-learn defines."""

    function: ScoreFunction
    options: dict[str, Any] = field(default_factory=dict)
    methods: tuple[str, ...] = ("predict_proba",)
    sign: int = 1

    def value(self, response: TaskResponse, weights: np.ndarray | None) -> float:
        scores = response.class_scores(self.methods)
        return self.sign * float(self.function.compute(scores, weights, **self.options))


@dataclass(frozen=True)
class _ScorerMetric(Metric):
    """Any scorer with scikit-learn's signature, called with the task as an estimator."""

    scorer: Callable[..., Any]
    needs_classes: bool

    def value(self, response: TaskResponse, weights: np.ndarray | None) -> float:
        estimator: Any = TaskEstimator(response, response.classes() if self.needs_classes else None)
        truth = response.y_true
        if not self.needs_classes and _is_of_labels(self.scorer) and response.has_odd_labels():
            truth, codes = response.coded()
            estimator = CodedPredictions(codes)
        rows = np.arange(len(truth))[:, None]
        if weights is None:
            return self.scorer(estimator, rows, truth)
        return self.scorer(estimator, rows, truth, sample_weight=weights)


def resolve_metric(
    metric: Any,
    *,
    name: str | None = None,
    response_method: str = "auto",
    greater_is_better: bool | None = None,
) -> Metric:
    """Return the metric for the name of a scorer or function, or for a scorer or function itself."""
    if isinstance(metric, str):
        return _named(metric, name or metric, response_method, greater_is_better)
    if not callable(metric):
        raise TypeError(f"A metric should be a name, a function or a scorer, got {metric!r}.")
    function: Any = metric.func if isinstance(metric, partial) and not metric.args else metric
    if getattr(function, "__hash__", None) and function in FUNCTIONS:
        options = metric.keywords if isinstance(metric, partial) else {}
        return _of_scores(function, options, name or function.__name__, response_method, greater_is_better)
    if _is_scorer(metric):
        if response_method != "auto" or greater_is_better is not None:
            raise ValueError(f"The scorer {metric!r} has its own response method and direction; leave both out.")
        return _scorer_metric(metric, name or repr(metric), greater_is_better=True, needs_classes=True)
    return _of_function(metric, name or _function_name(metric), response_method, greater_is_better)


def _named(metric: str, name: str, response_method: str, greater_is_better: bool | None) -> Metric:
    if metric in SCORER_NAMES:
        _refuse_direction(metric, greater_is_better)
        function, options = SCORER_NAMES[metric]
        return _of_scores(function, options, name, response_method, None, signed=True)
    if metric in metrics.get_scorer_names():
        _refuse_direction(metric, greater_is_better)
        if response_method not in ("auto", "predict"):
            raise ValueError(f"{metric!r} is a metric of predicted labels, not of {response_method}.")
        scorer = metrics.get_scorer(metric)
        return _scorer_metric(scorer, name, greater_is_better=True, needs_classes=False)
    if metric in _function_names():
        function = getattr(metrics, metric)
        return resolve_metric(function, name=name, response_method=response_method, greater_is_better=greater_is_better)
    valid = [*SCORER_NAMES, *metrics.get_scorer_names(), *_function_names()]
    raise ValueError(f"Unknown metric {metric!r}.{proposal(metric, set(valid))}")


def _refuse_direction(metric: str, greater_is_better: bool | None) -> None:
    if greater_is_better is False:
        raise ValueError(f"{metric!r} is the name of a scorer, for which higher is always better.")


def _of_scores(
    function: Callable[..., Any],
    options: dict[str, Any],
    name: str,
    response_method: str,
    greater_is_better: bool | None,
    *,
    signed: bool = False,
) -> Metric:
    known = FUNCTIONS[function]
    if "labels" in options or "pos_label" in options:
        raise ValueError(f"{name}: leave out labels and pos_label, which come from each task's classes.")
    if greater_is_better is not None and greater_is_better != known.greater_is_better:
        raise ValueError(f"{name} has greater_is_better={known.greater_is_better}, got {greater_is_better}.")
    if response_method == "auto":
        methods = known.methods
    elif response_method in known.methods:
        methods = (response_method,)
    else:
        raise ValueError(f"{name} needs {' or '.join(known.methods)}, not {response_method}.")
    return _ScoreMetric(
        name=name,
        greater_is_better=signed or known.greater_is_better,
        takes_weights=True,
        function=known,
        options=dict(options),
        methods=methods,
        sign=-1 if signed and not known.greater_is_better else 1,
    )


def _of_function(
    function: Callable[..., Any], name: str, response_method: str, greater_is_better: bool | None
) -> Metric:
    if response_method not in RESPONSE_METHODS:
        raise ValueError(f"response_method={response_method!r}.{proposal(response_method, RESPONSE_METHODS)}")
    method = "predict" if response_method == "auto" else response_method
    scorer = metrics.make_scorer(function, response_method=method)
    return _scorer_metric(
        scorer,
        name,
        greater_is_better=_direction(function) if greater_is_better is None else greater_is_better,
        needs_classes=method in SCORE_METHODS,
    )


def _scorer_metric(
    scorer: Callable[..., Any], name: str, *, greater_is_better: bool | None, needs_classes: bool
) -> Metric:
    return _ScorerMetric(
        name=name,
        greater_is_better=greater_is_better,
        takes_weights=_takes_weights(scorer),
        scorer=scorer,
        needs_classes=needs_classes,
    )


def _takes_weights(scorer: Any) -> bool:
    if isinstance(scorer, _ScorerType):
        return "sample_weight" in scorer.get_metadata_routing().score.requests
    return "sample_weight" in inspect.signature(scorer).parameters


def _is_scorer(metric: Any) -> bool:
    """Return whether this is called with an estimator rather than with predictions."""
    if isinstance(metric, _ScorerType):
        return True
    parameters = _parameters(metric)
    return bool(parameters) and parameters[0] in ("estimator", "est")


def _is_of_labels(scorer: Any) -> bool:
    """Return whether this is one of scikit-learn's metrics that treat labels as names, so that codes work as well."""
    if not isinstance(scorer, _ScorerType) or {"labels", "pos_label"} & set(scorer._kwargs):
        return False
    return str(getattr(scorer._score_func, "__module__", "")).startswith("sklearn.metrics._classification")


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _function_name(function: Any) -> str:
    inner = function.func if isinstance(function, partial) else function
    return getattr(inner, "__name__", type(inner).__name__)


def _direction(function: Any) -> bool | None:
    """Return the direction by scikit-learn's naming: ``_score`` is maximised, ``_error`` and the like minimised."""
    name = _function_name(function)
    return name.endswith(_HIGHER) if name.endswith(_HIGHER + _LOWER) else None


@cache
def _function_names() -> tuple[str, ...]:
    """Return the names of scikit-learn's metric functions that work on one task, from labels or from scores."""
    firsts, seconds = {"y_true", "y1", "labels_true"}, {"y_pred", "y2", "labels_pred"}
    names = []
    for name in metrics.__all__:
        function = getattr(metrics, name)
        if not name.endswith(_HIGHER + _LOWER):
            continue
        parameters = _parameters(function)
        if function in FUNCTIONS or (parameters[0] in firsts and parameters[1] in seconds):
            names.append(name)
    return tuple(names)
