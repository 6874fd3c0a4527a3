"""Evaluate every metric of every task, with one warning for all undefined scores."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from ..targets import TargetColumns
from ._inputs import shown
from ._metric import Metric
from ._responses import Responses, TaskResponse

Plan = Mapping[int, Sequence[Metric]]


class _ScoreWarnings:
    """Collects warnings to give once at the end: undefined metrics, and values set by convention."""

    def __init__(self) -> None:
        self._undefined: dict[str, list[str]] = defaultdict(list)
        self._set: dict[str, list[str]] = defaultdict(list)
        self._others: dict[tuple[type[Warning], str], None] = {}

    def undefined(self, metric: str, reason: str, task: str) -> None:
        self._undefined[f"{metric} is undefined{reason}, and therefore NaN, for"].append(task)

    def conventional(self, metric: str, text: str, task: str) -> None:
        self._set[f"{metric}: {text} This applies to"].append(task)

    def passed_on(self, category: type[Warning], text: str) -> None:
        self._others[category, text] = None

    def warn(self, stacklevel: int) -> None:
        """Give at most one warning about undefined scores, and repeat each other warning of a metric once."""
        for category, text in self._others:
            warnings.warn(text, category, stacklevel=stacklevel + 1)
        lines = [f"{text} {shown(tasks)}." for text, tasks in {**self._undefined, **self._set}.items()]
        if lines:
            warnings.warn("\n".join(lines), UndefinedMetricWarning, stacklevel=stacklevel + 1)


def score_table(
    targets: TargetColumns,
    responses: Responses,
    plan: Plan,
    weights: np.ndarray | None,
    *,
    stacklevel: int,
) -> pd.DataFrame:
    """Return the scores of the planned tasks: one row per task, one column per metric, NaN if not requested."""
    columns = list(dict.fromkeys(metric.name for metrics in plan.values() for metric in metrics))
    index = pd.Index([targets.names[task] for task in plan], name="task")
    table = pd.DataFrame(np.nan, index=index, columns=columns, dtype=np.float64)
    collected = _ScoreWarnings()
    for row, (task, metrics) in enumerate(plan.items()):
        rows = np.flatnonzero(targets.observed[task])
        response = TaskResponse(responses, task, rows)
        task_weights = None if weights is None else weights[rows, task]
        for metric in metrics:
            table.iat[row, columns.index(metric.name)] = _score(metric, response, task_weights, collected)
    collected.warn(stacklevel + 1)
    return table


def _score(metric: Metric, response: TaskResponse, weights: np.ndarray | None, collected: _ScoreWarnings) -> float:
    if weights is not None and not metric.takes_weights:
        raise ValueError(f"The metric {metric.name} does not take sample weights; leave sample_weight out.")
    if len(response.y_true) == 0:
        collected.undefined(metric.name, " without a label", response.name)
        return np.nan
    if weights is not None and weights.sum() == 0:
        collected.undefined(metric.name, " without a weight above 0", response.name)
        return np.nan
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = _evaluate(metric, response, weights)
    if np.isnan(value):
        collected.undefined(metric.name, " on these labels", response.name)
    for warning in caught:
        if not issubclass(warning.category, UndefinedMetricWarning):
            collected.passed_on(warning.category, str(warning.message))
        elif not np.isnan(value):
            collected.conventional(metric.name, str(warning.message), response.name)
    return value


def _evaluate(metric: Metric, response: TaskResponse, weights: np.ndarray | None) -> float:
    try:
        value = metric.value(response, weights)
    except Exception as error:
        error.add_note(f"This happened in {metric.name} of the task {response.name!r}.")
        raise
    if np.ndim(value) != 0:
        raise ValueError(f"The metric {metric.name} should return one number per task, got {value!r}.")
    return float(value)
