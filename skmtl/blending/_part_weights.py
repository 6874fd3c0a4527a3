"""The weights of a blend's parts, from out-of-fold predictions of all tasks' columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._columns import Columns
from ._weights import weights_by_task

# Squared errors of a class are divided by its probability, but by no less than this.
_LEAST_VARIANCE = 3e-3


def part_weights(layout: Columns, held: Sequence[np.ndarray], values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weights (n_parts, n_tasks) of parts that predicted ``held``, each (n_rows, n_columns).

    Classes take two steps: least squares, then least squares with each error divided by the variance that the first
    step predicts. This is one step of Fisher scoring (McCullagh and Nelder, 1989) towards the least log loss.
    """
    task = layout.task_of_column
    # The first network always stays: variances of predictions come from its members.
    chosen = weights_by_task(held, values, weights, task, kept=[0])
    if all(one.kind == "regression" for one in layout.tasks):
        return chosen
    variances = np.ones(values.shape)
    starts = np.cumsum([0, *layout.widths])
    for number, predicted in enumerate(layout.to_quantities(mixed(held, chosen[:, task]))):
        if layout.tasks[number].kind == "classification":
            variances[:, starts[number] : starts[number + 1]] = np.maximum(predicted, _LEAST_VARIANCE)
    return weights_by_task(held, values, np.divide(weights, variances, out=variances), task, kept=[0])


def mixed(held: Sequence[np.ndarray], counts: np.ndarray) -> np.ndarray:
    """Return the weighted sum of the parts' columns; ``counts`` are the weights, (n_parts, n_columns)."""
    total = np.zeros(held[0].shape)
    for one, own in zip(held, counts, strict=True):
        if own.any():
            total += own * one
    return total
