"""Metrics of the tasks, and how they translate into losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn import metrics

from .._records import Kind
from ..metrics import TaskScorer
from ..metrics._metric import Metric
from ..metrics._plan import plan_metrics

# Scores of scikit-learn without a best value.
_UNBOUNDED = {"dcg_score", "mutual_info_score"}
_DEFAULTS = {"regression": "r2", "classification": "accuracy"}


@dataclass(frozen=True)
class TaskMetric:
    """The metric of a task, and its loss: ``sign * score + offset``."""

    metric: Metric
    sign: float
    offset: float

    @property
    def gain_sign(self) -> float:
        """+1 if a higher score is better, -1 if a lower one is."""
        return 1.0 if self.metric.greater_is_better else -1.0

    @property
    def loss_name(self) -> str:
        """Name of the loss in a printed text."""
        if self.offset:
            return f"1 - {self.metric.name}"
        return self.metric.name if self.sign > 0 else f"-{self.metric.name}"

    def loss(self, score: Any) -> Any:
        """Return the loss for a score or an array of scores."""
        return self.sign * score + self.offset


def task_metrics(scoring: Any, names: Sequence[str], kinds: Sequence[Kind]) -> dict[int, TaskMetric]:
    """Return the metric of each scored task by position; None means R2 or accuracy."""
    if scoring is None:
        scoring = {name: _DEFAULTS[kind] for name, kind in zip(names, kinds, strict=True)}
    if isinstance(scoring, TaskScorer):
        plan: Mapping[int, Sequence[Metric]] = scoring._plan(tuple(names))
    else:
        plan = plan_metrics(scoring, tuple(names))
    chosen = {}
    for task, candidates in plan.items():
        if len(candidates) != 1:
            raise ValueError(
                f"scoring gives the task {names[task]!r} the metrics {[metric.name for metric in candidates]}; give "
                "exactly one: a name, a function, a scorer, or a dict of task to one of these."
            )
        chosen[task] = _with_loss(candidates[0], _origin(scoring, names, task))
    return chosen


def _origin(scoring: Any, names: Sequence[str], task: int) -> Any:
    """Return the metric of a task in the form that the caller gave."""
    given = scoring.metric if isinstance(scoring, TaskScorer) else scoring
    if isinstance(given, list | tuple):
        return given[0]
    if not isinstance(given, Mapping):
        return given
    for key, value in given.items():
        if key in (task, names[task]) or len(given) == 1:
            return value[0] if isinstance(value, list | tuple) else value
    return None


def _with_loss(metric: Metric, origin: Any) -> TaskMetric:
    if metric.greater_is_better is None:
        raise ValueError(
            f"It is unknown whether a higher {metric.name} is better: give the function a name that ends in _score, "
            "_error, _loss or _deviance, or pass make_task_scorer(..., greater_is_better=...)."
        )
    if not metric.greater_is_better:
        return TaskMetric(metric, 1.0, 0.0)
    return TaskMetric(metric, -1.0, 1.0 if _best_is_one(origin) else 0.0)


def _best_is_one(origin: Any) -> bool:
    """Return whether this is a score of scikit-learn whose best value is 1."""
    if isinstance(origin, str):
        if origin in metrics.get_scorer_names():
            origin = metrics.get_scorer(origin)
        else:
            origin = getattr(metrics, origin, None)
    sign = getattr(origin, "_sign", 1)
    function = getattr(origin, "_score_func", origin)
    if isinstance(function, partial):
        function = function.func
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", "") or ""
    known = module.split(".")[0] == "sklearn" and name.endswith(("_score", "_corrcoef"))
    return bool(known and sign > 0 and name not in _UNBOUNDED)
