"""Quantile bins of numeric columns: a value as its position among the bins' edges.

A piecewise-linear encoding (Gorishniy et al., 2022, "On Embeddings for Numerical Features in Tabular Deep
Learning", NeurIPS) is a function of that one number: with position u, bin t holds ``clip(u - t, 0, 1)``. So the
edges are data of the encoder, and the network's structure does not know them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._numeric import NumericEncoder
from ._quantiles import observed, quantiles
from ._rows import columns

# Rows a bin should have at least.
_ROWS_A_BIN = 8


@dataclass(frozen=True)
class ColumnBins:
    """Columns that have values to embed, and the edges of their bins.

    Attributes
    ----------
    columns : ndarray of shape (n_columns,), intp
        Numeric columns with three values at least: two are told apart by a line.
    edges : tuple of ndarray
        Ascending edges of each column's bins, in scaled (not clipped) units; empty without bins.
    """

    columns: np.ndarray
    edges: tuple[np.ndarray, ...] = ()

    @classmethod
    def fit(cls, X: Any, numeric: NumericEncoder, n_bins: int, weights: np.ndarray | None) -> ColumnBins:
        """Edges at the quantiles of the training rows; ``n_bins`` at most, fewer where there are few rows or values."""
        chosen, edges = [], []
        for position, column in enumerate(columns(X)):
            values, counts = observed(column, weights)
            distinct = len(np.unique(values))
            if distinct < 3:
                continue
            chosen.append(position)
            if n_bins:
                bins = max(1, min(n_bins, len(values) // _ROWS_A_BIN))
                scaled = (values - numeric.center[position]) / numeric.scale[position]
                edges.append(np.unique(quantiles(scaled, counts, np.linspace(0, 1, bins + 1))))
        return cls(np.array(chosen, dtype=np.intp), tuple(edges))

    def positions(self, scaled: np.ndarray) -> np.ndarray:
        """Positions among the edges, (n_rows, n_columns), from scaled values (n_rows, n_numeric); ends are flat."""
        found = np.empty((len(scaled), len(self.edges)))
        for i, (column, edges) in enumerate(zip(self.columns, self.edges, strict=True)):
            found[:, i] = np.interp(scaled[:, column], edges, np.arange(len(edges), dtype=np.float64))
        return found
