"""One kernel model: a fitted kernel ridge regression of all tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._pieces import in_pieces
from ._kernel import Kernel

# Rows compared with all points at a time.
_CHUNK = 1024
# Predictions exceed the range of the labels by at most this share of it.
_MARGIN = 0.25
# Columns are clipped to their observed range extended by this share: a linear function would extrapolate without end.
_REACH = 0.5


@dataclass(frozen=True)
class KernelModel:
    """A fitted kernel ridge regression.

    Attributes
    ----------
    kernel : Kernel
        Similarity of two rows.
    smallest, largest, relevance : ndarray of shape (n_columns,)
        Columns are clipped to lie between the first two, then multiplied by the third.
    points : ndarray of shape (n_points, n_columns) or None
        Rows that others are compared with, scaled in the same way; None for a linear kernel, which has coefficients
        of columns.
    coefficients : ndarray of shape (n_points or n_columns, n_tasks)
        Coefficients of the similarities to points, or of columns.
    center, lower, upper : ndarray of shape (n_tasks,)
        Predictions are ``center`` plus the above, clipped to lie between ``lower`` and ``upper``.
    """

    kernel: Kernel
    smallest: np.ndarray
    largest: np.ndarray
    relevance: np.ndarray
    points: np.ndarray | None
    coefficients: np.ndarray
    center: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def scaled(self, rows: np.ndarray) -> np.ndarray:
        """Return rows (n_rows, n_columns) as the kernel sees them: clipped and scaled."""
        return np.clip(rows, self.smallest, self.largest) * self.relevance

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Return predictions (n_rows, n_tasks) of rows (n_rows, n_columns)."""
        rows = self.scaled(rows)
        if self.points is None:
            raw = rows @ self.coefficients
        else:
            points = self.points
            parts = in_pieces(
                lambda piece: self.kernel.matrix(rows[piece], points) @ self.coefficients, len(rows), _CHUNK
            )
            raw = np.concatenate(parts)
        return np.clip(self.center + raw, self.lower, self.upper)


def label_limits(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper limits of predictions, (n_tasks,): the range of the labels and a margin."""
    known = weights > 0
    lower = values.min(axis=0, where=known, initial=np.inf)
    upper = values.max(axis=0, where=known, initial=-np.inf)
    # A task may have no label among the sampled rows: only its mean, 0, is known then.
    lower, upper = np.where(np.isinf(lower), 0.0, lower), np.where(np.isinf(upper), 0.0, upper)
    margin = _MARGIN * (upper - lower)
    return lower - margin, upper + margin


def column_limits(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper limits that columns are clipped to, (n_columns,)."""
    smallest, largest = rows.min(axis=0), rows.max(axis=0)
    margin = _REACH * (largest - smallest)
    return smallest - margin, largest + margin
