"""Keras layer with an estimator's encoding of X."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="skmtl")
class InputEncoding(keras.layers.Layer):
    """Encode the columns of X as fitted: scale numbers, fill missing values, and look up categories.

    Parameters
    ----------
    center, scale, fill : sequence of float, length n_numeric
        Statistics of the numeric columns: NaN is replaced by ``fill``; then a cell x becomes ``(x - center) / scale``.
    indicators : sequence of int
        Numeric columns that get a 0/1 indicator column for missing values.
    clip : bool, default=False
        Whether a scaled value z becomes ``z / sqrt(1 + (z / 3) ** 2)``.
    order : sequence of int, default=None
        Order of the numeric columns in the output; None keeps their order.
    edges : sequence of sequence of float, default=()
        Ascending edges, in scaled units, of the bins of the first columns in ``order``. The columns' positions among
        the edges are additional outputs.
    categories : sequence of int, default=()
        Columns of X that hold category codes: -1 for an unseen level, NaN for a missing one.
    lookup : sequence of sequence of int, default=()
        For each categorical column, the one-hot column or row number of each code, followed by those of an unseen and
        of a missing level; -1 means none.
    embedded : sequence of bool, default=()
        For each categorical column, whether its codes become row numbers, which are the last outputs.
    n_one_hot : int, default=0
        Number of one-hot columns.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(
        self,
        center: Any,
        scale: Any,
        fill: Any,
        indicators: Any,
        clip: bool = False,
        order: Any = None,
        edges: Any = (),
        categories: Any = (),
        lookup: Any = (),
        embedded: Any = (),
        n_one_hot: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.center = np.asarray(center, dtype=np.float64)
        self.scale = np.asarray(scale, dtype=np.float64)
        self.fill = np.asarray(fill, dtype=np.float64)
        self.indicators = np.asarray(indicators, dtype=np.int64)
        self.clip = bool(clip)
        self.order = None if order is None else [int(position) for position in order]
        self.edges = [np.asarray(column, dtype=np.float64) for column in edges]
        self.categories = [int(position) for position in categories]
        self.lookup = [np.asarray(slots, dtype=np.int64) for slots in lookup]
        self.embedded = [bool(flag) for flag in embedded]
        self.n_one_hot = int(n_one_hot)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self.center) + len(self.categories)

    def call(self, inputs: Any) -> Any:
        """Return the encoded inputs."""
        numbers = inputs
        if self.categories:
            others = [i for i in range(self.n_features) if i not in self.categories]
            numbers = _columns(inputs, others)
        missing = ops.isnan(numbers)
        dtype = inputs.dtype
        filled = ops.where(missing, ops.convert_to_tensor(self.fill, dtype), numbers)
        scaled = (filled - ops.convert_to_tensor(self.center, dtype)) / ops.convert_to_tensor(self.scale, dtype)
        values = _smooth_clip(scaled) if self.clip else scaled
        parts = [values if self.order is None else _columns(values, self.order)]
        if len(self.indicators):
            parts.append(_columns(ops.cast(missing, dtype), self.indicators))
        slots = [self._slots(inputs, i) for i in range(len(self.categories))]
        if self.n_one_hot:
            columns = ops.arange(self.n_one_hot, dtype="int32")
            hot = [slot[..., None] == columns for slot, embed in zip(slots, self.embedded, strict=True) if not embed]
            none = ops.repeat(ops.zeros_like(inputs[..., :1]), self.n_one_hot, axis=-1)
            parts.append(sum((ops.cast(flags, dtype) for flags in hot), start=none))
        if self.edges and self.order is not None:
            parts.append(self._positions(_columns(scaled, self.order[: len(self.edges)])))
        rows = [slot for slot, embed in zip(slots, self.embedded, strict=True) if embed]
        if rows:
            parts.append(ops.cast(ops.stack(rows, axis=-1), dtype))
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    def _positions(self, values: Any) -> Any:
        """Return positions among the edges: the sum, over all bins, of the fraction of the bin below the value."""
        most = max(len(edges) for edges in self.edges)
        low, width = np.zeros((len(self.edges), most - 1)), np.full((len(self.edges), most - 1), np.inf)
        for i, edges in enumerate(self.edges):
            low[i, : len(edges) - 1], width[i, : len(edges) - 1] = edges[:-1], np.diff(edges)
        start, size = (ops.convert_to_tensor(array, values.dtype) for array in (low, width))
        return ops.sum(ops.clip((values[..., None] - start) / size, 0.0, 1.0), axis=-1)

    def _slots(self, inputs: Any, i: int) -> Any:
        """Look up the codes of one column."""
        codes, slots = inputs[..., self.categories[i]], self.lookup[i]
        n_levels = len(slots) - 2
        missing = ops.isnan(codes)
        seen = ops.logical_and(codes >= 0, codes < n_levels)
        entries = ops.where(missing, n_levels + 1, ops.where(seen, ops.where(missing, 0.0, codes), n_levels))
        return ops.take(ops.convert_to_tensor(slots, "int32"), ops.cast(entries, "int32"), axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape with all encoded columns."""
        width = len(self.center) + len(self.indicators) + len(self.edges) + self.n_one_hot + sum(self.embedded)
        return (*input_shape[:-1], width)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "fill": self.fill.tolist(),
            "indicators": self.indicators.tolist(),
            "clip": self.clip,
            "order": self.order,
            "edges": [edges.tolist() for edges in self.edges],
            "categories": self.categories,
            "lookup": [slots.tolist() for slots in self.lookup],
            "embedded": self.embedded,
            "n_one_hot": self.n_one_hot,
        }
        return super().get_config() | config


def _columns(values: Any, positions: Any) -> Any:
    return ops.take(values, ops.convert_to_tensor(np.asarray(positions), "int32"), axis=-1)


def _smooth_clip(values: Any) -> Any:
    # The square of larger values would overflow float32.
    values = ops.clip(values, -1e6, 1e6)
    return values / ops.sqrt(1.0 + ops.square(values / 3.0))
