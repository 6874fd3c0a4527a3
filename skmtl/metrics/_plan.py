"""Resolve the metrics of each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._names import proposal
from ._metric import Metric, resolve_metric


def plan_metrics(metrics: Any, names: tuple[str, ...]) -> dict[int, list[Metric]]:
    """Return the metrics of each task by position, from any form that the caller may use.

    A mapping with tasks as keys (by name or position) gives each task its own metrics; any other mapping names
    metrics.
    """
    if not isinstance(metrics, Mapping):
        resolved = _resolve_all(metrics)
        return dict.fromkeys(range(len(names)), resolved)
    if not metrics:
        raise ValueError("metrics is an empty mapping; name at least one metric.")
    tasks = [_is_task(key, names) for key in metrics]
    if all(tasks):
        return by_position(metrics, names, _resolve_all)
    if any(tasks) or not all(isinstance(key, str) for key in metrics):
        wrong = next(key for key, is_task in zip(metrics, tasks, strict=True) if not is_task)
        raise ValueError(
            f"The keys of metrics should be all tasks or all names of metrics, got {list(metrics)}; {wrong!r} "
            f"is not a task.{proposal(str(wrong), names)}"
        )
    resolved = [resolve_metric(metric, name=name) for name, metric in metrics.items()]
    return dict.fromkeys(range(len(names)), resolved)


def by_position(
    metrics: Mapping[Any, Any], names: tuple[str, ...], resolve: Callable[[Any], list[Metric]]
) -> dict[int, list[Metric]]:
    """Return the metrics of the tasks named in a mapping, in the order of the tasks."""
    plan = {task_position(key, names): resolve(value) for key, value in metrics.items()}
    if len(plan) < len(metrics):
        raise ValueError(f"Two of the keys {list(metrics)} are the same task.")
    return dict(sorted(plan.items()))


def task_position(task: Any, names: tuple[str, ...]) -> int:
    """Return the position of a task given by name or position."""
    if isinstance(task, str):
        if task not in names:
            raise ValueError(f"There is no task {task!r}.{proposal(task, names)}")
        return names.index(task)
    if isinstance(task, bool) or not hasattr(task, "__index__"):
        raise TypeError(f"Give a task by name or position, got {task!r}.")
    position = task.__index__()
    if not 0 <= position < len(names):
        raise ValueError(f"There is no task at position {position}: y has {len(names)} task(s).")
    return position


def _is_task(key: Any, names: tuple[str, ...]) -> bool:
    return key in names if isinstance(key, str) else hasattr(key, "__index__")


def _resolve_all(metrics: Any) -> list[Metric]:
    """Resolve one metric, a list or a mapping of names; all names must differ."""
    if isinstance(metrics, Mapping):
        resolved = [resolve_metric(metric, name=str(name)) for name, metric in metrics.items()]
    elif isinstance(metrics, list | tuple):
        resolved = [resolve_metric(metric) for metric in metrics]
    else:
        resolved = [resolve_metric(metrics)]
    if not resolved:
        raise ValueError("metrics is empty; name at least one metric.")
    names = [metric.name for metric in resolved]
    if len(set(names)) != len(names):
        raise ValueError(f"Two metrics have the same name in {names}; give them names with a mapping.")
    return resolved
