"""The estimator's encoding of X as a Keras layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="skmtl")
class InputEncoding(keras.layers.Layer):
    """Encode the columns of X as the estimator did in ``fit``: numbers scaled, gaps filled, categories looked up.

    Parameters
    ----------
    center, scale, fill : sequence of float, length n_numeric
        Of the numeric columns: a cell x becomes ``(x - center) / scale``; NaN stands for ``fill``.
    indicators : sequence of int
        Numeric columns that get a 0/1 column where they are missing.
    clip : bool, default=False
        Whether a scaled value z becomes ``z / sqrt(1 + (z / 3) ** 2)``.
    order : sequence of int, default=None
        Order of the numeric columns in the output; None leaves them as they are.
    edges : sequence of sequence of float, default=()
        Ascending edges of bins of the first columns of ``order``, in scaled units: their positions follow.
    categories : sequence of int, default=()
        Columns of X that hold codes of categories: -1 for an unseen level, NaN for a missing one.
    lookup : sequence of sequence of int, default=()
        For each of these, what its codes become, with that of an unseen and of a missing level at the end: a
        one-hot column, or a number; -1 is none.
    embedded : sequence of bool, default=()
        For each of these, whether codes become numbers, which come last.
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
        """Encoded inputs."""
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
        """Positions among the edges: of each bin the part that lies below."""
        most = max(len(edges) for edges in self.edges)
        low, width = np.zeros((len(self.edges), most - 1)), np.full((len(self.edges), most - 1), np.inf)
        for i, edges in enumerate(self.edges):
            low[i, : len(edges) - 1], width[i, : len(edges) - 1] = edges[:-1], np.diff(edges)
        start, size = (ops.convert_to_tensor(array, values.dtype) for array in (low, width))
        return ops.sum(ops.clip((values[..., None] - start) / size, 0.0, 1.0), axis=-1)

    def _slots(self, inputs: Any, i: int) -> Any:
        """What the codes of one column become."""
        codes, slots = inputs[..., self.categories[i]], self.lookup[i]
        n_levels = len(slots) - 2
        missing = ops.isnan(codes)
        known = ops.logical_and(codes >= 0, codes < n_levels)
        entries = ops.where(missing, n_levels + 1, ops.where(known, ops.where(missing, 0.0, codes), n_levels))
        return ops.take(ops.convert_to_tensor(slots, "int32"), ops.cast(entries, "int32"), axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape with all columns."""
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
    # The square of more would leave float32.
    values = ops.clip(values, -1e6, 1e6)
    return values / ops.sqrt(1.0 + ops.square(values / 3.0))
