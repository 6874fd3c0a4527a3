"""Ridge regression on fewer features than rows, from products that are summed once for each fold.

It uses numpy's linear algebra, which releases the GIL, not scipy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Matrix entries of the systems solved in one call: many small calls would be slow.
_AT_ONCE = 200_000


@dataclass(frozen=True)
class NormalEquations:
    """Regressions on the features ``matrix @ readout``, with all rows and without each fold.

    ``matrix`` is (n_rows, n_columns), ``readout`` (n_columns, n_features) and ``weights`` (n_rows,). ``products``,
    (n_folds, n_features, n_features), are the weighted products of the features over each fold's rows.
    """

    matrix: np.ndarray
    readout: np.ndarray
    weights: np.ndarray
    folds: Sequence[np.ndarray]
    products: np.ndarray

    @classmethod
    def of(
        cls, matrix: np.ndarray, readout: np.ndarray, weights: np.ndarray, folds: Sequence[np.ndarray]
    ) -> NormalEquations:
        """Sum the products of each fold; ``folds`` are disjoint parts of the rows that cover them."""
        root = np.sqrt(weights)
        products = np.empty((len(folds), readout.shape[1], readout.shape[1]))
        for number, rows in enumerate(folds):
            own = matrix[rows] * root[rows, None]
            # With many rows, it is cheaper to transform the products than the rows.
            products[number] = readout.T @ (own.T @ own) @ readout
        return cls(matrix, readout, weights, folds, products)

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return weighted squared held-out errors (n_penalties, n_columns) if ``wanted``, infinity otherwise."""
        errors = np.where(wanted, 0.0, np.inf)
        at_once = max(1, _AT_ONCE // max(1, self.products[0].size))
        for rows, products, moments in self._without_each(self._moments(values)):
            for first in range(0, len(penalties), at_once):
                some = slice(first, first + at_once)
                columns = np.flatnonzero(wanted[some].any(axis=0))
                solutions = _solutions(products, moments[:, columns], penalties[some])
                residuals = self.matrix[rows] @ (self.readout @ solutions) - values[np.ix_(rows, columns)]
                errors[some, columns] += np.einsum("pnt,pnt,n->pt", residuals, residuals, self.weights[rows])
        return errors

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions (n_rows, n_columns) of each fold's rows by the others, and coefficients of all rows.

        Each column has its own penalty.
        """
        held, moments = np.empty(values.shape), self._moments(values)
        for rows, products, others in self._without_each(moments):
            held[rows] = self.matrix[rows] @ (self.readout @ _solved(products, others, penalties))
        return held, self.readout @ _solved(self.products.sum(axis=0), moments.sum(axis=0), penalties)

    def _moments(self, values: np.ndarray) -> np.ndarray:
        """Return weighted products of features and values over each fold's rows, (n_folds, n_features, n_columns)."""
        sums = [self.matrix[rows].T @ (self.weights[rows, None] * values[rows]) for rows in self.folds]
        return np.stack([self.readout.T @ one for one in sums])

    def _without_each(self, moments: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield each fold's rows, and the products and moments of all others."""
        all_products, all_moments = self.products.sum(axis=0), moments.sum(axis=0)
        for rows, products, own in zip(self.folds, self.products, moments, strict=True):
            yield rows, all_products - products, all_moments - own


def _solutions(products: np.ndarray, moments: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """Return solutions (n_penalties, n_features, n_columns)."""
    systems = products + penalties[:, None, None] * np.eye(len(products))
    return np.linalg.solve(systems, np.broadcast_to(moments, (len(penalties), *moments.shape)))


def _solved(products: np.ndarray, moments: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """Return solutions (n_features, n_columns), with each column's own penalty."""
    solutions = np.empty(moments.shape)
    for penalty in np.unique(penalties):
        columns = np.flatnonzero(penalties == penalty)
        solutions[:, columns] = _solutions(products, moments[:, columns], np.array([penalty]))[0]
    return solutions
