"""Weighted sums, means and variances of columns; a weight of 0 marks a value that is not known."""

from __future__ import annotations

import numpy as np


def totals(weights: np.ndarray) -> np.ndarray:
    """Sum of each column's weights, (n_columns,); never 0, to be divided by."""
    return np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)


def means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of each column, (n_columns,)."""
    return (weights * values).sum(axis=0) / totals(weights)


def variances(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Variance of each column, (n_columns,)."""
    return (weights * (values - means(values, weights)) ** 2).sum(axis=0) / totals(weights)
