"""Parts that several sharing schemes are made of, for one network or for its members side by side.

Shapes are written without the member axis, which comes before all others. A representation that all tasks share is
(batch, width); experts' outputs are (batch, experts, width); the tasks' own representations are
(tasks, batch, width), as batched products want them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._records import NetworkSpec
from ._experts import ExpertDense, ExpertGate, ExpertMixture
from ._fits_dropout import FitsDropout
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


def drop(hidden: Any, spec: NetworkSpec, name: str) -> Any:
    """Dropout, where the network has any."""
    if not spec.dropout:
        return hidden
    if spec.fits > 1:
        return FitsDropout(spec.fits, name=name, dtype=spec.dtype)(hidden)
    return VariableDropout(name=name, dtype=spec.dtype)(hidden)


def dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> keras.layers.Layer:
    """Dense layer: (batch, width) to (batch, units)."""
    if not spec.stacked:
        return keras.layers.Dense(units, activation=activation, name=name, dtype=spec.dtype)
    return MemberDense(units, spec.members, activation=activation, name=name, dtype=spec.dtype)


def task_dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> TaskDense:
    """Dense layer with a kernel for each task: (tasks or 1, batch, width) to (tasks, batch, units)."""
    return TaskDense(units, len(spec.heads), activation, members(spec), name=name, dtype=spec.dtype)


def expert_dense(spec: NetworkSpec, units: int, experts: int, name: str) -> ExpertDense:
    """Dense layer of experts: (batch, [groups,] width) to (batch, experts, units)."""
    return ExpertDense(units, experts, spec.activation, members(spec), name=name, dtype=spec.dtype)


def expert_gate(spec: NetworkSpec, experts: int, gates: int, dropout: float, name: str) -> ExpertGate:
    """Gates: (batch, [gates,] width) to (batch, gates, experts)."""
    return ExpertGate(experts, gates, dropout, members(spec), name=name, dtype=spec.dtype)


def mix(shares: Any, experts: Any, spec: NetworkSpec, name: str) -> Any:
    """Mixture of each gate: (batch, gates, width)."""
    return ExpertMixture(name=name, dtype=spec.dtype)(shares, experts)


def connect_experts(inputs: Any, spec: NetworkSpec, experts: int, name: str, *, shared: bool) -> Any:
    """Experts with the network's hidden layers: (batch, width) to (batch, experts, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = marked(expert_dense(spec, units, experts, f"{name}_{depth}"), shared)(hidden)
        hidden = drop(hidden, spec, f"{name}_dropout_{depth}")
    return hidden


def connect_columns(inputs: Any, spec: NetworkSpec, widths: Sequence[int], name: str) -> Any:
    """Layers that each task has to itself: (batch, width) to (tasks, batch, width)."""
    hidden = inputs
    for depth, units in enumerate(widths):
        hidden = connect_column(hidden, spec, units, name, depth, shared=False)
    return hidden


def connect_column(hidden: Any, spec: NetworkSpec, units: int, name: str, depth: int, *, shared: bool) -> Any:
    """A layer with a kernel for each task, with dropout; the first one takes the inputs, (batch, width)."""
    if depth == 0:
        layer = marked(expert_dense(spec, units, len(spec.heads), f"{name}_0"), shared)
        hidden = by_task(layer(hidden))
    else:
        hidden = marked(task_dense(spec, units, spec.activation, f"{name}_{depth}"), shared)(hidden)
    return drop(hidden, spec, f"{name}_dropout_{depth}")


def only(hidden: Any) -> Any:
    """The one expert, or gate: (batch, 1, width) to (batch, width)."""
    return ops.squeeze(hidden, -2)


def by_task(hidden: Any) -> Any:
    """Exchange the axes of rows and tasks."""
    return ops.swapaxes(hidden, -3, -2)


def on_all_tasks(layer: keras.layers.Layer, hidden: Any, spec: NetworkSpec) -> Any:
    """A shared layer on each task's representation (tasks, batch, width), as rows of one product."""
    tasks, width = hidden.shape[-3], hidden.shape[-1]
    rows = layer(ops.reshape(hidden, (*lead(spec), -1, width)))
    return ops.reshape(rows, (*lead(spec), tasks, -1, rows.shape[-1]))


def connect_trunk(inputs: Any, spec: NetworkSpec) -> Any:
    """The hidden layers that all tasks share: (batch, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = dense(spec, units, spec.activation, name=f"trunk_{depth}")(hidden)
        hidden = drop(hidden, spec, f"dropout_{depth}")
    return hidden


def connect_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Heads on a representation that all tasks share, (batch, width): raw outputs of all tasks side by side.

    Linear heads stand side by side in one kernel: as many columns as the tasks have units.
    """
    if spec.head_layer_sizes:
        return connect_task_heads(ops.expand_dims(hidden, -3), spec)
    return owned(dense(spec, sum(head.units for head in spec.heads), None, name="heads"))(hidden)


def connect_task_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Heads on each task's own representation, (tasks or 1, batch, width): raw outputs side by side.

    A layer of all heads is one batched product. Where tasks differ in units the last kernel is as wide as
    the widest, and the columns too many are cut off (they get no gradient).
    """
    for depth, width in enumerate(spec.head_layer_sizes):
        hidden = owned(task_dense(spec, width, spec.activation, name=f"tower_{depth}"))(hidden)
        hidden = drop(hidden, spec, f"tower_dropout_{depth}")
    widest = max(head.units for head in spec.heads)
    return side_by_side(owned(task_dense(spec, widest, None, name="heads"))(hidden), spec)


def side_by_side(outputs: Any, spec: NetworkSpec) -> Any:
    """Tasks' outputs (tasks, batch, most units) as columns, (batch, sum of units)."""
    units = [head.units for head in spec.heads]
    if len(set(units)) == 1:
        return ops.reshape(by_task(outputs), (*lead(spec), -1, sum(units)))
    return ops.concatenate([outputs[..., task, :, :width] for task, width in enumerate(units)], axis=-1)
