"""Shared bottom: one trunk for all tasks, one head per task (Caruana, 1997, "Multitask Learning")."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from .._records import NetworkSpec
from ._layers import MemberDense, TaskDense, VariableDropout

OPTIONS: frozenset[str] = frozenset()


def connect(inputs: Any, spec: NetworkSpec) -> Any:
    """Connect trunk and heads; returns the raw outputs of all tasks side by side, (..., sum of units)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        hidden = dense(spec, units, spec.activation, name=f"trunk_{depth}")(hidden)
        if spec.dropout:
            hidden = VariableDropout(name=f"dropout_{depth}", dtype=spec.dtype)(hidden)
    return connect_heads(hidden, spec)


def dense(spec: NetworkSpec, units: int, activation: str | None, name: str) -> keras.layers.Layer:
    """Dense layer for one network, or for its members side by side."""
    if not spec.stacked:
        return keras.layers.Dense(units, activation=activation, name=name, dtype=spec.dtype)
    return MemberDense(units, spec.members, activation=activation, name=name, dtype=spec.dtype)


def connect_heads(hidden: Any, spec: NetworkSpec) -> Any:
    """Heads on a representation that all tasks share.

    Linear heads stand side by side in one kernel: as many columns as the tasks have units. Heads with
    layers of their own are one batched product a layer; where tasks differ in units the last kernel is
    as wide as the widest, and the columns too many are cut off (they get no gradient).
    """
    units = [head.units for head in spec.heads]
    if not spec.head_layer_sizes:
        return dense(spec, sum(units), None, name="heads")(hidden)
    members = spec.members if spec.stacked else None
    towers = ops.expand_dims(hidden, -3)
    for depth, width in enumerate(spec.head_layer_sizes):
        layer = TaskDense(width, len(units), spec.activation, members, name=f"tower_{depth}", dtype=spec.dtype)
        towers = layer(towers)
        if spec.dropout:
            towers = VariableDropout(name=f"tower_dropout_{depth}", dtype=spec.dtype)(towers)
    towers = TaskDense(max(units), len(units), None, members, name="heads", dtype=spec.dtype)(towers)
    columns = [towers[..., task, :, :width] for task, width in enumerate(units)]
    return columns[0] if len(columns) == 1 else ops.concatenate(columns, axis=-1)
