"""Keras layers that embed columns: piecewise-linear and periodic embeddings of numbers, tables for categories."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

_PACKAGE = "skmtl"


class _ColumnLayer(keras.layers.Layer):
    """Base of the embedding layers, with an optional member axis and input (.., batch, columns)."""

    def __init__(self, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.members = members

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading axes: the member axis, if there is one."""
        return () if self.members is None else (self.members,)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return super().get_config() | {"members": self.members}

    def _weight(self, name: str, *shape: int) -> Any:
        return self.add_weight(name=name, shape=(*self.lead, *shape), initializer="zeros")

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Return initial values of the variables."""
        raise NotImplementedError

    def _side_by_side(self, embedded: Any) -> Any:
        """Reshape (.., batch, columns, dim) to (.., batch, columns * dim)."""
        columns, dim = embedded.shape[-2:]
        return ops.reshape(embedded, (*self.lead, -1, columns * dim))


@keras.saving.register_keras_serializable(package=_PACKAGE)
class PiecewiseLinearEmbedding(_ColumnLayer):
    """Piecewise-linear embedding of each numeric column, with its own kernel (Gorishniy et al., 2022).

    Parameters
    ----------
    dim : int
        Embedding dimension of each column.
    n_bins : int
        Largest number of bins per column.
    members : int, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Inputs are the scaled values and their positions among the bins' edges, both ``([members,] batch, columns)``;
    output ``([members,] batch, columns * dim)``. The embedding is a linear function of the value, plus a linear map of
    the bins that starts at zero (version "B" of Gorishniy's later work, as in TabM).
    """

    def __init__(self, dim: int, n_bins: int, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.dim, self.n_bins = dim, n_bins

    def build(self, values_shape: tuple[int | None, ...], positions_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002
        """Create the columns' slopes, biases and the bins' kernels."""
        columns = int(values_shape[-1] or 0)
        self.slope = self._weight("slope", columns, self.dim)
        self.bias = self._weight("bias", columns, self.dim)
        self.kernel = self._weight("kernel", columns, self.n_bins, self.dim)
        self.built = True

    def call(self, values: Any, positions: Any) -> Any:
        """Return the embedded columns side by side."""
        linear = values[..., None] * self.slope[..., None, :, :] + self.bias[..., None, :, :]
        by_column = ops.swapaxes(positions, -1, -2)[..., None]
        bins = ops.clip(by_column - ops.arange(self.n_bins, dtype=values.dtype), 0.0, 1.0)
        return self._side_by_side(linear + ops.swapaxes(ops.matmul(bins, self.kernel), -2, -3))

    def compute_output_shape(
        self,
        values_shape: tuple[int | None, ...],
        positions_shape: tuple[int | None, ...],  # noqa: ARG002
    ) -> tuple[int | None, ...]:
        """Shape ([members,] batch, columns * dim)."""
        return (*self.lead, values_shape[-2], int(values_shape[-1] or 0) * self.dim)

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw slopes and biases uniformly within 1 / sqrt(dim); kernels are zero."""
        limit = self.dim**-0.5
        slope, bias = (rng.uniform(-limit, limit, size=tuple(v.shape)) for v in (self.slope, self.bias))
        return [slope, bias, np.zeros(self.kernel.shape)]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return super().get_config() | {"dim": self.dim, "n_bins": self.n_bins}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class PeriodicEmbedding(_ColumnLayer):
    """Periodic embedding of each numeric column (Gorishniy et al., 2022; Holzmueller et al., 2024).

    Parameters
    ----------
    dim : int
        Embedding dimension of each column, including its value.
    n_frequencies : int
        Number of learned frequencies per column.
    frequency_scale : float
        Standard deviation of the initial frequencies.
    members : int, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] batch, columns)``, output ``([members,] batch, columns * dim)``. A column x becomes
    ``[x, W cos(2 pi f x + b) + c]``, RealMLP's "PBLD" embedding.
    """

    def __init__(
        self, dim: int, n_frequencies: int, frequency_scale: float, members: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(members, **kwargs)
        self.dim, self.n_frequencies, self.frequency_scale = dim, n_frequencies, float(frequency_scale)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the frequencies and phases, and the kernel and bias that mix the cosines."""
        columns = int(input_shape[-1] or 0)
        self.frequency = self._weight("frequency", columns, self.n_frequencies)
        self.phase = self._weight("phase_bias", columns, self.n_frequencies)
        self.kernel = self._weight("kernel", columns, self.n_frequencies, self.dim - 1)
        self.bias = self._weight("bias", columns, 1, self.dim - 1)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the embedded columns side by side."""
        angles = inputs[..., None] * (2 * np.pi * self.frequency[..., None, :, :]) + self.phase[..., None, :, :]
        by_column = ops.swapaxes(ops.cos(angles), -2, -3)
        mixed = ops.swapaxes(ops.matmul(by_column, self.kernel) + self.bias, -2, -3)
        # Broadcast to the mixture's shape: all members may share the rows of one network.
        values = inputs[..., None] + ops.zeros_like(mixed[..., :1])
        return self._side_by_side(ops.concatenate([values, mixed], axis=-1))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] batch, columns * dim)."""
        return (*self.lead, input_shape[-2], int(input_shape[-1] or 0) * self.dim)

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw normal frequencies, uniform phases, and kernel and bias uniformly within 1 / sqrt(n_frequencies)."""
        limit = self.n_frequencies**-0.5
        frequency = rng.normal(scale=self.frequency_scale, size=tuple(self.frequency.shape))
        phase = rng.uniform(-np.pi, np.pi, size=tuple(self.phase.shape))
        return [frequency, phase, *(rng.uniform(-limit, limit, size=tuple(v.shape)) for v in (self.kernel, self.bias))]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"dim": self.dim, "n_frequencies": self.n_frequencies, "frequency_scale": self.frequency_scale}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package=_PACKAGE)
class CategoryEmbedding(_ColumnLayer):
    """Embedding of categorical columns by one table, in which each column has its own rows.

    Parameters
    ----------
    dim : int
        Embedding dimension of each column.
    n_rows : int
        Number of rows of the table.
    members : int, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] batch, columns)``: row numbers, with -1 for a vector of zeros. Output
    ``([members,] batch, columns * dim)``.
    """

    def __init__(self, dim: int, n_rows: int, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(members, **kwargs)
        self.dim, self.n_rows = dim, n_rows

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002 - Keras' signature
        """Create the table."""
        self.table = self._weight("table", self.n_rows, self.dim)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the embedded columns side by side."""
        known = ops.cast(inputs >= 0, self.table.dtype)[..., None]
        rows = ops.maximum(ops.cast(inputs, "int32"), 0)
        if self.members is None:
            return self._side_by_side(ops.take(self.table, rows, axis=0) * known)
        # Stack the members' tables into one, with an offset to each member's rows.
        rows = rows + self.n_rows * ops.reshape(ops.arange(self.members, dtype="int32"), (-1, 1, 1))
        table = ops.reshape(self.table, (self.members * self.n_rows, self.dim))
        return self._side_by_side(ops.take(table, rows, axis=0) * known)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] batch, columns * dim)."""
        return (*self.lead, input_shape[-2], int(input_shape[-1] or 0) * self.dim)

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the table uniformly within 1 / sqrt(dim), as in Gorishniy et al. (2021)."""
        limit = self.dim**-0.5
        return [rng.uniform(-limit, limit, size=tuple(self.table.shape))]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return super().get_config() | {"dim": self.dim, "n_rows": self.n_rows}
