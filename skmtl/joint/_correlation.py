"""Correlations of errors from rows with missing labels."""

from __future__ import annotations

import numpy as np

from ._columns import ErrorColumns

# Smaller eigenvalues are raised to this: correlations from different rows need not form a valid matrix.
_LEAST = 1e-6
# With fewer rows that have both labels, a correlation counts as 0.
_FEWEST_ROWS = 8


def scales_of(errors: np.ndarray) -> np.ndarray:
    """Return the root mean square of each column, (n_columns,); 1 for columns without errors or labels."""
    with np.errstate(invalid="ignore"):
        count = (~np.isnan(errors)).sum(axis=0)
        largest = np.fmax.reduce(np.abs(errors), axis=0, initial=0.0)
        unit = np.where(largest > 0, largest, 1.0)
        scales = unit * np.sqrt(np.nansum((errors / unit) ** 2, axis=0) / np.maximum(count, 1))
    return np.where(scales > 0, scales, 1.0)


def correlation_of(scaled: np.ndarray) -> np.ndarray:
    """Return the correlations of columns around zero, (n_columns, n_columns), positive definite.

    Each uses the rows that have both labels, and is 0 if there are too few.
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
    """Return a positive definite correlation close to this one, with small eigenvalues raised."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= _LEAST:
        return correlation
    raised = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    size = np.sqrt(np.diag(raised))
    return raised / size / size[:, None]


def shrunk(correlation: np.ndarray, columns: ErrorColumns, chosen: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return correlations of the chosen columns, shrunk between tasks only (after Ledoit and Wolf, 2004)."""
    task = columns.task_of_column[chosen]
    own = correlation[np.ix_(chosen, chosen)]
    return np.where(task[:, None] == task, own, (1.0 - shrinkage) * own)
