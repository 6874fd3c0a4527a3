"""The relevance of columns, from the slopes of a kernel regression's predictions."""

from __future__ import annotations

import numpy as np

from ._kernel import Kernel
from ._model import KernelModel

# Rows at which slopes are computed, fewer if rows times columns times points would exceed the second number.
_MOST_ROWS, _MOST_DIFFERENCES = 300, 1e8
# Exponent of the paper's root mean squared slopes: without damping, relevance overfits small tables.
_DAMPING = 0.5


def relevance_of(
    kernel_model: KernelModel, rows: np.ndarray, variances: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return factors for the columns with which similarity depends on the columns that matter to predictions.

    Recursive feature machines (Radhakrishnan, Beaglehole, Pandit and Belkin, 2024, Science 383) with the diagonal of
    the average outer product of gradients, over all tasks: they all use what is learned about a column. Deviations: a
    second square root is taken, and columns are scaled but not rotated.

    Parameters
    ----------
    kernel_model : KernelModel
        A kernel regression that is not linear.
    rows : ndarray of shape (n_rows, n_columns)
        Encoded features, as the kernel model's ``predict`` takes them.
    variances : ndarray of shape (n_tasks,)
        Variances of the tasks' labels; slopes are divided by their roots, so that units do not count.
    rng : numpy.random.Generator
        Draws the rows at which slopes are computed, if there are many.

    Returns
    -------
    ndarray of shape (n_columns,)
        From 0 to 1, and the largest is 1; all are 1 if predictions are constant.
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
        np.sqrt(_squared_slopes(kernel_model.kernel, kernel_model.scaled(some), points, readout))
        * kernel_model.relevance
    )
    largest = slopes.max(initial=0.0)
    return (slopes / largest) ** _DAMPING if largest > 0 else np.ones(len(slopes))


def _squared_slopes(kernel: Kernel, scaled: np.ndarray, points: np.ndarray, readout: np.ndarray) -> np.ndarray:
    """Return the mean squared slope along each scaled column, summed over tasks, (n_columns,)."""
    similarity = kernel.matrix(scaled, points)
    out = np.empty(scaled.shape[1])
    for column in range(scaled.shape[1]):
        inner = kernel.slopes(scaled[:, column, None] - points[:, column]) * similarity
        out[column] = ((inner @ readout) ** 2).mean(axis=0).sum()
    return out
