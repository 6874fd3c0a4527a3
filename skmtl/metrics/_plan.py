"""Which metrics are asked for which task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._names import proposal
from ._metric import Metric, resolve_metric


def plan_metrics(metrics: Any, names: tuple[str, ...]) -> dict[int, list[Metric]]:
    """Metrics of each task, by its position, from all forms that the caller may use.

    A mapping whose keys are tasks (by name or position) gives each task its own; any other mapping names
    metrics.
    """
    if not isinstance(metrics, Mapping):
        found = _resolve_all(metrics)
        return dict.fromkeys(range(len(names)), found)
    if not metrics:
        raise ValueError("metrics is an empty mapping; name at least one metric.")
    tasks = [_is_task(key, names) for key in metrics]
    if all(tasks):
        return by_position(metrics, names, _resolve_all)
    if any(tasks) or not all(isinstance(key, str) for key in metrics):
        wrong = next(key for key, is_task in zip(metrics, tasks, strict=True) if not is_task)
        raise ValueError(
            f"The keys of metrics should be all tasks or all names of metrics, got {list(metrics)}; {wrong!r} "
            f"is no task.{proposal(str(wrong), names)}"
        )
    found = [resolve_metric(metric, name=name) for name, metric in metrics.items()]
    return dict.fromkeys(range(len(names)), found)


def by_position(
    metrics: Mapping[Any, Any], names: tuple[str, ...], resolve: Callable[[Any], list[Metric]]
) -> dict[int, list[Metric]]:
    """Metrics of the tasks that a mapping names, in the order of the tasks."""
    plan = {task_position(key, names): resolve(value) for key, value in metrics.items()}
    if len(plan) < len(metrics):
        raise ValueError(f"Two of the keys {list(metrics)} are the same task.")
    return dict(sorted(plan.items()))


def task_position(task: Any, names: tuple[str, ...]) -> int:
    """Position of a task that is given by name or by position."""
    if isinstance(task, str):
        if task not in names:
            raise ValueError(f"There is no task {task!r}.{proposal(task, names)}")
        return names.index(task)
    if isinstance(task, bool) or not hasattr(task, "__index__"):
        raise TypeError(f"A task should be given by its name or its position, got {task!r}.")
    position = task.__index__()
    if not 0 <= position < len(names):
        raise ValueError(f"There is no task at position {position}: y has {len(names)} task(s).")
    return position


def _is_task(key: Any, names: tuple[str, ...]) -> bool:
    return key in names if isinstance(key, str) else hasattr(key, "__index__")


def _resolve_all(metrics: Any) -> list[Metric]:
    """Metrics of a single one or of a list, each of its own name."""
    if isinstance(metrics, Mapping):
        found = [resolve_metric(metric, name=str(name)) for name, metric in metrics.items()]
    elif isinstance(metrics, list | tuple):
        found = [resolve_metric(metric) for metric in metrics]
    else:
        found = [resolve_metric(metrics)]
    if not found:
        raise ValueError("metrics is empty; name at least one metric.")
    names = [metric.name for metric in found]
    if len(set(names)) != len(names):
        raise ValueError(f"Two metrics have the same name in {names}; give them names with a mapping.")
    return found
