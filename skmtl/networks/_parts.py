"""Building blocks of the sharing schemes, for one network or for several members side by side.

Shapes are given without the member axis, which comes first. A shared representation is (batch, width), experts' outputs
are (batch, experts, width), and task-specific representations are (tasks, batch, width), as batched products need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .._records import NetworkSpec
from ._experts import ExpertDense, ExpertGate, ExpertMixture
from ._layers import MemberDense, TaskDense, VariableDropout
from ._per_fit_dropout import PerFitDropout


def lead(spec: NetworkSpec) -> tuple[int, ...]:
    """Return the leading axes: the member axis, if there is one."""
    return (spec.members,) if spec.stacked else ()


def members(spec: NetworkSpec) -> int | None:
    """Return the number of members for layers with an optional member axis, or None."""
    return spec.members if spec.stacked else None


def marked(layer: keras.layers.Layer, shared: bool) -> keras.layers.Layer:
    """Mark a layer as shared or as task-specific, and return it.

    In a task-specific layer, each number affects the loss of at most one task.
    """
    layer.shared = shared
    return layer


def task_specific(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Mark a layer as task-specific, and return it."""
    return marked(layer, shared=False)


def drop(hidden: Any, spec: NetworkSpec, name: str) -> Any:
    """Connect dropout, if the network has any."""
    if not spec.dropout:
        return hidden
    if spec.fits > 1:
        return PerFitDropout(spec.fits, name=name, dtype=spec.dtype)(hidden)
    return VariableDropout(name=name, dtype=spec.dtype)(hidden)


def dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> keras.layers.Layer:
    """Create a dense layer: (batch, width) to (batch, units)."""
    if not spec.stacked:
        return keras.layers.Dense(units, activation=activation, name=name, dtype=spec.dtype)
    return MemberDense(units, spec.members, activation=activation, name=name, dtype=spec.dtype)


def task_dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> TaskDense:
    """Create a dense layer with one kernel per task: (tasks or 1, batch, width) to (tasks, batch, units)."""
    return TaskDense(units, len(spec.heads), activation, members(spec), name=name, dtype=spec.dtype)


def expert_dense(spec: NetworkSpec, units: int, experts: int, name: str) -> ExpertDense:
    """Create a dense layer of experts: (batch, [groups,] width) to (batch, experts, units)."""
    return ExpertDense(units, experts, spec.activation, members(spec), name=name, dtype=spec.dtype)


def expert_gate(spec: NetworkSpec, experts: int, gates: int, dropout: float, name: str) -> ExpertGate:
    """Create gates: (batch, [gates,] width) to (batch, gates, experts)."""
    return ExpertGate(experts, gates, dropout, members(spec), name=name, dtype=spec.dtype)


def mix(shares: Any, experts: Any, spec: NetworkSpec, name: str) -> Any:
    """Connect the mixture of each gate: (batch, gates, width)."""
    return ExpertMixture(name=name, dtype=spec.dtype)(shares, experts)


def connect_experts(inputs: Any, spec: NetworkSpec, experts: int, name: str, *, shared: bool) -> Any:
    """Connect experts with the network's hidden layers: (batch, width) to (batch, experts, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = marked(expert_dense(spec, units, experts, f"{name}_{depth}"), shared)(hidden)
        hidden = drop(hidden, spec, f"{name}_dropout_{depth}")
    return hidden


def connect_columns(inputs: Any, spec: NetworkSpec, widths: Sequence[int], name: str) -> Any:
    """Connect task-specific layers: (batch, width) to (tasks, batch, width)."""
    hidden = inputs
    for depth, units in enumerate(widths):
        hidden = connect_column(hidden, spec, units, name, depth, shared=False)
    return hidden


def connect_column(hidden: Any, spec: NetworkSpec, units: int, name: str, depth: int, *, shared: bool) -> Any:
    """Connect a layer with one kernel per task, with dropout; the first one takes the inputs, (batch, width)."""
    if depth == 0:
        layer = marked(expert_dense(spec, units, len(spec.heads), f"{name}_0"), shared)
        hidden = by_task(layer(hidden))
    else:
        hidden = marked(task_dense(spec, units, spec.activation, f"{name}_{depth}"), shared)(hidden)
    return drop(hidden, spec, f"{name}_dropout_{depth}")


def only(hidden: Any) -> Any:
    """Remove the axis of a single expert or gate: (batch, 1, width) to (batch, width)."""
    return ops.squeeze(hidden, -2)


def by_task(hidden: Any) -> Any:
    """Swap the axes of rows and tasks."""
    return ops.swapaxes(hidden, -3, -2)


def on_all_tasks(layer: keras.layers.Layer, hidden: Any, spec: NetworkSpec) -> Any:
    """Apply a shared layer to each task's representation (tasks, batch, width), as rows of one product."""
    tasks, width = hidden.shape[-3], hidden.shape[-1]
    rows = layer(ops.reshape(hidden, (*lead(spec), -1, width)))
    return ops.reshape(rows, (*lead(spec), tasks, -1, rows.shape[-1]))


def connect_trunk(inputs: Any, spec: NetworkSpec) -> Any:
    """Connect the hidden layers that all tasks share: (batch, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = dense(spec, units, spec.activation, name=f"trunk_{depth}")(hidden)
        hidden = drop(hidden, spec, f"dropout_{depth}")
    return hidden


def connect_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Connect heads to a shared representation (batch, width); returns the raw outputs of all tasks side by side.

    Linear heads are columns of one kernel, one per unit of all tasks.
    """
    if spec.head_layer_sizes:
        return connect_task_heads(ops.expand_dims(hidden, -3), spec)
    return task_specific(dense(spec, sum(head.units for head in spec.heads), None, name="heads"))(hidden)


def connect_task_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Connect heads to task-specific representations (tasks or 1, batch, width); returns raw outputs side by side.

    A layer of all heads is one batched product. If tasks differ in their number of units, the last kernel is as wide as
    the widest head, and surplus columns are dropped (they get no gradient).
    """
    for depth, width in enumerate(spec.head_layer_sizes):
        hidden = task_specific(task_dense(spec, width, spec.activation, name=f"tower_{depth}"))(hidden)
        hidden = drop(hidden, spec, f"tower_dropout_{depth}")
    widest = max(head.units for head in spec.heads)
    return side_by_side(task_specific(task_dense(spec, widest, None, name="heads"))(hidden), spec)


def side_by_side(outputs: Any, spec: NetworkSpec) -> Any:
    """Convert the tasks' outputs (tasks, batch, largest units) to columns (batch, sum of units)."""
    units = [head.units for head in spec.heads]
    if len(set(units)) == 1:
        return ops.reshape(by_task(outputs), (*lead(spec), -1, sum(units)))
    return ops.concatenate([outputs[..., task, :, :width] for task, width in enumerate(units)], axis=-1)
