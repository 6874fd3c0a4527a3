"""Graph of feature encoding, from the columns of X to encoded features in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..features import FeatureEncoder
from ._graph import Graph

_LARGEST, _CLIP = 1e6, 3.0


@dataclass(frozen=True)
class Columns:
    """X in the graph: a matrix of the numeric columns, and level codes of each categorical column.

    With n levels, code n stands for an unseen level and n + 1 for a missing value. ``numbers`` is None if there are
    no numeric columns.
    """

    numbers: str | None
    entries: tuple[str, ...]


@dataclass(frozen=True)
class Encoded:
    """Features in the parts that a network takes; None for a part without columns.

    Attributes
    ----------
    embedded : str or None
        Scaled numeric columns to embed, (rows, columns).
    bins : str or None
        Fraction of each bin of these columns that lies below the value, (columns, rows, bins).
    plain : str or None
        Other numeric columns, missing-value indicators and one-hot columns, (rows, columns).
    slots : tuple of str
        Row numbers in the embedding table, (rows, 1) each; -1 for none.
    """

    embedded: str | None
    bins: str | None
    plain: str | None
    slots: tuple[str, ...]

    def matrix(self, graph: Graph) -> str:
        """All parts in one matrix, as `FeatureEncoder.transform` returns them."""
        parts = [part for part in (self.embedded, self.plain) if part is not None]
        if self.bins is not None:
            below = graph.axes("ReduceSum", self.bins, -1, keepdims=0)
            parts.append(graph("Transpose", below, perm=[1, 0]))
        parts += [graph.cast(slot, np.float64) for slot in self.slots]
        return graph.joined(parts, axis=1)


def encode(graph: Graph, encoder: FeatureEncoder, columns: Columns) -> Encoded:
    """Encode the columns."""
    embedded, bins, plain = _numbers(graph, encoder, columns)
    slots: list[str] = []
    if encoder.slots is not None:
        pairs = zip(columns.entries, encoder.slots.lookup, encoder.slots.embedded, strict=True)
        codes = [(graph("Gather", lookup.astype(np.int64), entry), embed) for entry, lookup, embed in pairs]
        slots = [slot for slot, embed in codes if embed]
        one_hot = [slot for slot, embed in codes if not embed]
        if encoder.slots.n_one_hot:
            plain.append(_one_hot(graph, one_hot, encoder.slots.n_one_hot, columns))
    return Encoded(embedded, bins, graph.joined(plain, axis=1) if plain else None, tuple(slots))


def _numbers(graph: Graph, encoder: FeatureEncoder, columns: Columns) -> tuple[str | None, str | None, list[str]]:
    """Columns to embed, their bins, and the plain columns."""
    numeric = encoder.numeric
    if columns.numbers is None:
        return None, None, []
    missing = graph("IsNaN", columns.numbers)
    filled = graph("Where", missing, numeric.fill, columns.numbers)
    scaled = graph("Div", graph("Sub", filled, numeric.center), numeric.scale)
    values = _smooth_clip(graph, scaled) if numeric.clip else scaled
    embedded, bins, plain = None, None, [values]
    if encoder.bins is not None:
        chosen = encoder.bins.columns.astype(np.int64)
        others = np.setdiff1d(np.arange(numeric.n_features), chosen)
        embedded = graph("Gather", values, chosen, axis=1)
        plain = [graph("Gather", values, others, axis=1)] if len(others) else []
        if encoder.bins.edges:
            bins = _bins(graph, graph("Gather", scaled, chosen, axis=1), encoder.bins.edges)
    if len(numeric.indicators):
        gaps = graph("Gather", missing, numeric.indicators.astype(np.int64), axis=1)
        plain.append(graph.cast(gaps, np.float64))
    return embedded, bins, plain


def _smooth_clip(graph: Graph, scaled: str) -> str:
    scaled = graph.clipped(scaled, np.float64(-_LARGEST), np.float64(_LARGEST))
    part = graph("Div", scaled, np.float64(_CLIP))
    return graph("Div", scaled, graph("Sqrt", graph("Add", graph("Mul", part, part), np.float64(1))))


def _bins(graph: Graph, scaled: str, edges: tuple[np.ndarray, ...]) -> str:
    """Fraction of each bin that lies below the value, (columns, rows, bins); padding bins stay 0."""
    most = max(len(column) for column in edges) - 1
    low, width = np.zeros((len(edges), 1, most)), np.full((len(edges), 1, most), np.inf)
    for i, column in enumerate(edges):
        low[i, 0, : len(column) - 1], width[i, 0, : len(column) - 1] = column[:-1], np.diff(column)
    by_column = graph.axes("Unsqueeze", graph("Transpose", scaled, perm=[1, 0]), 2)
    return graph.clipped(graph("Div", graph("Sub", by_column, low), width), np.float64(0), np.float64(1))


def _one_hot(graph: Graph, slots: list[str], width: int, columns: Columns) -> str:
    """One-hot columns of all categories, (rows, width)."""
    if not slots:
        # Only padding: the number of one-hot columns is rounded up.
        zeros = graph("Mul", graph.cast(columns.entries[0], np.float64), np.float64(0))
        return graph("Expand", zeros, np.array([1, width], dtype=np.int64))
    flags = [graph.cast(graph("Equal", slot, np.arange(width)[None]), np.float64) for slot in slots]
    return flags[0] if len(flags) == 1 else graph("Sum", *flags)
