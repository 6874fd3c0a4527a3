"""Export a blend as one Keras model: the weighted sum of its networks and kernel models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from .._records import TargetScaling, Task
from ._blend_layers import AffineColumns, ClippedColumns, KernelRegression, Probabilities, ShiftProbability
from ._export import output_names
from ._input_encoding import InputEncoding
from ._task_model import TaskModel


@dataclass(frozen=True)
class ExportedPart:
    """One part of a blend: a Keras model, the numbers of a kernel model with its encoding of X, or both."""

    name: str
    weights: np.ndarray
    model: keras.Model | None = None
    encoding: dict[str, Any] | None = None
    kernel: str = ""
    gamma: float = 1.0
    numbers: dict[str, np.ndarray] | None = None


@dataclass(frozen=True)
class ExportedParts:
    """The parts of one blend, and the lower and upper limits of their sum, (n_columns,)."""

    parts: Sequence[ExportedPart]
    limits: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class ExportedShift:
    """A blend for shifted rows: the encoding of X and the numbers of the shift detector, and the blend's parts."""

    encoding: dict[str, Any]
    numbers: dict[str, np.ndarray]
    blend: ExportedParts


def export_blend(
    tasks: Sequence[Task],
    widths: Sequence[int],
    scaling: TargetScaling,
    floor: float,
    blend: ExportedParts,
    n_features: int,
    shift: ExportedShift | None = None,
) -> keras.Model:
    """Build a Keras model from the caller's columns to predictions, with one output per task.

    A part's ``weights`` are (n_columns,): one column per regression, and one per class of a classification.
    """
    inputs = keras.Input((n_features,), name="X")
    task = np.repeat(np.arange(len(tasks)), widths)
    regression = np.array([one.kind == "regression" for one in tasks])[task]
    shifts, divisor = (
        np.where(regression, of[task], neutral) for of, neutral in ((scaling.shift, 0), (scaling.divisor, 1))
    )
    total = _total(blend, inputs, regression, shifts, divisor, "")
    if shift is not None:
        probability = _probability(shift, inputs)
        shifted_total = _total(shift.blend, inputs, regression, shifts, divisor, "shifted_")
        total = total + probability * (shifted_total - total)
    scale = np.where(regression, scaling.scale[task], 1.0)
    columns = AffineColumns(scale, shifts, name="units")(total)
    ends = np.cumsum(widths).tolist()
    own = [columns[:, end - width : end] for end, width in zip(ends, widths, strict=True)]
    taken = {operation.name for operation in keras.Model(inputs, own).operations}
    names = output_names([one.name for one in tasks], taken)
    outputs = []
    for one, column, name in zip(tasks, own, names, strict=True):
        last = keras.layers.Identity(name=name) if one.kind == "regression" else Probabilities(floor, name=name)
        outputs.append(last(column))
    return TaskModel(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_blend")


def _total(
    blend: ExportedParts, inputs: Any, regression: np.ndarray, shift: np.ndarray, divisor: np.ndarray, prefix: str
) -> Any:
    """Connect the weighted sum of the parts; ``prefix`` distinguishes the layers of two blends."""
    total: Any = None
    for part in blend.parts:
        named = replace(part, name=prefix + part.name)
        own = _columns(named, inputs, regression, shift, divisor)
        weighed = AffineColumns(part.weights, np.zeros(len(regression)), name=f"{named.name}_weighed")(own)
        total = weighed if total is None else total + weighed
    return ClippedColumns(*blend.limits, name=f"{prefix}limits")(total)


def _probability(shift: ExportedShift, inputs: Any) -> Any:
    encoded = InputEncoding(**shift.encoding, name="shift_encoding")(inputs)
    points = shift.numbers["points"]
    layer = ShiftProbability(len(points), points.shape[1], name="shift_probability")
    probability = layer(encoded)
    for name, values in shift.numbers.items():
        getattr(layer, name).assign(values)
    return probability


def _columns(part: ExportedPart, inputs: Any, regression: np.ndarray, shift: np.ndarray, divisor: np.ndarray) -> Any:
    """Connect the predictions of one part, in the units of the weighted sum."""
    own: Any = None
    if part.model is not None:
        part.model.name = part.name
        outputs = part.model(inputs)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        joined = outputs[0] if len(outputs) == 1 else keras.ops.concatenate(outputs, axis=-1)
        own = AffineColumns(1.0 / divisor, -shift / divisor, name=f"{part.name}_columns")(joined)
    if part.numbers is not None and part.encoding is not None:
        encoded = InputEncoding(**part.encoding, name=f"{part.name}_encoding")(inputs)
        coefficients = part.numbers["coefficients"]
        points = part.numbers.get("points")
        layer = KernelRegression(
            part.kernel,
            part.gamma,
            0 if points is None else len(points),
            len(coefficients) if points is None else points.shape[1],
            coefficients.shape[1],
            name=f"{part.name}_kernel",
        )
        added = layer(encoded)
        for name, values in part.numbers.items():
            getattr(layer, name).assign(values)
        if own is not None:
            only_regressions = AffineColumns(
                regression.astype(float), np.zeros(len(regression)), name=f"{part.name}_offset"
            )
            added = own + only_regressions(added)
        own = added
    return own
