"""Quantile bins of numeric columns: values as positions among the bins' edges.

A piecewise-linear encoding (Gorishniy et al., 2022, "On Embeddings for Numerical Features in Tabular Deep
Learning", NeurIPS) is a function of that one number: with position u, bin t holds ``clip(u - t, 0, 1)``. The edges
are therefore part of the encoder and do not affect the network's structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._numeric import NumericEncoder
from ._quantiles import observed, quantiles
from ._rows import columns

# Smallest number of rows per bin.
_ROWS_PER_BIN = 8


@dataclass(frozen=True)
class ColumnBins:
    """The columns to embed and the edges of their bins.

    Attributes
    ----------
    columns : ndarray of shape (n_columns,), intp
        Numeric columns with at least three different values; a linear function is enough for two.
    edges : tuple of ndarray
        Ascending edges of each column's bins, in scaled (not clipped) units; empty without bins.
    """

    columns: np.ndarray
    edges: tuple[np.ndarray, ...] = ()

    @classmethod
    def fit(cls, X: Any, numeric: NumericEncoder, n_bins: int, weights: np.ndarray | None) -> ColumnBins:
        """Place edges at quantiles of the training rows: up to ``n_bins``, fewer if there are few rows or values."""
        chosen, edges = [], []
        for position, column in enumerate(columns(X)):
            values, counts = observed(column, weights)
            distinct = len(np.unique(values))
            if distinct < 3:
                continue
            chosen.append(position)
            if n_bins:
                bins = max(1, min(n_bins, len(values) // _ROWS_PER_BIN))
                scaled = (values - numeric.center[position]) / numeric.scale[position]
                edges.append(np.unique(quantiles(scaled, counts, np.linspace(0, 1, bins + 1))))
        return cls(np.array(chosen, dtype=np.intp), tuple(edges))

    def positions(self, scaled: np.ndarray) -> np.ndarray:
        """Return positions among the edges, (n_rows, n_columns), of scaled values (n_rows, n_numeric).

        Values outside the edges get the position of the nearest one.
        """
        positions = np.empty((len(scaled), len(self.edges)))
        for i, (column, edges) in enumerate(zip(self.columns, self.edges, strict=True)):
            positions[:, i] = np.interp(scaled[:, column], edges, np.arange(len(edges), dtype=np.float64))
        return positions
