"""Ridge regression in the eigenbasis of the rows' similarities: all penalties and all folds from one decomposition.

With numpy's linear algebra, not scipy's: it lets other threads run, and costs little where there are a dozen rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Directions in which the rows differ by less than this part of the most are rounding errors.
_RANK = 1e-10
# Numbers of a fold's rows that are worked on at once, for several penalties: each product of few costs a call.
_AT_ONCE = 200_000


@dataclass(frozen=True)
class Spectrum:
    """Weighted similarities ``u diag(squares) u'`` of rows, and what turns a solution into coefficients.

    ``u`` is (n_rows, rank), ``squares`` (rank,), ``readout`` (n_coefficients, rank), ``root`` (n_rows,) the square
    roots of the rows' weights.
    """

    u: np.ndarray
    squares: np.ndarray
    readout: np.ndarray
    root: np.ndarray

    @classmethod
    def of_similarities(cls, kernel: np.ndarray, weights: np.ndarray) -> Spectrum:
        """That of a kernel matrix (n_rows, n_rows): one coefficient a row."""
        root = np.sqrt(weights)
        squares, u = np.linalg.eigh(root[:, None] * kernel * root)
        return cls(u, np.maximum(squares, 0.0), root[:, None] * u, root)

    @classmethod
    def of_features(cls, features: np.ndarray, weights: np.ndarray) -> Spectrum:
        """That of inner products of features (n_rows, n_features): one coefficient a feature."""
        root = np.sqrt(weights)
        weighted = features * root[:, None]
        squares, v = np.linalg.eigh(weighted.T @ weighted)
        kept = squares > _RANK * max(float(squares[-1]), np.finfo(np.float64).tiny)
        squares, v = squares[kept], v[:, kept]
        singular = np.sqrt(squares)
        return cls(weighted @ (v / singular), squares, v * singular, root)

    def held_out(self, values: np.ndarray, folds: Sequence[np.ndarray], penalties: np.ndarray) -> np.ndarray:
        """Predictions (n_penalties, n_rows, n_tasks) of each fold's rows by the ridge regression on the others.

        No regression is solved twice: what a fold's rows did to their own predictions is taken back (the
        leave-one-out identity of Cook and Weisberg, 1982, for a block of rows).
        """
        weighted = values * self.root[:, None]
        projected = self.u.T @ weighted
        shrunk = self.squares / (self.squares + penalties[:, None])
        # One product for all penalties: one for each would read all of u again.
        wanted = (shrunk[:, :, None] * projected).transpose(1, 0, 2)
        stacked = wanted.reshape(len(self.squares), len(penalties) * values.shape[1])
        left = (self.u @ stacked).reshape(len(values), *wanted.shape[1:])
        np.subtract(weighted[:, None], left, out=left)
        left = left.transpose(1, 0, 2)
        for rows in folds:
            u = self.u[rows]
            gram = u.T @ u if len(rows) > len(self.squares) else None
            at_once = max(1, _AT_ONCE // max(1, u.size))
            for first in range(0, len(penalties), at_once):
                some = slice(first, first + at_once)
                try:
                    left[some, rows] = _taken_back(u, gram, shrunk[some], left[some, rows])
                except np.linalg.LinAlgError:
                    # Rows that alone decide on their predictions tell nothing: what is left is all, as of the mean.
                    left[some, rows] = weighted[rows]
        np.subtract(weighted, left, out=left)
        left /= self.root[:, None]
        return left

    def coefficients(self, values: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """Coefficients (n_coefficients, n_tasks), with each task's own penalty."""
        projected = self.u.T @ (values * self.root[:, None])
        return self.readout @ (projected / (self.squares[:, None] + penalties))


def _taken_back(u: np.ndarray, gram: np.ndarray | None, shrunk: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Residuals without the rows' own influence: ``(1 - u diag(shrunk) u')^-1 residual``, by the smaller system.

    For each of several penalties: ``shrunk`` is (n_penalties, rank), ``residual`` (n_penalties, n_rows, n_tasks).
    """
    if gram is None:
        scaled = u * np.sqrt(shrunk)[:, None]
        return np.linalg.solve(np.eye(len(u)) - scaled @ scaled.transpose(0, 2, 1), residual)
    inverse = 1.0 / np.maximum(shrunk, np.finfo(np.float64).tiny)
    return residual + u @ np.linalg.solve(inverse[:, None] * np.eye(len(gram)) - gram, u.T @ residual)
