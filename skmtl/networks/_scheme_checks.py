"""Checks of networks built by user-defined schemes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .._records import NetworkSpec
from ._layers import VariableDropout


def check_network(model: keras.Model, spec: NetworkSpec) -> None:
    """Raise if the network's outputs or variables are not as the engine expects."""
    name = type(spec.architecture).__name__
    expected = (*((spec.members,) if spec.stacked else ()), None, sum(head.units for head in spec.heads))
    if not isinstance(model.output, keras.KerasTensor) or tuple(model.output.shape) != expected:
        given = tuple(getattr(model.output, "shape", ())) or type(model.output).__name__
        raise ValueError(f"{name}.connect should return one output of shape {expected}, got {given}.")
    for layer in model.layers:
        _check_layer(layer, spec, name)


def _check_layer(layer: Any, spec: NetworkSpec, name: str) -> None:
    for variable in layer.trainable_weights:
        if spec.stacked and tuple(variable.shape[:1]) != (spec.members,):
            raise ValueError(
                f"{name}.connect: variable {variable.path!r} has shape {tuple(variable.shape)}. Several networks are "
                f"trained side by side, so its first axis should be that of the {spec.members} members (spec.stacked)."
            )
    shared = getattr(layer, "shared", True)
    if isinstance(shared, Sequence) and len(shared) != len(layer.trainable_weights):
        raise ValueError(
            f"{name}.connect: the attribute shared of layer {layer.name!r} has {len(shared)} entries, but the layer "
            f"has {len(layer.trainable_weights)} trainable variables."
        )
    other = [v for v in layer.non_trainable_variables if v.name != "seed_generator_state"]
    if other and not isinstance(layer, VariableDropout):
        raise ValueError(
            f"{name}.connect: layer {layer.name!r} has a non-trainable variable ({other[0].path!r}), for example a "
            "moving average, which schemes do not support. Build the network with model= instead."
        )
