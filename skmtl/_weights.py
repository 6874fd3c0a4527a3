"""Normalise weights, of which only ratios count."""

from __future__ import annotations

import numpy as np


def relative_weights(weights: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Divide weights by the largest (along ``axis``): 0 stays 0, equal ones become 1, and no sum overflows."""
    largest = weights.max(axis=axis, keepdims=axis is not None, initial=0.0)
    # A division, because the inverse may be infinite.
    return weights / np.where(largest > 0, largest, 1.0)


# Sums and products of weights between these stay within float64.
_SMALL, _LARGE = 1e-100, 1e100


def summable_weights(weights: np.ndarray) -> np.ndarray:
    """Return the weights, or relative weights if their sums would overflow or vanish."""
    largest = weights.max(initial=0.0)
    return weights if largest == 0 or _SMALL < largest < _LARGE else relative_weights(weights)
