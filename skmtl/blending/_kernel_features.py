"""What a kernel regression is solved in: all similarities of the rows, or features whose products are these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._kernel import Kernel
from ._spectrum import Spectrum

# With more rows, similarities are taken to so many of them only (Nyström; Williams and Seeger, 2001).
MOST_POINTS = 1500


@dataclass(frozen=True)
class KernelFeatures:
    """Rows as a kernel sees them: either all similarities, or features whose inner products these are."""

    matrix: np.ndarray
    points: np.ndarray | None
    readout: np.ndarray | None
    exact: bool

    @classmethod
    def of(cls, kernel: Kernel, rows: np.ndarray, rng: np.random.Generator) -> KernelFeatures:
        if kernel.name == "linear":
            # Divided by the columns, penalties mean the same for tables of any width.
            scale = 1.0 / np.sqrt(max(1, rows.shape[1]))
            return cls(rows * scale, None, np.eye(rows.shape[1]) * scale, exact=False)
        if len(rows) <= MOST_POINTS:
            return cls(kernel.matrix(rows, rows), rows, None, exact=True)
        points = rows[np.sort(rng.choice(len(rows), _n_points(rows), replace=False))]
        squares, v = np.linalg.eigh(kernel.matrix(points, points))
        kept = squares > 1e-8 * squares[-1]
        readout = v[:, kept] / np.sqrt(squares[kept])
        return cls(kernel.matrix(rows, points) @ readout, points, readout, exact=False)

    @property
    def n_coefficients(self) -> int:
        return self.matrix.shape[1]

    def of_columns(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients of similarities to the points (or of columns) from those of the features."""
        return coefficients if self.readout is None else self.readout @ coefficients

    def spectrum(self, rows: np.ndarray, weights: np.ndarray) -> Spectrum:
        if self.exact:
            return Spectrum.of_similarities(self.matrix[np.ix_(rows, rows)], weights)
        return Spectrum.of_features(self.matrix[rows], weights)

    def coefficients(self, spectrum: Spectrum, rows: np.ndarray, values: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        found = spectrum.coefficients(values, penalty)
        if not self.exact:
            return found
        everywhere = np.zeros((self.n_coefficients, values.shape[1]))
        everywhere[rows] = found
        return everywhere


def _n_points(rows: np.ndarray) -> int:
    """Rows to compare with, fewer where comparing is dear."""
    return min(len(rows) - 1, int(np.clip(4e9 / rows.size, 300, 1000)))
