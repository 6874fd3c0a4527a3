"""Groups of tasks with the same loss and width, computed at once: 600 tasks take as many operations as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from ._rule import LossRule


@dataclass(frozen=True)
class LossGroup:
    """Tasks with the same loss and number of units; ``columns`` are their positions in the raw output."""

    rule: LossRule
    units: int
    tasks: tuple[int, ...]
    columns: tuple[int, ...]

    def rows(self, labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Return the loss per member, row and task of the group, (members, batch, tasks).

        ``labels`` is (members, batch, all tasks), ``raw`` (members, batch, all units), ``scale`` (all tasks,), or
        (members, all tasks).
        """
        labels, raw = _take(labels, self.tasks), _take(raw, self.columns)
        members, batch = labels.shape[0], tf.shape(labels)[1]
        n_tasks = len(self.tasks)
        scales = tf.broadcast_to(tf.gather(scale, self.tasks, axis=-1)[..., None, :], (members, batch, n_tasks))
        values = self.rule.rows(tf.reshape(labels, (-1,)), tf.reshape(raw, (-1, self.units)), tf.reshape(scales, (-1,)))
        return tf.reshape(values, (members, batch, n_tasks))


def group_losses(rules: Sequence[LossRule], units: Sequence[int]) -> tuple[LossGroup, ...]:
    """Group the tasks, in the order in which the groups first appear."""
    starts = np.cumsum([0, *units])
    members: dict[tuple[LossRule, int], list[int]] = {}
    for task, (rule, width) in enumerate(zip(rules, units, strict=True)):
        members.setdefault((rule, width), []).append(task)
    return tuple(
        LossGroup(rule, width, tuple(tasks), tuple(int(starts[t]) + i for t in tasks for i in range(width)))
        for (rule, width), tasks in members.items()
    )


def row_losses(groups: Sequence[LossGroup], labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Return the loss per member, row and task, (members, batch, tasks), in the order of the tasks."""
    parts = [group.rows(labels, raw, scale) for group in groups]
    if len(parts) == 1:
        return parts[0]
    order = np.argsort([task for group in groups for task in group.tasks])
    return tf.gather(tf.concat(parts, axis=-1), order, axis=-1)


def _take(tensor: tf.Tensor, positions: tuple[int, ...]) -> tf.Tensor:
    """Take entries of the last axis, without a copy if they are all of them in order."""
    if positions == tuple(range(tensor.shape[-1])):
        return tensor
    return tf.gather(tensor, positions, axis=-1)
