"""From the ``loss`` parameter to the losses of the engine, and the heads and target scaling they require."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._records import Head, Task
from ..losses import LossGroup, LossRule, default_rule, group_losses, resolve_rule
from ..losses._rule import is_regression_only
from ..targets import ScalingMode
from ._per_task import per_task


@dataclass(frozen=True)
class Objective:
    """The tasks' losses, heads and target scalings."""

    rules: tuple[LossRule, ...]
    heads: tuple[Head, ...]
    modes: tuple[ScalingMode, ...]

    @property
    def groups(self) -> tuple[LossGroup, ...]:
        """The losses, with tasks of the same loss in one group."""
        return group_losses(self.rules, [head.units for head in self.heads])


def objective(
    loss: Any,
    tasks: Sequence[Task],
    scale_targets: Sequence[bool],
    widths: Sequence[int] | None = None,
    linear: Sequence[bool] = (),
) -> Objective:
    """Return the objective of the tasks; ``widths`` and ``linear`` describe the heads of the caller's own model."""
    rules, heads, modes = [], [], []
    own = widths is not None
    for i, (task, given) in enumerate(zip(tasks, per_task(loss, [t.name for t in tasks], "loss"), strict=True)):
        # A classification has at least two units, even if only one class was seen.
        least = 1 if task.kind == "regression" else 2
        units = widths[i] if widths is not None else max(least, len(task.classes))
        rule = (
            default_rule(task.kind, probabilities=own, units=units)
            if given is None
            else resolve_rule(given, task.kind, task.name, probabilities=own, units=units)
        )
        if task.kind == "classification" and is_regression_only(rule) and rule.key[0] not in _PROPER:
            raise ValueError(
                f"loss of task {task.name!r}: {rule.key[0]} is for regressions, but the task is a classification."
            )
        logits = own and _from_logits(given)
        if own and task.kind == "classification" and linear and linear[i] and not logits:
            raise ValueError(
                f"The head of task {task.name!r} ends in a linear activation: give its last layer a softmax "
                "(or a sigmoid for one unit), or pass a loss with from_logits=True."
            )
        rules.append(rule)
        heads.append(Head(task.name, units, _link(task, rule, own, units, logits)))
        modes.append(_mode(task, rule, scale_targets[i], own))
    return Objective(tuple(rules), tuple(heads), tuple(modes))


# Squared error (the Brier score) and absolute error of class probabilities are allowed as well.
_PROPER = ("MeanSquaredError", "MeanAbsoluteError")


def _from_logits(loss: Any) -> bool:
    config = loss.get_config() if hasattr(loss, "get_config") and not isinstance(loss, type) else {}
    return bool(config.get("from_logits", False))


def _link(task: Task, rule: LossRule, own: bool, units: int, logits: bool) -> Any:
    if task.kind == "regression":
        return rule.link
    if not own:
        return "softmax"
    if not logits:
        return "none"
    return "sigmoid" if units == 1 else "softmax"


def _mode(task: Task, rule: LossRule, scale_targets: bool, own: bool) -> ScalingMode:
    if task.kind == "classification":
        return "codes"
    if not scale_targets:
        return "none"
    if rule.positive:
        return "none" if own else "positive"
    return "standard"
