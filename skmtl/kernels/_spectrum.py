"""Ridge regression in the eigenbasis of the rows' similarities: all penalties and all folds from one decomposition.

It uses numpy's linear algebra, not scipy's: numpy's releases the GIL and has little overhead for a dozen rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Matrix entries of a fold to process at once, for several penalties: many small products would be slow.
_AT_ONCE = 200_000
# Held-out predictions to keep in memory at once.
_MOST_HELD = 2_000_000


@dataclass(frozen=True)
class Spectrum:
    """Weighted similarities ``u diag(squares) u'`` of rows, and the folds that are held out in turn.

    ``u`` is (n_rows, n_rows), ``squares`` (n_rows,); ``root``, (n_rows,), holds the square roots of the rows' weights.
    """

    u: np.ndarray
    squares: np.ndarray
    root: np.ndarray
    folds: Sequence[np.ndarray]

    @classmethod
    def of_similarities(cls, kernel: np.ndarray, weights: np.ndarray, folds: Sequence[np.ndarray]) -> Spectrum:
        """Decompose a kernel matrix (n_rows, n_rows)."""
        root = np.sqrt(weights)
        squares, u = np.linalg.eigh(root[:, None] * kernel * root)
        return cls(u, np.maximum(squares, 0.0), root, folds)

    def held_out(self, values: np.ndarray, penalties: np.ndarray) -> np.ndarray:
        """Return predictions (n_penalties, n_rows, n_tasks) of each fold's rows by the ridge regression on the others.

        No regression is solved twice: the influence of a fold's rows on their own predictions is removed (the
        leave-one-out identity of Cook and Weisberg, 1982, for a block of rows).
        """
        weighted = values * self.root[:, None]
        projected = self.u.T @ weighted
        shrunk = self.squares / (self.squares + penalties[:, None])
        # One product for all penalties, since each product reads all of u.
        wanted = (shrunk[:, :, None] * projected).transpose(1, 0, 2)
        stacked = wanted.reshape(len(self.squares), len(penalties) * values.shape[1])
        left = (self.u @ stacked).reshape(len(values), *wanted.shape[1:])
        np.subtract(weighted[:, None], left, out=left)
        left = left.transpose(1, 0, 2)
        for rows in self.folds:
            u = self.u[rows]
            at_once = max(1, _AT_ONCE // max(1, u.size))
            for first in range(0, len(penalties), at_once):
                some = slice(first, first + at_once)
                try:
                    left[some, rows] = _without_own_influence(u, shrunk[some], left[some, rows])
                except np.linalg.LinAlgError:
                    # Only these rows determine their own predictions: without them, the mean is predicted.
                    left[some, rows] = weighted[rows]
        np.subtract(weighted, left, out=left)
        left /= self.root[:, None]
        return left

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return weighted squared held-out errors (n_penalties, n_columns) if ``wanted``, infinity otherwise."""
        errors = np.full(wanted.shape, np.inf)
        counts = self.root**2
        at_once = max(1, _MOST_HELD // max(1, len(values) * len(penalties)))
        for first in range(0, values.shape[1], at_once):
            some = slice(first, first + at_once)
            tried = np.flatnonzero(wanted[:, some].any(axis=1))
            residuals = self.held_out(values[:, some], penalties[tried]) - values[:, some]
            errors[tried, some] = np.einsum("pnt,pnt,n->pt", residuals, residuals, counts)
        return np.where(wanted, errors, np.inf)

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n_rows, n_columns) of each fold's rows by the others, and coefficients of similarities.

        Each column has its own penalty.
        """
        held = np.empty(values.shape)
        for penalty in np.unique(penalties):
            columns = np.flatnonzero(penalties == penalty)
            held[:, columns] = self.held_out(values[:, columns], np.array([penalty]))[0]
        projected = self.u.T @ (values * self.root[:, None])
        return held, self.root[:, None] * (self.u @ (projected / (self.squares[:, None] + penalties)))


def _without_own_influence(u: np.ndarray, shrunk: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Return residuals without the rows' own influence: ``(1 - u diag(shrunk) u')^-1 residual``.

    There is one for each penalty: ``shrunk`` is (n_penalties, rank), ``residual`` (n_penalties, n_rows, n_tasks).
    """
    scaled = u * np.sqrt(shrunk)[:, None]
    return np.linalg.solve(np.eye(len(u)) - scaled @ scaled.transpose(0, 2, 1), residual)
