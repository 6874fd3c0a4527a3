"""What a kernel regression is solved in: all similarities of the rows, or features whose products are these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._kernel import Kernel
from ._normal_equations import NormalEquations
from ._penalties import Ridge
from ._spectrum import Spectrum

# With more rows, similarities are taken to so many of them only (Nyström; Williams and Seeger, 2001).
MOST_POINTS = 1500


# With fewer rows a feature, the rows' similarities are the quicker way to the same solution.
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
    """Rows as a kernel sees them: all similarities, or features whose inner products these are.

    The features are ``matrix @ readout``; without ``readout``, ``matrix`` has the similarities of all rows. ``points``
    are what rows are compared with, None for a linear kernel; coefficients of the similarities to all ``rows`` are
    turned into those of its columns.
    """

    matrix: np.ndarray
    readout: np.ndarray | None
    points: np.ndarray | None
    rows: np.ndarray | None = None

    @classmethod
    def of(cls, kernel: Kernel, rows: np.ndarray, rng: np.random.Generator) -> KernelFeatures:
        if kernel.name == "linear":
            # Divided by the columns, penalties mean the same for tables of any width.
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
        """Coefficients of similarities to the points (or of columns) from those of ``matrix``."""
        return coefficients if self.rows is None else self.rows.T @ coefficients

    def ridge(self, rows: np.ndarray, weights: np.ndarray, folds: Sequence[np.ndarray]) -> Ridge:
        """The regression on some rows; ``folds`` are parts of these."""
        everywhere = len(rows) == len(self.matrix)
        if self.readout is None:
            return Spectrum.of_similarities(
                self.matrix if everywhere else self.matrix[np.ix_(rows, rows)], weights, folds
            )
        matrix = self.matrix if everywhere else self.matrix[rows]
        if len(rows) <= _ROWS_PER_FEATURE * self.readout.shape[1]:
            features = matrix @ self.readout
            return _FewRows(Spectrum.of_similarities(features @ features.T, weights, folds), features, self.readout)
        return NormalEquations.of(matrix, self.readout, weights, folds)

    def everywhere(self, coefficients: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Coefficients (n_coefficients, n_tasks) from those of the regression on some rows."""
        if self.readout is not None or len(rows) == len(self.matrix):
            return coefficients
        found = np.zeros((self.n_coefficients, coefficients.shape[1]))
        found[rows] = coefficients
        return found


def _n_points(rows: np.ndarray) -> int:
    """Rows to compare with, fewer where comparing is dear."""
    return min(len(rows) - 1, int(np.clip(4e9 / rows.size, 300, 600)))
