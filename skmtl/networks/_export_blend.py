"""A blend as one Keras model: its networks and kernel regressions, weighed and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from .._records import TargetScaling, Task
from ._blend_layers import AffineColumns, ClippedColumns, KernelRegression, Probabilities
from ._export import output_names
from ._input_encoding import InputEncoding


@dataclass(frozen=True)
class ExportedPart:
    """What a part is made of: a Keras model, a kernel regression's numbers with its encoding of X, or both."""

    name: str
    weights: np.ndarray
    model: keras.Model | None = None
    encoding: dict[str, Any] | None = None
    kernel: str = ""
    gamma: float = 1.0
    numbers: dict[str, np.ndarray] | None = None


def export_blend(
    tasks: Sequence[Task],
    widths: Sequence[int],
    scaling: TargetScaling,
    floor: float,
    parts: Sequence[ExportedPart],
    limits: tuple[np.ndarray, np.ndarray],
    n_features: int,
) -> keras.Model:
    """Keras model from the caller's columns to predictions, one output a task.

    A part's ``weights``, and the lower and upper ``limits`` of their sum, are (n_columns,): one column a regression,
    one a class of a classification.
    """
    inputs = keras.Input((n_features,), name="X")
    task = np.repeat(np.arange(len(tasks)), widths)
    regression = np.array([one.kind == "regression" for one in tasks])[task]
    shift, divisor = (np.where(regression, of[task], known) for of, known in ((scaling.shift, 0), (scaling.divisor, 1)))
    total: Any = None
    for part in parts:
        own = _columns(part, inputs, regression, shift, divisor)
        weighed = AffineColumns(part.weights, np.zeros(len(task)), name=f"{part.name}_weighed")(own)
        total = weighed if total is None else total + weighed
    total = ClippedColumns(*limits, name="limits")(total)
    scale = np.where(regression, scaling.scale[task], 1.0)
    columns = AffineColumns(scale, shift, name="units")(total)
    names = output_names([one.name for one in tasks], [layer for part in parts for layer in _layer_names(part)])
    outputs, start = [], 0
    for one, width, name in zip(tasks, widths, names, strict=True):
        column = columns[:, start : start + width]
        last = keras.layers.Identity(name=name) if one.kind == "regression" else Probabilities(floor, name=name)
        outputs.append(last(column))
        start += width
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name="multi_task_blend")


def _layer_names(part: ExportedPart) -> list[str]:
    return [
        "X",
        "limits",
        "units",
        part.name,
        *(f"{part.name}_{what}" for what in ("weighed", "encoding", "kernel", "columns")),
    ]


def _columns(part: ExportedPart, inputs: Any, regression: np.ndarray, shift: np.ndarray, divisor: np.ndarray) -> Any:
    """What a part predicts, in the units in which parts are weighed."""
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
            only = AffineColumns(regression.astype(float), np.zeros(len(regression)), name=f"{part.name}_offset")
            added = own + only(added)
        own = added
    return own
