"""The tasks' gradients over the shared parameters, one backward pass for each, and the update made of them."""

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

# Up to so many tasks, each has its own operations in the program, which is quicker; more would be long to compile.
_MOST_UNROLLED = 16


class _Pass(NamedTuple):
    """A forward pass under a tape, cut where the tasks' slopes go in."""

    tape: tf.GradientTape
    pieces: list[tf.Tensor]  # flat parameters, one a run
    where: tf.Tensor  # what the tasks' slopes are passed back from: raw outputs, or what the heads see
    raw: tf.Tensor
    slopes: tf.Tensor  # of the sum of the tasks' losses at the raw outputs: each column sees its own task
    kernel: tf.Tensor | None  # of the heads, where ``where`` is what they see


class CombinedGradient(GradientReader):
    """Gradients over the shared parameters themselves, which is what methods on gradients are defined on.

    One forward pass. The losses are differentiated once for all tasks, since a column of the raw outputs concerns
    one task alone, and so are the tasks' own parameters. Over the shared parameters there is a backward pass for
    each task; the update is the weighted sum of these gradients.
    """

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses, method)
        self.trunk = Trunk.of(losses.network)

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Gradient at ``flat``."""
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
        """The tasks' losses (members, tasks), and each one's gradient over the shared parameters alone."""
        done, losses, *_ = self._differentiate(flat, frozen, batch, numbers)
        return losses, self._rows(done)

    def in_place(self, rows: tf.Tensor) -> tf.Tensor:
        """Gradients over the shared parameters (..., shared) with zeros for all others: (..., n_parameters)."""
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
        """Forward pass, losses, new frozen values, and the penalties per member and altogether."""
        pieces = self.pieces(flat)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pieces)
            where, raw, after, penalty, kernel = self._forward(tf.concat(pieces, axis=1), frozen, batch)
            losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
            total, penalties = tf.reduce_sum(losses), tf.reduce_sum(penalty)
        done = _Pass(tape, pieces, where, raw, tape.gradient(total, raw), kernel)
        return done, losses, after, penalty, penalties

    def _forward(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch) -> tuple[Any, ...]:
        if self.trunk is None:
            raw, after, penalty = self.network.forward(flat, frozen, batch.inputs, training=True)
            return raw, raw, after, penalty, None
        hidden, raw, after = self.trunk.forward(flat, frozen, batch.inputs)
        return hidden, raw, after, tf.zeros((self.members,), flat.dtype), self.trunk.heads_kernel(flat)

    def _rows(self, done: _Pass) -> tf.Tensor:
        """Each task's gradient over the shared parameters, (members, tasks, shared parameters)."""
        shared = [piece for piece, run in zip(done.pieces, self.runs, strict=True) if run.shared]
        if not shared:
            return tf.zeros((self.members, self.n_tasks, 0), done.slopes.dtype)

        def row(slope: tf.Tensor) -> tf.Tensor:
            parts = done.tape.gradient(
                done.where, shared, output_gradients=slope, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return tf.concat(parts, axis=1)

        if self.n_tasks <= _MOST_UNROLLED:
            return tf.stack([row(self._slope_of_columns(done, task)) for task in range(self.n_tasks)], axis=1)
        return self._rows_in_a_loop(done, row, sum(piece.shape[1] for piece in shared))

    def _slope_of_columns(self, done: _Pass, task: int) -> tf.Tensor:
        """Slope of one task's loss."""
        columns = np.flatnonzero(self.task_of_column == task)
        if done.kernel is None:
            return done.slopes * _mask(self.task_of_column == task, done.slopes)
        return _through(done.slopes[..., columns[0] : columns[-1] + 1], done.kernel[..., columns[0] : columns[-1] + 1])

    def _rows_in_a_loop(self, done: _Pass, row: Callable[[tf.Tensor], tf.Tensor], size: int) -> tf.Tensor:
        """Rows of many tasks: the operations of one, as often as there are tasks."""
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
        """The update's gradient, one piece a run of parameters."""
        own = self._own(done, self.weights_of_own(weights, numbers))
        together = tf.squeeze(tf.matmul(weights[:, None, :], rows), axis=1)
        sizes = [run.stop - run.start for run in self.runs if run.shared]
        # Independent networks share nothing: a split into no pieces is refused.
        shared = iter(tf.split(together, sizes, axis=1) if sizes else [])
        return [next(shared) if run.shared else next(own) for run in self.runs]

    def _own(self, done: _Pass, weights: tf.Tensor) -> Iterator[tf.Tensor]:
        """Gradients of the tasks' own parameters: one backward pass, since each sees its own task's loss alone."""
        own = [piece for piece, run in zip(done.pieces, self.runs, strict=True) if not run.shared]
        slopes, zero = done.slopes * self.on_columns(weights), tf.UnconnectedGradients.ZERO
        return iter(done.tape.gradient(done.raw, own, output_gradients=slopes, unconnected_gradients=zero))


def _through(slopes: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Slopes at some columns of the outputs, as slopes at what the heads see."""
    if slopes.shape[-1] == 1:
        # A product that the compiler can merge with what follows.
        return slopes * tf.linalg.matrix_transpose(kernel)
    return tf.matmul(slopes, kernel, transpose_b=True)


def _mask(chosen: np.ndarray, like: tf.Tensor) -> tf.Tensor:
    return tf.constant(chosen.astype(like.dtype.as_numpy_dtype))
