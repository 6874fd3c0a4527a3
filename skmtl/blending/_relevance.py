"""How much a kernel regression's columns matter, from the slopes of what it predicts."""

from __future__ import annotations

import numpy as np

from ._companion import Companion

# Rows at which slopes are taken.
_MOST_ROWS = 300
# Of the paper's square root of mean squared slopes a root again: all of it overfits small tables.
_DAMPING = 0.5


def relevance_of(companion: Companion, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What columns are to be multiplied by so that similarity is counted in those on which predictions hang.

    Recursive feature machines (Radhakrishnan, Beaglehole, Pandit and Belkin, 2024, Science 383) with the diagonal of
    the average outer product of gradients, over all tasks: what is learned of a column serves them all. Deviations:
    a second square root is taken, and columns are not rotated, so that a kernel regression stays one of columns.

    Parameters
    ----------
    companion : Companion
        A kernel regression that is not linear.
    rows : ndarray of shape (n_rows, n_columns)
        Encoded features, as the companion's ``predict`` takes them.
    rng : numpy.random.Generator
        Of the rows at which slopes are taken, where there are many.

    Returns
    -------
    ndarray of shape (n_columns,)
        From 0 to 1, the largest being 1; ones where predictions are the same everywhere.
    """
    some = rows if len(rows) <= _MOST_ROWS else rows[rng.choice(len(rows), _MOST_ROWS, replace=False)]
    slopes = np.sqrt(_squared_slopes(companion, companion.seen(some))) * companion.relevance
    largest = slopes.max(initial=0.0)
    return (slopes / largest) ** _DAMPING if largest > 0 else np.ones(len(slopes))


def _squared_slopes(companion: Companion, seen: np.ndarray) -> np.ndarray:
    """Mean squared slope along each column, as the kernel sees it, summed over tasks: (n_columns,)."""
    points, kernel = companion.points, companion.kernel
    if points is None:
        return (companion.coefficients**2).sum(axis=1)
    similarity = kernel.matrix(seen, points)
    found = np.empty(seen.shape[1])
    for column in range(seen.shape[1]):
        inner = kernel.slopes(seen[:, column, None] - points[:, column]) * similarity
        found[column] = ((inner @ companion.coefficients) ** 2).mean(axis=0).sum()
    return found
