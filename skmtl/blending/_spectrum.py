"""Ridge regression in the eigenbasis of the rows' similarities: all penalties and all folds from one decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

# Directions in which the rows differ by less than this part of the most are rounding errors.
_RANK = 1e-10


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
        squares, u = linalg.eigh(root[:, None] * kernel * root, overwrite_a=True, check_finite=False)
        return cls(u, np.maximum(squares, 0.0), root[:, None] * u, root)

    @classmethod
    def of_features(cls, features: np.ndarray, weights: np.ndarray) -> Spectrum:
        """That of inner products of features (n_rows, n_features): one coefficient a feature."""
        root = np.sqrt(weights)
        weighted = features * root[:, None]
        squares, v = linalg.eigh(weighted.T @ weighted, overwrite_a=True, check_finite=False)
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
        out = np.empty((len(penalties), *values.shape))
        inner = [self.u[rows].T @ self.u[rows] if len(rows) > len(self.squares) else None for rows in folds]
        for number, penalty in enumerate(penalties):
            shrunk = self.squares / (self.squares + penalty)
            residual = weighted - self.u @ (shrunk[:, None] * projected)
            for rows, gram in zip(folds, inner, strict=True):
                left = _taken_back(self.u[rows], gram, shrunk, residual[rows])
                out[number, rows] = (weighted[rows] - left) / self.root[rows, None]
        return out

    def coefficients(self, values: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """Coefficients (n_coefficients, n_tasks), with each task's own penalty."""
        projected = self.u.T @ (values * self.root[:, None])
        return self.readout @ (projected / (self.squares[:, None] + penalties))


def _taken_back(u: np.ndarray, gram: np.ndarray | None, shrunk: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Residuals without the rows' own influence: ``(1 - u diag(shrunk) u')^-1 residual``, by the smaller system."""
    if gram is None:
        hat = (u * shrunk) @ u.T
        return linalg.solve(np.eye(len(u)) - hat, residual, assume_a="pos", check_finite=False)
    inner = np.diag(1.0 / np.maximum(shrunk, np.finfo(np.float64).tiny)) - gram
    return residual + u @ linalg.solve(inner, u.T @ residual, assume_a="pos", check_finite=False)
