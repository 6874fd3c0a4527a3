"""The fitted network as a plain Keras model from the caller's columns to the caller's units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from .._records import Head, NetworkSpec, TargetScaling
from ._build import build_outputs
from ._custom import ordered_outputs
from ._layers import InputEncoding, MemberAverage, OutputDecoding


def export_model(
    spec: NetworkSpec,
    encoding: dict[str, np.ndarray],
    scaling: TargetScaling,
    parameters: np.ndarray,
    dropout: float,
) -> keras.Model:
    """Keras model with one output a task; averages its members' predictions.

    ``parameters`` is flat, (members, n_parameters), as :class:`StackedNetwork` lays it out.
    """
    spec = replace(spec, dtype="float32")
    inputs = keras.Input((len(encoding["center"]),), name="X")
    hidden: Any = InputEncoding(**encoding, name="input_encoding")(inputs)
    if spec.members > 1:
        hidden = ops.expand_dims(hidden, 0)
    raw = build_outputs(hidden, spec)
    outputs = decode_heads(raw, spec, scaling, average=spec.members > 1)
    model = keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_network")
    start = 0
    for variable in model.trainable_variables:
        size = int(np.prod(variable.shape)) // spec.members
        variable.assign(parameters[:, start : start + size].reshape(variable.shape))
        start += size
    for layer in model.layers:
        if hasattr(layer, "initial_rate"):
            layer.initial_rate = dropout
            layer.rate.assign(dropout)
    return model


def decode_heads(raw: Any, spec: NetworkSpec, scaling: TargetScaling, average: bool) -> list[Any]:
    """One output a task, named after it."""
    outputs, start = [], 0
    for task, head in enumerate(spec.heads):
        name = output_name(head.name, task)
        settings = {"shift": scaling.shift[task], "scale": scaling.scale[task]}
        decoding = OutputDecoding(start, head.units, head.link, name=f"{name}_members" if average else name, **settings)
        output = decoding(raw)
        outputs.append(MemberAverage(name=name)(output) if average else output)
        start += head.units
    return outputs


def output_name(task: str, position: int) -> str:
    """Name that Keras takes for a layer: letters, digits and underscores, told apart by position if need be."""
    clean = re.sub(r"\W+", "_", task).strip("_")
    return (
        clean
        if clean and clean == task and not clean.startswith(("trunk_", "heads", "X"))
        else f"task_{position}_{clean}"
    )


def export_custom_model(
    source: Any,
    heads: Sequence[Head],
    encoding: dict[str, np.ndarray],
    scaling: TargetScaling,
    parameters: np.ndarray,
    frozen: Sequence[np.ndarray],
    members: int,
) -> keras.Model:
    """Keras model around the caller's own model (its members averaged), from their columns to their units."""
    inputs = keras.Input((len(encoding["center"]),), name="X")
    hidden = InputEncoding(**encoding, name="input_encoding")(inputs)
    models = [source.build() for _ in range(members)]
    raws = []
    for model in models:
        columns = ordered_outputs(model(hidden), [head.name for head in heads])
        raws.append(columns[0] if len(columns) == 1 else ops.concatenate(columns, axis=-1))
    outputs, start = [], 0
    for task, head in enumerate(heads):
        settings = {"shift": scaling.shift[task], "scale": scaling.scale[task]}
        name = output_name(head.name, task)
        decoding = OutputDecoding(
            start, head.units, head.link, name=name if members == 1 else f"{name}_member", **settings
        )
        parts = [decoding(raw) for raw in raws]
        outputs.append(parts[0] if members == 1 else keras.layers.Average(name=name)(parts))
        start += head.units
    whole = keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_network")
    write_members(models, parameters, frozen)
    return whole


def write_members(models: Sequence[keras.Model], parameters: np.ndarray, frozen: Sequence[np.ndarray]) -> None:
    """Put flat parameters and frozen values into the members' models."""
    values = iter(frozen)
    for model, row in zip(models, parameters, strict=True):
        start = 0
        for variable in model.trainable_variables:
            size = int(np.prod(variable.shape))
            variable.assign(row[start : start + size].reshape(variable.shape))
            start += size
        for variable in model.non_trainable_variables:
            variable.assign(next(values))
