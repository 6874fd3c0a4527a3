"""One kernel model: a fitted kernel ridge regression of all tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._pieces import in_pieces
from ._kernel import Kernel

# Rows compared with all points at a time.
_CHUNK = 1024
# A prediction lies at most this part of the observed range outside of it.
_MARGIN = 0.25
# A column is taken to reach at most this part of its observed range further: a line goes on beyond the data, and
# predictions should not.
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
        Rows that others are compared with, multiplied as above; None for a linear kernel, whose coefficients are
        the columns'.
    coefficients : ndarray of shape (n_points or n_columns, n_tasks)
        What a similarity, or a column, adds.
    center, lower, upper : ndarray of shape (n_tasks,)
        Predictions are ``center`` plus the above, clipped to lie between the others.
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

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """Rows (n_rows, n_columns) as the kernel sees them."""
        return np.clip(rows, self.smallest, self.largest) * self.relevance

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Predictions (n_rows, n_tasks) of rows (n_rows, n_columns)."""
        rows = self.seen(rows)
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
    """What predictions are clipped to, lower and upper ends (n_tasks,): functions do not end where the labels do."""
    known = weights > 0
    lower = values.min(axis=0, where=known, initial=np.inf)
    upper = values.max(axis=0, where=known, initial=-np.inf)
    # A task may have no label among the rows sampled: all that is known of it then is its mean, 0.
    lower, upper = np.where(np.isinf(lower), 0.0, lower), np.where(np.isinf(upper), 0.0, upper)
    margin = _MARGIN * (upper - lower)
    return lower - margin, upper + margin


def column_limits(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What columns are clipped to, lower and upper ends (n_columns,)."""
    smallest, largest = rows.min(axis=0), rows.max(axis=0)
    margin = _REACH * (largest - smallest)
    return smallest - margin, largest + margin
