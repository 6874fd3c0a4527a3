"""Weighted sums, means and variances of columns; a weight of 0 marks a missing value."""

from __future__ import annotations

import numpy as np


def totals(weights: np.ndarray) -> np.ndarray:
    """Return the sum of each column's weights, (n_columns,), as a divisor that is never 0."""
    return np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)


def means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean of each column, (n_columns,)."""
    return (weights * values).sum(axis=0) / totals(weights)


def variances(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the variance of each column, (n_columns,)."""
    return (weights * (values - means(values, weights)) ** 2).sum(axis=0) / totals(weights)
