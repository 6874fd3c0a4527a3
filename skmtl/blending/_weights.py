"""How much each of several predictors counts, task by task."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls


def blend_weights(predictions: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative weights of predictors that were each fitted without the rows it predicts here.

    Stacked regression (Breiman, 1996): least squares with weights that are not negative. A predictor that adds
    nothing to the others gets a weight of zero.

    Parameters
    ----------
    predictions : ndarray of shape (n_predictors, n_rows, n_tasks)
        Out-of-fold predictions, centred as ``values`` are.
    values : ndarray of shape (n_rows, n_tasks)
        Targets.
    weights : ndarray of shape (n_rows, n_tasks)
        Weights of the labels; 0 marks a missing one.

    Returns
    -------
    ndarray of shape (n_predictors, n_tasks)
        The weights; equal ones for a task that tells nothing.
    """
    n_predictors, _, n_tasks = predictions.shape
    found = np.full((n_predictors, n_tasks), 1.0 / n_predictors)
    for task in range(n_tasks):
        rows = weights[:, task] > 0
        root = np.sqrt(weights[rows, task])
        matrix = predictions[:, rows, task].T * root[:, None]
        if rows.sum() < n_predictors or not np.any(matrix):
            continue
        solution, _ = nnls(matrix, values[rows, task] * root)
        if solution.any():
            found[:, task] = solution
    return found
