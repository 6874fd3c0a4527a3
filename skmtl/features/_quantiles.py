"""Quantiles of columns with missing values and weights: robust centring and scaling, and bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._rows import columns

# Largest value whose square is far from the end of float64; larger ones are counted in units of their own.
_MOST = 1e120


def quantiles(values: np.ndarray, weights: np.ndarray | None, at: Any) -> np.ndarray:
    """Values of a column at these quantiles; a weight of 2 counts as the row twice.

    That rules out interpolating between two values, which are always values that occur.
    """
    return np.quantile(values, at, method="inverted_cdf", weights=weights)


def observed(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """A column's values that are there and have a weight, with their weights."""
    there = ~np.isnan(values)
    if weights is None:
        return values[there], None
    there &= weights > 0
    return values[there], weights[there]


def robust_statistics(X: Any, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Median and interquartile range of each column, (2, n_features).

    Where the quartiles are the same, half the range (Holzmueller et al., 2024); 0 for a constant column.
    """
    found = [_robust(*observed(values, weights)) for values in columns(X)]
    center, scale = np.array(found).reshape(-1, 2).T
    return center, scale


def _robust(values: np.ndarray, weights: np.ndarray | None) -> Sequence[float]:
    if len(values) == 0:
        return 0.0, 0.0
    largest = np.abs(values).max()
    unit = largest if largest > _MOST else 1.0
    low, first, median, third, high = quantiles(values / unit, weights, [0, 0.25, 0.5, 0.75, 1]).tolist()
    spread = third - first if third > first else (high - low) / 2
    return median * unit, spread * unit
