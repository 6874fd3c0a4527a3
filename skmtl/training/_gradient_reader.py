"""What methods that read the tasks' gradients share, wherever the gradients are taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Balancing, BalancingSignal
from ._gradient import BalancedGradient, Losses
from ._tensors import Numbers

# A squared norm under this is a zero gradient, which has no direction.
_ZERO = 1e-30


class Run(NamedTuple):
    """Neighbouring parameters that are shared alike."""

    start: int
    stop: int
    shared: bool


class GradientReader(BalancedGradient):
    """For methods that read the tasks' gradients, or where their cosines are to be recorded."""

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses, method)
        self.runs = tuple(_runs(losses))
        self.task_of_column = np.repeat(np.arange(self.n_tasks), _units(losses))

    def empty_record(self) -> dict[str, tf.Tensor]:
        """Sums of weights and cosines, and of the steps that had them."""
        zeros = tf.zeros((self.members, self.n_tasks, self.n_tasks), tf.float32)
        return {**super().empty_record(), "cosines": zeros, "conflicts": zeros, "pairs": zeros}

    def record(self, weights: tf.Tensor, signal: BalancingSignal) -> dict[str, tf.Tensor]:
        """What the step adds to the record."""
        return {**super().record(weights, signal), **_cosines(signal)}

    def pieces(self, flat: tf.Tensor) -> list[tf.Tensor]:
        """The flat parameters, one piece a run."""
        return [flat[:, run.start : run.stop] for run in self.runs]

    def weights_of_own(self, weights: tf.Tensor, numbers: Numbers) -> tf.Tensor:
        """Weights (members, tasks) of the gradients of the tasks' own parameters."""
        return weights if self.method.weighs_heads else tf.broadcast_to(numbers.task_weights, weights.shape)

    def on_columns(self, weights: tf.Tensor) -> tf.Tensor:
        """The tasks' weights (members, tasks) for each column of the raw outputs, (members, 1, units)."""
        return tf.gather(weights, self.task_of_column, axis=1)[:, None, :]


def gram_of(rows: tf.Tensor) -> tf.Tensor:
    """Inner products (members, tasks, tasks) of the tasks' gradients (members, tasks, size)."""
    return tf.cast(tf.matmul(rows, rows, transpose_b=True), tf.float32)


def _cosines(signal: BalancingSignal) -> dict[str, tf.Tensor]:
    """Cosines of every two tasks that have labels and gradients in the batch, and which of them are negative."""
    cosines, both = cosines_of(signal.gram, signal.present)
    return {
        "cosines": cosines,
        "conflicts": tf.cast(cosines < 0.0, tf.float32),
        "pairs": tf.cast(both, tf.float32),
    }


def cosines_of(gram: tf.Tensor, present: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cosines (members, tasks, tasks), 0 where they are undefined, and where both tasks have labels and gradients."""
    squares = tf.linalg.diag_part(gram)
    there = present & (squares > _ZERO)
    both = there[:, :, None] & there[:, None, :]
    lengths = tf.sqrt(tf.where(there, squares, 1.0))
    cosines = tf.where(both, gram / lengths[:, :, None] / lengths[:, None, :], 0.0)
    return tf.clip_by_value(cosines, -1.0, 1.0), both


def _runs(losses: Losses) -> Iterator[Run]:
    """The parameters, neighbours that are shared alike taken together."""
    pairs = zip(losses.network.parameters, losses.network.sharing(), strict=True)
    for shared, group in groupby(pairs, key=lambda pair: pair[1]):
        members = [parameter for parameter, _ in group]
        yield Run(members[0].start, members[-1].stop, shared)


def _units(losses: Losses) -> np.ndarray:
    """Columns of the raw outputs that each task has."""
    units = np.zeros(losses.n_tasks, dtype=int)
    for group in losses.groups:
        units[list(group.tasks)] = group.units
    return units
