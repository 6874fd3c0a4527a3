"""Kernels, the similarities of rows: linear, Gaussian, Laplacian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances, manhattan_distances

KernelName = Literal["linear", "rbf", "laplacian"]

# Rows that the typical distance is computed on.
_SAMPLE = 500


@dataclass(frozen=True)
class Kernel:
    """``<a, b> / n_columns``, ``exp(-gamma |a - b|_2^2)`` or ``exp(-gamma |a - b|_1)``."""

    name: KernelName
    gamma: float = 1.0

    def matrix(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the similarities (n_left, n_right) of the rows of two matrices."""
        if self.name == "linear":
            return left @ right.T / max(1, left.shape[1])
        distances = _distances(self.name, left, right)
        distances *= -self.gamma
        return np.exp(distances, out=distances)

    def slopes(self, difference: np.ndarray) -> np.ndarray:
        """Return the slopes of the logarithmic similarity along a column, given differences (no linear kernel)."""
        return -self.gamma * (np.sign(difference) if self.name == "laplacian" else 2.0 * difference)


def _distances(name: KernelName, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return manhattan_distances(left, right) if name == "laplacian" else euclidean_distances(left, right, squared=True)


def typical_gamma(name: KernelName, rows: np.ndarray, rng: np.random.Generator) -> float:
    """Return one over the median distance of two different rows (1 if the median is 0)."""
    sample = rows if len(rows) <= _SAMPLE else rows[rng.choice(len(rows), _SAMPLE, replace=False)]
    distances = _distances(name, sample, sample)[np.triu_indices(len(sample), 1)]
    median = float(np.median(distances)) if len(distances) else 0.0
    return 1.0 / median if median > 0 else 1.0
