"""Base of methods that read the tasks' gradients, over the parameters or at the representation."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Balancing, BalancingSignal
from ._gradient import BalancedGradient, Losses
from ._tensors import Numbers

# A gradient with a smaller squared norm is zero and has no direction.
_ZERO = 1e-30


class Run(NamedTuple):
    """Consecutive parameters that are all shared, or all belong to single tasks."""

    start: int
    stop: int
    shared: bool


class GradientReader(BalancedGradient):
    """Base of methods that read the tasks' gradients, also used to record their cosines."""

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses, method)
        self.runs = tuple(_runs(losses))
        self.task_of_column = np.repeat(np.arange(self.n_tasks), _units(losses))

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Return a record of no steps: sums of weights and cosines, and counts of steps that had them."""
        zeros = tf.zeros((self.members, self.n_tasks, self.n_tasks), tf.float32)
        return {**super().empty_record(), "cosines": zeros, "conflicts": zeros, "pairs": zeros}

    def record(self, weights: tf.Tensor, signal: BalancingSignal) -> dict[str, tf.Tensor]:
        """Return what the step adds to the record."""
        return {**super().record(weights, signal), **_cosines(signal)}

    def pieces(self, flat: tf.Tensor) -> list[tf.Tensor]:
        """Split the flat parameters into runs."""
        return [flat[:, run.start : run.stop] for run in self.runs]

    def weights_of_own(self, weights: tf.Tensor, numbers: Numbers) -> tf.Tensor:
        """Return the weights (members, tasks) of gradients of the tasks' own parameters."""
        return weights if self.method.weighs_heads else tf.broadcast_to(numbers.task_weights, weights.shape)

    def on_columns(self, weights: tf.Tensor) -> tf.Tensor:
        """Repeat the tasks' weights (members, tasks) for each column of the raw outputs, (members, 1, units)."""
        return tf.gather(weights, self.task_of_column, axis=1)[:, None, :]


def gram_of(rows: tf.Tensor) -> tf.Tensor:
    """Return the inner products (members, tasks, tasks) of the tasks' gradients (members, tasks, size)."""
    return tf.cast(tf.matmul(rows, rows, transpose_b=True), tf.float32)


def _cosines(signal: BalancingSignal) -> dict[str, tf.Tensor]:
    """Return cosines of every two tasks with labels and gradients in the batch, and which of them are negative."""
    cosines, both = cosines_of(signal.gram, signal.present)
    return {
        "cosines": cosines,
        "conflicts": tf.cast(cosines < 0.0, tf.float32),
        "pairs": tf.cast(both, tf.float32),
    }


def cosines_of(gram: tf.Tensor, present: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return cosines (members, tasks, tasks), 0 if undefined, and a mask of the pairs with labels and gradients."""
    squares = tf.linalg.diag_part(gram)
    defined = present & (squares > _ZERO)
    both = defined[:, :, None] & defined[:, None, :]
    lengths = tf.sqrt(tf.where(defined, squares, 1.0))
    cosines = tf.where(both, gram / lengths[:, :, None] / lengths[:, None, :], 0.0)
    return tf.clip_by_value(cosines, -1.0, 1.0), both


def _runs(losses: Losses) -> Iterator[Run]:
    """Yield runs of consecutive parameters that are shared, or not shared."""
    pairs = zip(losses.network.parameters, losses.network.sharing(), strict=True)
    for shared, group in groupby(pairs, key=lambda pair: pair[1]):
        members = [parameter for parameter, _ in group]
        yield Run(members[0].start, members[-1].stop, shared)


def _units(losses: Losses) -> np.ndarray:
    """Return the number of raw output columns of each task."""
    units = np.zeros(losses.n_tasks, dtype=int)
    for group in losses.groups:
        units[list(group.tasks)] = group.units
    return units
