"""Export a fitted network as a plain Keras model, from the columns of X to predictions in the units of y."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from .._records import Head, NetworkSpec, TargetScaling
from ._build import build_outputs
from ._custom import ordered_outputs
from ._input_encoding import InputEncoding
from ._layers import MemberAverage, OutputDecoding
from ._source import build_model
from ._task_model import TaskModel


def export_model(
    spec: NetworkSpec,
    encoding: dict[str, Any],
    scaling: TargetScaling,
    parameters: np.ndarray,
    dropout: float,
) -> keras.Model:
    """Build a Keras model with one output per task, which averages the members' predictions.

    ``parameters`` is flat, (members, n_parameters), in the layout of :class:`StackedNetwork`.
    """
    spec = replace(spec, dtype="float32")
    encode = InputEncoding(**encoding, name="input_encoding")
    inputs = keras.Input((encode.n_features,), name="X")
    hidden: Any = encode(inputs)
    if spec.members > 1:
        hidden = ops.expand_dims(hidden, 0)
        if spec.inputs is not None:
            # Embedded columns have a member axis, so the other columns need one too.
            hidden = ops.repeat(hidden, spec.members, axis=0)
    raw = build_outputs(hidden, spec)
    names = output_names([head.name for head in spec.heads], _names(inputs, raw))
    outputs = decode_heads(raw, spec, scaling, names)
    model = TaskModel(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_network")
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


def decode_heads(raw: Any, spec: NetworkSpec, scaling: TargetScaling, names: Sequence[str]) -> list[Any]:
    """Connect one output per task, named after it; several members are averaged."""
    outputs, start = [], 0
    for task, head in enumerate(spec.heads):
        settings = {"shift": scaling.shift[task], "scale": scaling.scale[task]}
        if spec.members == 1:
            outputs.append(OutputDecoding(start, head.units, head.link, name=names[task], **settings)(raw))
        else:
            members = OutputDecoding(start, head.units, head.link, name=f"decoding_{task}", **settings)(raw)
            outputs.append(MemberAverage(name=names[task])(members))
        start += head.units
    return outputs


def output_names(tasks: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return output names for the tasks: their own names if Keras and TensorFlow accept them.

    Accepted names have ASCII letters, digits and underscores, and are not taken by a layer. Other names get a prefix
    with the task's position.
    """
    # Names of the members' outputs before averaging.
    used = {*taken, *(f"decoding_{position}" for position in range(len(tasks)))}
    names = []
    for position, task in enumerate(tasks):
        name = re.sub(r"\W+", "_", task, flags=re.ASCII).strip("_")
        if name != task or not name or name in used:
            name = f"task_{position}_{name}"
        while name in used or (name in tasks and name != task):
            name += "_"
        used.add(name)
        names.append(name)
    return names


def export_custom_model(
    source: Any,
    heads: Sequence[Head],
    encoding: dict[str, Any],
    scaling: TargetScaling,
    parameters: np.ndarray,
    frozen: Sequence[np.ndarray],
    members: int,
) -> keras.Model:
    """Build a Keras model around the user-defined model, with its members averaged."""
    encode = InputEncoding(**encoding, name="input_encoding")
    inputs = keras.Input((encode.n_features,), name="X")
    hidden = encode(inputs)
    models, raws = [build_model(source) for _ in range(members)], []
    for member, model in enumerate(models):
        # Members built from one configuration have the same name, but need different names in one model.
        model.name = "network" if members == 1 else f"member_{member}"
        columns = ordered_outputs(model(hidden), [head.name for head in heads])
        raws.append(columns[0] if len(columns) == 1 else ops.concatenate(columns, axis=-1))
    names = output_names([head.name for head in heads], _names(inputs, raws))
    outputs, start = [], 0
    for task, head in enumerate(heads):
        settings = {"shift": scaling.shift[task], "scale": scaling.scale[task]}
        name = names[task] if members == 1 else f"decoding_{task}"
        decoding = OutputDecoding(start, head.units, head.link, name=name, **settings)
        parts = [decoding(raw) for raw in raws]
        outputs.append(parts[0] if members == 1 else keras.layers.Average(name=names[task])(parts))
        start += head.units
    exported = TaskModel(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_network")
    write_members(models, parameters, frozen)
    return exported


def _names(inputs: Any, outputs: Any) -> set[str]:
    """Return the names of all layers and operations between inputs and outputs."""
    return {operation.name for operation in keras.Model(inputs, outputs).operations}


def write_members(models: Sequence[keras.Model], parameters: np.ndarray, frozen: Sequence[np.ndarray]) -> None:
    """Assign flat parameters and frozen values to the members' models."""
    values = iter(frozen)
    for model, row in zip(models, parameters, strict=True):
        start = 0
        for variable in model.trainable_variables:
            size = int(np.prod(variable.shape))
            variable.assign(row[start : start + size].reshape(variable.shape))
            start += size
        for variable in model.non_trainable_variables:
            variable.assign(next(values))
