"""Keras layers of an exported blend: kernel models, shift detector, and the combination of their outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


class _FittedNumbers(keras.layers.Layer):
    """Layer with non-trainable numbers that were fitted outside Keras."""

    def _number(self, name: str, shape: tuple[int, ...]) -> Any:
        return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)

    def build(self, input_shape: Any) -> None:
        """Do nothing: the constructor creates all weights."""
        del input_shape
        self.built = True


@keras.saving.register_keras_serializable(package="skmtl")
class KernelRegression(_FittedNumbers):
    """Fitted kernel ridge regression with several outputs.

    Input columns are clipped to the range of the training rows, or slightly beyond, and multiplied by their relevance.

    Parameters
    ----------
    kernel : {"linear", "rbf", "laplacian"}
        Similarity of two rows: their inner product, ``exp(-gamma |a - b|_2^2)`` or ``exp(-gamma |a - b|_1)``.
    gamma : float
        Kernel coefficient, see above.
    n_points, n_inputs, n_outputs : int
        Number of rows compared with (unused by a linear kernel), of input columns and of output columns.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, kernel: str, gamma: float, n_points: int, n_inputs: int, n_outputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel, self.gamma = kernel, float(gamma)
        self.n_points, self.n_inputs, self.n_outputs = int(n_points), int(n_inputs), int(n_outputs)
        rows = self.n_inputs if kernel == "linear" else self.n_points
        self.smallest = self._number("smallest", (self.n_inputs,))
        self.largest = self._number("largest", (self.n_inputs,))
        self.relevance = self._number("relevance", (self.n_inputs,))
        self.points = None if kernel == "linear" else self._number("points", (self.n_points, self.n_inputs))
        self.coefficients = self._number("coefficients", (rows, self.n_outputs))
        self.center = self._number("center", (self.n_outputs,))
        self.lower = self._number("lower", (self.n_outputs,))
        self.upper = self._number("upper", (self.n_outputs,))

    def call(self, inputs: Any) -> Any:
        """Compute predictions (n_rows, n_outputs)."""
        seen = ops.minimum(ops.maximum(inputs, self.smallest), self.largest) * self.relevance
        if self.points is not None:
            difference = ops.expand_dims(seen, 1) - ops.expand_dims(self.points, 0)
            distance = ops.abs(difference) if self.kernel == "laplacian" else ops.square(difference)
            seen = ops.exp(-self.gamma * ops.sum(distance, axis=-1))
        raw = self.center + ops.matmul(seen, self.coefficients)
        return ops.minimum(ops.maximum(raw, self.lower), self.upper)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape (n_rows, n_outputs)."""
        return (input_shape[0], self.n_outputs)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"kernel": self.kernel, "gamma": self.gamma, "n_points": self.n_points}
        return {**super().get_config(), **own, "n_inputs": self.n_inputs, "n_outputs": self.n_outputs}


@keras.saving.register_keras_serializable(package="skmtl")
class ShiftProbability(_FittedNumbers):
    """Probability that a row is shifted (from another time or group), from its distance to given rows.

    Parameters
    ----------
    n_points, n_inputs : int
        Number of rows compared with, and of input columns.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, n_points: int, n_inputs: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_points, self.n_inputs = int(n_points), int(n_inputs)
        self.smallest = self._number("smallest", (self.n_inputs,))
        self.largest = self._number("largest", (self.n_inputs,))
        self.scale = self._number("scale", (self.n_inputs,))
        self.points = self._number("points", (self.n_points, self.n_inputs))
        self.floor = self._number("floor", ())
        self.slope = self._number("slope", ())
        self.intercept = self._number("intercept", ())

    def call(self, inputs: Any) -> Any:
        """Compute probabilities (n_rows, 1)."""
        rows = ops.minimum(ops.maximum(inputs, self.smallest), self.largest) * self.scale
        difference = ops.abs(ops.expand_dims(rows, 1) - ops.expand_dims(self.points, 0))
        distance = ops.min(ops.sum(difference, axis=-1), axis=1, keepdims=True)
        return ops.sigmoid(self.intercept + self.slope * ops.log(self.floor + distance))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape (n_rows, 1)."""
        return (input_shape[0], 1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "n_points": self.n_points, "n_inputs": self.n_inputs}


@keras.saving.register_keras_serializable(package="skmtl")
class AffineColumns(keras.layers.Layer):
    """Affine transformation of each column: ``scale * x + shift``.

    Parameters
    ----------
    scale, shift : sequence of float, length n_columns
        Factor and offset of each column.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, scale: Any, shift: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.shift = np.asarray(scale, dtype=np.float64), np.asarray(shift, dtype=np.float64)

    def call(self, inputs: Any) -> Any:
        """Scale and shift the columns."""
        return inputs * ops.cast(self.scale, inputs.dtype) + ops.cast(self.shift, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "scale": self.scale.tolist(), "shift": self.shift.tolist()}


@keras.saving.register_keras_serializable(package="skmtl")
class ClippedColumns(keras.layers.Layer):
    """Clip each column to a range.

    Parameters
    ----------
    lower, upper : sequence of float, length n_columns
        Lower and upper limits of each column.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, lower: Any, upper: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lower, self.upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)

    def call(self, inputs: Any) -> Any:
        """Clip the columns."""
        lower, upper = ops.cast(self.lower, inputs.dtype), ops.cast(self.upper, inputs.dtype)
        return ops.minimum(ops.maximum(inputs, lower), upper)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "lower": self.lower.tolist(), "upper": self.upper.tolist()}


@keras.saving.register_keras_serializable(package="skmtl")
class Probabilities(keras.layers.Layer):
    """Convert columns to probabilities, by raising them to a floor and dividing them by their sum.

    Parameters
    ----------
    floor : float
        Smallest value before the division.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, floor: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.floor = float(floor)

    def call(self, inputs: Any) -> Any:
        """Compute the probabilities."""
        raised = ops.maximum(inputs, self.floor)
        return raised / ops.sum(raised, axis=-1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "floor": self.floor}
