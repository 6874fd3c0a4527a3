"""Weighted quantiles of columns with missing values, for robust scaling and bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._rows import columns

# Columns with larger values are rescaled first.
_LARGEST_UNSCALED = 1e120


def quantiles(values: np.ndarray, weights: np.ndarray | None, at: Any) -> np.ndarray:
    """Return a column's values at the given quantiles; a weight of 2 counts as two equal rows.

    There is no interpolation between values, because weights could then not act like repeated rows.
    """
    return np.quantile(values, at, method="inverted_cdf", weights=weights)


def observed(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a column's observed values with positive weight, and their weights."""
    present = ~np.isnan(values)
    if weights is None:
        return values[present], None
    present &= weights > 0
    return values[present], weights[present]


def robust_statistics(X: Any, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the median and the interquartile range of each column, both (n_features,).

    If the quartiles are equal, the scale is half the range (Holzmueller et al., 2024), which is 0 for a constant
    column.
    """
    statistics = [_robust(*observed(values, weights)) for values in columns(X)]
    center, scale = np.array(statistics).reshape(-1, 2).T
    return center, scale


def _robust(values: np.ndarray, weights: np.ndarray | None) -> Sequence[float]:
    if len(values) == 0:
        return 0.0, 0.0
    largest = np.abs(values).max()
    unit = largest if largest > _LARGEST_UNSCALED else 1.0
    low, first, median, third, high = quantiles(values / unit, weights, [0, 0.25, 0.5, 0.75, 1]).tolist()
    spread = third - first if third > first else (high - low) / 2
    return median * unit, spread * unit
