"""What the engine needs of the network that a scheme of the caller's own connects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from .._records import NetworkSpec
from ._layers import VariableDropout


def check_network(model: keras.Model, spec: NetworkSpec) -> None:
    """Refuse a network whose outputs or variables the engine would misread."""
    name = type(spec.architecture).__name__
    expected = (*((spec.members,) if spec.stacked else ()), None, sum(head.units for head in spec.heads))
    if not isinstance(model.output, keras.KerasTensor) or tuple(model.output.shape) != expected:
        found = tuple(getattr(model.output, "shape", ())) or type(model.output).__name__
        raise ValueError(f"{name}.connect should return one output of shape {expected}, got {found}.")
    for layer in model.layers:
        _check_layer(layer, spec, name)


def _check_layer(layer: Any, spec: NetworkSpec, name: str) -> None:
    for variable in layer.trainable_weights:
        if spec.stacked and tuple(variable.shape[:1]) != (spec.members,):
            raise ValueError(
                f"{name}.connect: variable {variable.path!r} has shape {tuple(variable.shape)}; networks may train "
                f"side by side: its first axis should be that of the {spec.members} members (spec.stacked)."
            )
    shared = getattr(layer, "shared", True)
    if isinstance(shared, Sequence) and len(shared) != len(layer.trainable_weights):
        raise ValueError(
            f"{name}.connect: layer {layer.name!r} says of {len(shared)} variables whether they are shared, but it "
            f"has {len(layer.trainable_weights)}."
        )
    other = [v for v in layer.non_trainable_variables if v.name != "seed_generator_state"]
    if other and not isinstance(layer, VariableDropout):
        raise ValueError(
            f"{name}.connect: layer {layer.name!r} has a variable that no gradient changes ({other[0].path!r}), for "
            "example a moving average; schemes cannot have such. Build the network with model= instead."
        )
