"""Ridge regression in the eigenbasis of the rows' similarities: all penalties and all folds from one decomposition.

With numpy's linear algebra, not scipy's: it lets other threads run, and costs little where there are a dozen rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Numbers of a fold's rows that are worked on at once, for several penalties: each product of few costs a call.
_AT_ONCE = 200_000
# Numbers of held-out predictions that are kept at once, to be compared.
_MOST_HELD = 2_000_000


@dataclass(frozen=True)
class Spectrum:
    """Weighted similarities ``u diag(squares) u'`` of rows, and the parts of the rows that are left out in turn.

    ``u`` is (n_rows, n_rows), ``squares`` (n_rows,), ``root`` (n_rows,) the square roots of the rows' weights.
    """

    u: np.ndarray
    squares: np.ndarray
    root: np.ndarray
    folds: Sequence[np.ndarray]

    @classmethod
    def of_similarities(cls, kernel: np.ndarray, weights: np.ndarray, folds: Sequence[np.ndarray]) -> Spectrum:
        """That of a kernel matrix (n_rows, n_rows)."""
        root = np.sqrt(weights)
        squares, u = np.linalg.eigh(root[:, None] * kernel * root)
        return cls(u, np.maximum(squares, 0.0), root, folds)

    def held_out(self, values: np.ndarray, penalties: np.ndarray) -> np.ndarray:
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
        for rows in self.folds:
            u = self.u[rows]
            at_once = max(1, _AT_ONCE // max(1, u.size))
            for first in range(0, len(penalties), at_once):
                some = slice(first, first + at_once)
                try:
                    left[some, rows] = _taken_back(u, shrunk[some], left[some, rows])
                except np.linalg.LinAlgError:
                    # Rows that alone decide on their predictions tell nothing: what is left is all, as of the mean.
                    left[some, rows] = weighted[rows]
        np.subtract(weighted, left, out=left)
        left /= self.root[:, None]
        return left

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Weighted squared held-out errors (n_penalties, n_columns) where ``wanted``, infinite elsewhere."""
        found = np.full(wanted.shape, np.inf)
        counts = self.root**2
        at_once = max(1, _MOST_HELD // max(1, len(values) * len(penalties)))
        for first in range(0, values.shape[1], at_once):
            some = slice(first, first + at_once)
            tried = np.flatnonzero(wanted[:, some].any(axis=1))
            left = self.held_out(values[:, some], penalties[tried]) - values[:, some]
            found[tried, some] = np.einsum("pnt,pnt,n->pt", left, left, counts)
        return np.where(wanted, found, np.inf)

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predictions (n_rows, n_columns) of each fold's rows by the others, and coefficients of all similarities.

        Each column has its own penalty.
        """
        held = np.empty(values.shape)
        for penalty in np.unique(penalties):
            columns = np.flatnonzero(penalties == penalty)
            held[:, columns] = self.held_out(values[:, columns], np.array([penalty]))[0]
        projected = self.u.T @ (values * self.root[:, None])
        return held, self.root[:, None] * (self.u @ (projected / (self.squares[:, None] + penalties)))


def _taken_back(u: np.ndarray, shrunk: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Residuals without the rows' own influence: ``(1 - u diag(shrunk) u')^-1 residual``.

    For each of several penalties: ``shrunk`` is (n_penalties, rank), ``residual`` (n_penalties, n_rows, n_tasks).
    """
    scaled = u * np.sqrt(shrunk)[:, None]
    return np.linalg.solve(np.eye(len(u)) - scaled @ scaled.transpose(0, 2, 1), residual)
