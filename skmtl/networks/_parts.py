"""Parts that several sharing schemes are made of: dense layers, trunk and heads, for one network or several."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from .._records import NetworkSpec
from ._layers import MemberDense, TaskDense, VariableDropout


def lead(spec: NetworkSpec) -> tuple[int, ...]:
    """Axes before all others: that of the members, where there is one."""
    return (spec.members,) if spec.stacked else ()


def members(spec: NetworkSpec) -> int | None:
    """Number of members for layers that may have such an axis."""
    return spec.members if spec.stacked else None


def marked(layer: keras.layers.Layer, shared: bool) -> keras.layers.Layer:
    """The layer, marked as shared, or as the tasks' own: one task's loss at most reaches each of its numbers."""
    layer.shared = shared
    return layer


def owned(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer, marked as the tasks' own."""
    return marked(layer, shared=False)


def dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> keras.layers.Layer:
    """Dense layer for one network, or for its members side by side."""
    if not spec.stacked:
        return keras.layers.Dense(units, activation=activation, name=name, dtype=spec.dtype)
    return MemberDense(units, spec.members, activation=activation, name=name, dtype=spec.dtype)


def task_dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> TaskDense:
    """Dense layer with a kernel for each task; not marked as the tasks' own."""
    return TaskDense(units, len(spec.heads), activation, members(spec), name=name, dtype=spec.dtype)


def on_all_tasks(layer: keras.layers.Layer, hidden: Any, spec: NetworkSpec) -> Any:
    """A shared layer on each task's representation (..., tasks or 1, batch, width), as one product's rows."""
    tasks, width = hidden.shape[-3], hidden.shape[-1]
    rows = layer(ops.reshape(hidden, (*lead(spec), -1, width)))
    return ops.reshape(rows, (*lead(spec), tasks, -1, rows.shape[-1]))


def drop(hidden: Any, spec: NetworkSpec, name: str) -> Any:
    """Dropout, where the network has any."""
    return VariableDropout(name=name, dtype=spec.dtype)(hidden) if spec.dropout else hidden


def connect_trunk(inputs: Any, spec: NetworkSpec) -> Any:
    """The hidden layers that all tasks share, (..., batch, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = dense(spec, units, spec.activation, name=f"trunk_{depth}")(hidden)
        hidden = drop(hidden, spec, f"dropout_{depth}")
    return hidden


def connect_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Heads on a representation that all tasks share, (..., batch, width).

    Linear heads stand side by side in one kernel: as many columns as the tasks have units.
    """
    if spec.head_layer_sizes:
        return connect_task_heads(ops.expand_dims(hidden, -3), spec)
    return owned(dense(spec, sum(head.units for head in spec.heads), None, name="heads"))(hidden)


def connect_task_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Heads on each task's own representation, (..., tasks or 1, batch, width).

    A layer of all heads is one batched product. Where tasks differ in units the last kernel is as wide as
    the widest, and the columns too many are cut off (they get no gradient).
    """
    for depth, width in enumerate(spec.head_layer_sizes):
        hidden = owned(task_dense(spec, width, spec.activation, name=f"tower_{depth}"))(hidden)
        hidden = drop(hidden, spec, f"tower_dropout_{depth}")
    widest = max(head.units for head in spec.heads)
    return side_by_side(owned(task_dense(spec, widest, None, name="heads"))(hidden), spec)


def side_by_side(outputs: Any, spec: NetworkSpec) -> Any:
    """Tasks' outputs (..., tasks, batch, most units) as columns, (..., batch, sum of units)."""
    units = [head.units for head in spec.heads]
    if len(set(units)) == 1:
        rows = ops.swapaxes(outputs, -3, -2)
        return ops.reshape(rows, (*lead(spec), -1, sum(units)))
    return ops.concatenate([outputs[..., task, :, :width] for task, width in enumerate(units)], axis=-1)
