"""How much a kernel regression's columns matter, from the slopes of what it predicts."""

from __future__ import annotations

import numpy as np

from ._kernel import Kernel
from ._model import KernelModel

# Rows at which slopes are taken, fewer where rows times columns times rows compared with would be more than this.
_MOST_ROWS, _MOST_DIFFERENCES = 300, 1e8
# Of the paper's square root of mean squared slopes a root again: all of it overfits small tables.
_DAMPING = 0.5


def relevance_of(
    kernel_model: KernelModel, rows: np.ndarray, variances: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """What columns are to be multiplied by so that similarity is counted in those on which predictions hang.

    Recursive feature machines (Radhakrishnan, Beaglehole, Pandit and Belkin, 2024, Science 383) with the diagonal of
    the average outer product of gradients, over all tasks: what is learned of a column serves them all. Deviations:
    a second square root is taken, and columns are not rotated, so that a kernel regression stays one of columns.

    Parameters
    ----------
    kernel_model : KernelModel
        A kernel regression that is not linear.
    rows : ndarray of shape (n_rows, n_columns)
        Encoded features, as the kernel model's ``predict`` takes them.
    variances : ndarray of shape (n_tasks,)
        Those of the tasks' labels: in what units a task is must not count.
    rng : numpy.random.Generator
        Of the rows at which slopes are taken, where there are many.

    Returns
    -------
    ndarray of shape (n_columns,)
        From 0 to 1, the largest being 1; ones where predictions are the same everywhere.
    """
    points = kernel_model.points
    if points is None:
        raise ValueError("a linear kernel has no similarities to weigh columns in")
    most = int(np.clip(_MOST_DIFFERENCES / points.size, 50, _MOST_ROWS))
    some = rows if len(rows) <= most else rows[rng.choice(len(rows), most, replace=False)]
    scales = np.sqrt(variances)
    readout = np.divide(
        kernel_model.coefficients, scales, out=np.zeros_like(kernel_model.coefficients), where=scales > 0
    )
    slopes = (
        np.sqrt(_squared_slopes(kernel_model.kernel, kernel_model.seen(some), points, readout)) * kernel_model.relevance
    )
    largest = slopes.max(initial=0.0)
    return (slopes / largest) ** _DAMPING if largest > 0 else np.ones(len(slopes))


def _squared_slopes(kernel: Kernel, seen: np.ndarray, points: np.ndarray, readout: np.ndarray) -> np.ndarray:
    """Mean squared slope along each column, as the kernel sees it, summed over tasks: (n_columns,)."""
    similarity = kernel.matrix(seen, points)
    found = np.empty(seen.shape[1])
    for column in range(seen.shape[1]):
        inner = kernel.slopes(seen[:, column, None] - points[:, column]) * similarity
        found[column] = ((inner @ readout) ** 2).mean(axis=0).sum()
    return found
