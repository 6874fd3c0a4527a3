"""Correlations of errors, from rows in which labels may be missing."""

from __future__ import annotations

import numpy as np

from ._columns import ErrorColumns

# An eigenvalue below is raised to it: correlations from different rows need not belong together.
_LEAST = 1e-6
# Fewer rows that have both labels say nothing of how they go together.
_FEWEST_ROWS = 8


def scales_of(errors: np.ndarray) -> np.ndarray:
    """Root mean square of each column, (n_columns,); 1 where there is no error, or no label."""
    with np.errstate(invalid="ignore"):
        count = (~np.isnan(errors)).sum(axis=0)
        largest = np.fmax.reduce(np.abs(errors), axis=0, initial=0.0)
        unit = np.where(largest > 0, largest, 1.0)
        scales = unit * np.sqrt(np.nansum((errors / unit) ** 2, axis=0) / np.maximum(count, 1))
    return np.where(scales > 0, scales, 1.0)


def correlation_of(scaled: np.ndarray) -> np.ndarray:
    """Correlations of columns around zero, (n_columns, n_columns), positive definite.

    Each is taken from the rows that have both labels; 0 where they are too few.
    """
    seen = ~np.isnan(scaled)
    filled, both = np.where(seen, scaled, 0.0), seen.astype(float)
    count = both.T @ both
    moments = filled.T @ filled
    spread = np.sqrt(((filled**2).T @ both) * ((filled**2).T @ both).T)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where((count >= _FEWEST_ROWS) & (spread > 0), moments / spread, 0.0)
    correlation = np.clip((correlation + correlation.T) / 2, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return positive(correlation)


def positive(correlation: np.ndarray) -> np.ndarray:
    """The nearest correlation that is positive definite, by its eigenvalues."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= _LEAST:
        return correlation
    raised = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    size = np.sqrt(np.diag(raised))
    return raised / size / size[:, None]


def shrunk(correlation: np.ndarray, columns: ErrorColumns, chosen: np.ndarray, shrinkage: float) -> np.ndarray:
    """Correlations of the chosen columns: between tasks times 1 - ``shrinkage`` (after Ledoit and Wolf, 2004)."""
    task = columns.task_of_column[chosen]
    own = correlation[np.ix_(chosen, chosen)]
    return np.where(task[:, None] == task, own, (1.0 - shrinkage) * own)
