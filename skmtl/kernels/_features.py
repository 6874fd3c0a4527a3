"""The rows as a kernel regression sees them: all similarities, or features whose inner products these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._kernel import Kernel
from ._normal_equations import NormalEquations
from ._penalties import Ridge
from ._spectrum import Spectrum

# With more rows, similarities to a sample of them approximate all (Nyström; Williams and Seeger, 2001).
MOST_POINTS = 1500


# With fewer rows per feature, the similarities of the rows are the quicker way to the same solution.
_ROWS_PER_FEATURE = 2


@dataclass(frozen=True)
class _FewRows:
    """Regressions on features (n_rows, n_features), solved in the similarities of the rows."""

    spectrum: Spectrum
    features: np.ndarray
    readout: np.ndarray

    def errors(self, values: np.ndarray, penalties: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return self.spectrum.errors(values, penalties, wanted)

    def fitted(self, values: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        held, coefficients = self.spectrum.fitted(values, penalties)
        return held, self.readout @ (self.features.T @ coefficients)


@dataclass(frozen=True)
class KernelFeatures:
    """All similarities of the rows, or features whose inner products these are.

    The features are ``matrix @ readout``; without ``readout``, ``matrix`` has the similarities of all rows. ``points``
    are the rows that others are compared with, None for a linear kernel. For a linear kernel with more columns than
    rows, ``rows`` turns coefficients of similarities into coefficients of columns.
    """

    matrix: np.ndarray
    readout: np.ndarray | None
    points: np.ndarray | None
    rows: np.ndarray | None = None

    @classmethod
    def of(cls, kernel: Kernel, rows: np.ndarray, rng: np.random.Generator) -> KernelFeatures:
        if kernel.name == "linear":
            # Division by the number of columns makes penalties comparable between tables.
            scale = 1.0 / np.sqrt(max(1, rows.shape[1]))
            if rows.shape[1] > len(rows):
                return cls(kernel.matrix(rows, rows), None, None, rows * scale**2)
            return cls(rows, np.eye(rows.shape[1]) * scale, None)
        if len(rows) <= MOST_POINTS:
            return cls(kernel.matrix(rows, rows), None, rows)
        points = rows[np.sort(rng.choice(len(rows), _n_points(rows), replace=False))]
        squares, v = np.linalg.eigh(kernel.matrix(points, points))
        kept = squares > 1e-8 * squares[-1]
        return cls(kernel.matrix(rows, points), v[:, kept] / np.sqrt(squares[kept]), points)

    @property
    def n_coefficients(self) -> int:
        return self.matrix.shape[1]

    def of_columns(self, coefficients: np.ndarray) -> np.ndarray:
        """Turn coefficients of ``matrix`` into those of similarities to the points (or of columns)."""
        return coefficients if self.rows is None else self.rows.T @ coefficients

    def ridge(self, rows: np.ndarray, weights: np.ndarray, folds: Sequence[np.ndarray]) -> Ridge:
        """Return the regression on some rows; ``folds`` are parts of these."""
        for_all_rows = len(rows) == len(self.matrix)
        if self.readout is None:
            return Spectrum.of_similarities(
                self.matrix if for_all_rows else self.matrix[np.ix_(rows, rows)], weights, folds
            )
        matrix = self.matrix if for_all_rows else self.matrix[rows]
        if len(rows) <= _ROWS_PER_FEATURE * self.readout.shape[1]:
            features = matrix @ self.readout
            return _FewRows(Spectrum.of_similarities(features @ features.T, weights, folds), features, self.readout)
        return NormalEquations.of(matrix, self.readout, weights, folds)

    def for_all_rows(self, coefficients: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return coefficients (n_coefficients, n_tasks) for all rows from those of a regression on some rows."""
        if self.readout is not None or len(rows) == len(self.matrix):
            return coefficients
        out = np.zeros((self.n_coefficients, coefficients.shape[1]))
        out[rows] = coefficients
        return out


def _n_points(rows: np.ndarray) -> int:
    """Return the number of rows to compare with, fewer for large tables."""
    return min(len(rows) - 1, int(np.clip(4e9 / rows.size, 300, 600)))
