"""The tasks' gradients over the shared parameters, with one backward pass each, and the update from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Balancing
from ..networks._trunk import Trunk
from ._gradient import Batch, Losses, Step
from ._gradient_reader import GradientReader, gram_of
from ._tensors import Carry, Numbers

# Up to this many tasks have their own operations in the program, which is quicker; more would take long to compile.
_MOST_UNROLLED = 16


class _Pass(NamedTuple):
    """A forward pass under a tape, split at the tensor that the tasks' slopes are passed back from."""

    tape: tf.GradientTape
    pieces: list[tf.Tensor]  # flat parameters, one piece per run
    source: tf.Tensor  # tensor that slopes are passed back from: raw outputs, or the input of the heads
    raw: tf.Tensor
    slopes: tf.Tensor  # gradient of the summed losses at the raw outputs; each column belongs to one task
    kernel: tf.Tensor | None  # kernel of the heads, if ``source`` is their input


class CombinedGradient(GradientReader):
    """Gradients over the shared parameters, as gradient-based methods define them.

    There is one forward pass. The losses and the tasks' own parameters are differentiated once for all tasks, since
    each column of the raw outputs belongs to one task. Over the shared parameters there is one backward pass per task;
    the update is the weighted sum of these gradients.
    """

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses, method)
        self.trunk = Trunk.of(losses.network)

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Compute the gradient at ``flat``."""
        done, losses, after, penalty, penalties = self._differentiate(flat, frozen, batch, numbers)
        rows = self._rows(done)
        signal, carry = self.signal(losses, batch, numbers, carry)
        signal = signal._replace(gram=gram_of(rows))
        weights, carry = self.decide(signal, numbers, carry)
        gradient = self._combine(done, rows, self.scaled(weights, losses), numbers)
        penalty_slopes = done.tape.gradient(penalties, done.pieces)
        gradient = [g if p is None else g + p for g, p in zip(gradient, penalty_slopes, strict=True)]
        record = self.record(weights, signal)
        return Step(tf.concat(gradient, axis=1), losses, after, penalty, carry, record, signal)

    def of_tasks(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the tasks' losses (members, tasks), and their gradients over the shared parameters only."""
        done, losses, *_ = self._differentiate(flat, frozen, batch, numbers)
        return losses, self._rows(done)

    def in_place(self, rows: tf.Tensor) -> tf.Tensor:
        """Extend gradients over the shared parameters (..., shared) by zeros to all parameters (..., n_parameters)."""
        sizes = [run.stop - run.start for run in self.runs]
        shared = iter(tf.split(rows, [size for size, run in zip(sizes, self.runs, strict=True) if run.shared], axis=-1))
        zeros = tf.zeros_like(rows[..., :1])
        return tf.concat(
            [
                next(shared) if run.shared else tf.repeat(zeros, size, axis=-1)
                for size, run in zip(sizes, self.runs, strict=True)
            ],
            axis=-1,
        )

    def _differentiate(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers
    ) -> tuple[_Pass, tf.Tensor, list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Return the forward pass, losses, new frozen values, and penalties per member and in total."""
        pieces = self.pieces(flat)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pieces)
            source, raw, after, penalty, kernel = self._forward(tf.concat(pieces, axis=1), frozen, batch)
            losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
            total, penalties = tf.reduce_sum(losses), tf.reduce_sum(penalty)
        done = _Pass(tape, pieces, source, raw, tape.gradient(total, raw), kernel)
        return done, losses, after, penalty, penalties

    def _forward(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch) -> tuple[Any, ...]:
        if self.trunk is None:
            raw, after, penalty = self.network.forward(flat, frozen, batch.inputs, training=True)
            return raw, raw, after, penalty, None
        hidden, raw, after = self.trunk.forward(flat, frozen, batch.inputs)
        return hidden, raw, after, tf.zeros((self.members,), flat.dtype), self.trunk.heads_kernel(flat)

    def _rows(self, done: _Pass) -> tf.Tensor:
        """Return each task's gradient over the shared parameters, (members, tasks, shared parameters)."""
        shared = [piece for piece, run in zip(done.pieces, self.runs, strict=True) if run.shared]
        if not shared:
            return tf.zeros((self.members, self.n_tasks, 0), done.slopes.dtype)

        def row(slope: tf.Tensor) -> tf.Tensor:
            parts = done.tape.gradient(
                done.source, shared, output_gradients=slope, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return tf.concat(parts, axis=1)

        if self.n_tasks <= _MOST_UNROLLED:
            return tf.stack([row(self._slope_of_columns(done, task)) for task in range(self.n_tasks)], axis=1)
        return self._rows_in_a_loop(done, row, sum(piece.shape[1] for piece in shared))

    def _slope_of_columns(self, done: _Pass, task: int) -> tf.Tensor:
        """Return the slope of one task's loss."""
        columns = np.flatnonzero(self.task_of_column == task)
        if done.kernel is None:
            return done.slopes * _mask(self.task_of_column == task, done.slopes)
        return _through(done.slopes[..., columns[0] : columns[-1] + 1], done.kernel[..., columns[0] : columns[-1] + 1])

    def _rows_in_a_loop(self, done: _Pass, row: Callable[[tf.Tensor], tf.Tensor], size: int) -> tf.Tensor:
        """Return the rows of many tasks with a loop over the operations of one."""
        masks = _mask(self.task_of_column == np.arange(self.n_tasks)[:, None], done.slopes)

        def slope(task: tf.Tensor) -> tf.Tensor:
            if done.kernel is None:
                return done.slopes * masks[task]
            if len(self.task_of_column) == self.n_tasks:
                return _through(done.slopes[..., task, None], done.kernel[..., task, None])
            return _through(done.slopes * masks[task], done.kernel)

        spec = tf.TensorSpec((self.members, size), done.slopes.dtype)
        tasks = tf.range(self.n_tasks)
        rows = tf.map_fn(lambda task: row(slope(task)), tasks, fn_output_signature=spec, parallel_iterations=1)
        return tf.transpose(rows, [1, 0, 2])

    def _combine(self, done: _Pass, rows: tf.Tensor, weights: tf.Tensor, numbers: Numbers) -> list[tf.Tensor]:
        """Return the gradient of the update, one piece per run of parameters."""
        own = self._own(done, self.weights_of_own(weights, numbers))
        combined = tf.squeeze(tf.matmul(weights[:, None, :], rows), axis=1)
        sizes = [run.stop - run.start for run in self.runs if run.shared]
        # Independent networks share nothing, and TensorFlow refuses to split into no pieces.
        shared = iter(tf.split(combined, sizes, axis=1) if sizes else [])
        return [next(shared) if run.shared else next(own) for run in self.runs]

    def _own(self, done: _Pass, weights: tf.Tensor) -> Iterator[tf.Tensor]:
        """Return gradients of the tasks' own parameters, by one backward pass since each affects only one loss."""
        own = [piece for piece, run in zip(done.pieces, self.runs, strict=True) if not run.shared]
        slopes, zero = done.slopes * self.on_columns(weights), tf.UnconnectedGradients.ZERO
        return iter(done.tape.gradient(done.raw, own, output_gradients=slopes, unconnected_gradients=zero))


def _through(slopes: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Pass slopes at some columns of the outputs back to the input of the heads."""
    if slopes.shape[-1] == 1:
        # An elementwise product, which the compiler can fuse with what follows.
        return slopes * tf.linalg.matrix_transpose(kernel)
    return tf.matmul(slopes, kernel, transpose_b=True)


def _mask(chosen: np.ndarray, like: tf.Tensor) -> tf.Tensor:
    return tf.constant(chosen.astype(like.dtype.as_numpy_dtype))
