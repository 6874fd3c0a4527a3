"""Correlations between the labels of tasks, on the rows that have both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .._records import Kind
from ..targets import TargetColumns
from ._trained_affinity import label_orders

_FEWEST_ROWS = 3
_BLOCKS = 20


class LabelTable:
    """Labels as numeric columns: one for a quantity or two classes, k indicators for k > 2 classes."""

    def __init__(self, columns: TargetColumns, kinds: Sequence[Kind]) -> None:
        self.columns = columns
        self.observed = np.column_stack(columns.observed)
        self.parts = [
            _numbers(values, seen, kind)
            for values, seen, kind in zip(columns.values, columns.observed, kinds, strict=True)
        ]
        self._plain = np.array([part.shape[1] == 1 for part in self.parts])

    def correlations(self) -> np.ndarray:
        """Return the absolute correlations, (tasks, tasks)."""
        return self._matrix(self.parts, self.observed)

    def std_error(self, seed: int) -> np.ndarray:
        """Return jackknife standard errors, leaving out random blocks of rows one at a time."""
        blocks = np.random.default_rng(seed).permutation(np.arange(len(self.observed)) % _BLOCKS)
        number = min(_BLOCKS, len(self.observed))
        estimates = np.stack(
            [
                self._matrix([part[blocks != b] for part in self.parts], self.observed[blocks != b])
                for b in range(number)
            ]
        )
        return np.sqrt((number - 1) / number * np.square(estimates - estimates.mean(axis=0)).sum(axis=0))

    def permuted(self, n_permutations: int, seed: int) -> np.ndarray:
        """Return the absolute correlations of permuted labels, (permutations, tasks, tasks)."""
        draws = []
        for number in range(n_permutations):
            orders = label_orders(self.columns, np.random.default_rng([seed, number]))
            parts = [part[order] for part, order in zip(self.parts, orders, strict=True)]
            draws.append(self._matrix(parts, self.observed))
        return np.stack(draws)

    def _matrix(self, parts: Sequence[np.ndarray], observed: np.ndarray) -> np.ndarray:
        first = np.column_stack([part[:, 0] for part in parts])
        matrix = np.abs(pairwise_correlations(first, observed))
        for i, j in combinations(range(len(parts)), 2):
            if not (self._plain[i] and self._plain[j]):
                rows = observed[:, i] & observed[:, j]
                matrix[i, j] = matrix[j, i] = canonical_correlation(parts[i][rows], parts[j][rows])
        np.fill_diagonal(matrix, 1.0)
        return matrix


def pairwise_correlations(values: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of all pairs of columns, on rows with both observed; NaN if undefined."""
    mask = observed.astype(np.float64)
    centred = np.where(observed, values, 0.0)
    count = mask.sum(axis=0)
    centred = np.where(observed, values - centred.sum(axis=0) / np.maximum(count, 1), 0.0)
    both = mask.T @ mask
    sums, squares, products = centred.T @ mask, np.square(centred).T @ mask, centred.T @ centred
    share = np.maximum(both, 1)
    covariance = products - sums * sums.T / share
    variance = squares - np.square(sums) / share
    # The variance of a constant column may be above 0 by rounding.
    variance = np.where(variance > 1e-12 * np.maximum(squares, 1e-300), variance, np.nan)
    defined = both >= _FEWEST_ROWS
    return np.where(defined, np.clip(covariance / np.sqrt(variance * variance.T), -1, 1), np.nan)


def canonical_correlation(left: np.ndarray, right: np.ndarray) -> float:
    """Return the largest canonical correlation between the left and the right columns (Hotelling, 1936)."""
    if len(left) < _FEWEST_ROWS:
        return np.nan
    bases = [_basis(part) for part in (left, right)]
    if min(basis.shape[1] for basis in bases) == 0:
        return np.nan
    return float(np.clip(np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)[0], 0, 1))


def _basis(part: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the centred columns."""
    left, values, _ = np.linalg.svd(part - part.mean(axis=0), full_matrices=False)
    return left[:, values > 1e-9 * max(values[0], 1e-300)] if len(values) else left[:, :0]


def _numbers(values: np.ndarray, observed: np.ndarray, kind: Kind) -> np.ndarray:
    """Return labels as numbers (n_samples, columns), 0 if missing."""
    if kind == "regression":
        return np.where(observed, np.where(observed, values, 0).astype(np.float64), 0.0)[:, None]
    classes, codes = np.unique(values[observed], return_inverse=True)
    full = np.zeros((len(values), len(classes)))
    full[np.flatnonzero(observed), codes] = 1.0
    return full[:, -1:] if len(classes) <= 2 else full
