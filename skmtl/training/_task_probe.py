"""Effects of a step for one task on the others during training: gradient cosines and lookahead."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Equal
from ._epoch_state import EpochState
from ._gradient import Batch
from ._gradient_reader import cosines_of, gram_of
from ._program import Program, to_device
from ._task_gradients import CombinedGradient
from ._tensors import Data, Numbers, State

# Gradients of a small batch are mostly noise; more rows measure more precisely at hardly any cost.
_FEWEST_ROWS = 128


class Probed(NamedTuple):
    """Measurements (batches, members, tasks, tasks) float64; NaN if one of the two tasks has no label or gradient.

    ``lookahead[..., i, j]`` is the relative decrease of task j's loss after a step of the shared parameters along task
    i's gradient.
    """

    cosines: np.ndarray
    lookahead: np.ndarray | None


class TaskProbe:
    """Compiled measurements for one program; like the program, they have no state."""

    def __init__(self, program: Program, lookahead: bool) -> None:
        self.program = program
        self.lookahead = lookahead
        self.gradient = CombinedGradient(program.losses, Equal())
        if not any(run.shared for run in self.gradient.runs):
            raise ValueError("The tasks share no parameter of this network, so none can help or hurt another.")
        self._shared = np.concatenate([np.full((1, run.stop - run.start), run.shared) for run in self.gradient.runs], 1)
        self._lock = threading.Lock()
        self._function = tf.function(self._measure, autograph=False, reduce_retracing=True)

    def __call__(self, epoch_state: EpochState, n_batches: int) -> Probed:
        """Measure on random batches of each member's rows, which are the same in every run."""
        index = to_device(_batches(epoch_state, n_batches), np.int32)
        with self._lock:  # groups of members train on separate threads, and only one may trace
            cosines, lookahead = self._function(epoch_state.state, epoch_state.data, epoch_state.numbers, index)
        cosines = _numpy(cosines)
        # The last digit of float32 products depends on their order.
        cosines = (cosines + cosines.swapaxes(-1, -2)) / 2
        return Probed(cosines, _numpy(lookahead) if self.lookahead else None)

    def _measure(self, state: State, data: Data, numbers: Numbers, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.map_fn(
            lambda rows: self._on_batch(state, data, numbers, rows),
            index,
            fn_output_signature=(tf.float32, tf.float32),
            parallel_iterations=1,
        )

    def _on_batch(self, state: State, data: Data, numbers: Numbers, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        size = tf.shape(rows)[1]
        left = tf.fill((self.program.network.members,), size)
        batch = self.program._batch(data, numbers, rows, left, tf.cast(left, self.program.dtype))
        losses, gradients = self.gradient.of_tasks(state.flat, state.frozen, batch, numbers)
        present = tf.reduce_sum(batch.weights, axis=1) > 0
        cosines, both = cosines_of(gram_of(gradients), present)
        nan = tf.constant(np.nan, tf.float32)
        cosines = tf.where(both, cosines, nan)
        if not self.lookahead:
            return cosines, tf.zeros_like(cosines)
        decrease = self._decrease(state, batch, numbers, gradients) / tf.where(losses > 0, losses, 1.0)[:, None, :]
        defined = both & (losses > 0)[:, None, :]
        return cosines, tf.where(defined, tf.cast(decrease, tf.float32), nan)

    def _decrease(self, state: State, batch: Batch, numbers: Numbers, gradients: tf.Tensor) -> tf.Tensor:
        """Return the decrease of all losses after a step of shared parameters for each task, (members, tasks, tasks).

        It is relative to a step with a zero gradient, to leave out the effect of momentum, which is the same for all
        tasks.
        """
        network, update = self.program.network, self.program.update
        shared, no_decay = tf.constant(self._shared), tf.zeros_like(numbers.decay)

        def after_step_along(gradient: tf.Tensor) -> tf.Tensor:
            stepped, _ = update.apply(state.flat, gradient, state.optimizer, numbers.rate, no_decay)
            moved = tf.where(shared, stepped, state.flat)
            raw, _, _ = network.forward(moved, state.frozen, batch.inputs, training=True)
            return self.program.losses.of(batch.labels, batch.weights, raw, numbers)

        steps = tf.concat([gradients, tf.zeros_like(gradients[:, :1])], axis=1)
        per_task = tf.transpose(self.gradient.in_place(steps), [1, 0, 2])
        spec = tf.TensorSpec((network.members, self.program.n_tasks), per_task.dtype)
        after = tf.map_fn(after_step_along, per_task, fn_output_signature=spec, parallel_iterations=1)
        return tf.transpose(after[-1] - after[:-1], [1, 0, 2])


def probe_of(program: Program, lookahead: bool) -> TaskProbe:
    """Return the compiled measurements for a program, which are cached with it and used by many fits."""
    return program.probes.get(lookahead, lambda: TaskProbe(program, lookahead))


def _batches(epoch_state: EpochState, number: int) -> np.ndarray:
    """Draw the rows of ``number`` full batches, (batches, members, size), of the same size for all members."""
    size = min(max(epoch_state.batch_size, _FEWEST_ROWS), *(len(rows) for rows in epoch_state.train))
    members = []
    for member, rows in enumerate(epoch_state.train):
        rng = np.random.default_rng([epoch_state.seed, epoch_state.first + member, epoch_state.epoch])
        members.append([rng.choice(rows, size, replace=False) for _ in range(number)])
    return np.array(members, dtype=np.int32).transpose(1, 0, 2)


def _numpy(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)
