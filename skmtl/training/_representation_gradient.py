"""The tasks' gradients at their shared representation, and one backward pass through the layers below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ..balancing import Balancing
from ..networks._representation import Representation
from ._gradient import Batch, Losses, Step
from ._gradient_reader import GradientReader, gram_of
from ._tensors import Carry, Numbers


class _AtRepresentation(NamedTuple):
    """The tasks' gradients at the representation: their inner products, and their sum for weights (members, tasks)."""

    gram: tf.Tensor
    weighted_sum: Callable[[tf.Tensor], tf.Tensor]


class RepresentationGradient(GradientReader):
    """Gradients at the representation z that all heads see (MGDA-UB; Sener and Koltun, 2018, section 3.3).

    A task's gradient is that of its loss at z, one number for each row of the batch and unit of z. A method computes
    weights from the Gram matrix of these gradients, and the weights are applied there too. The shared layers are then
    differentiated once, with the weighted sum as the gradient at z; the result is the weighted sum of the tasks'
    gradients over the shared parameters. So only the weights differ from those of `CombinedGradient`, and the shared
    layers take no longer than with equal weights. The tasks' own parameters are treated as in `CombinedGradient`.
    """

    def __init__(self, losses: Losses, method: Balancing) -> None:
        super().__init__(losses, method)
        try:
            self.representation = Representation(losses.network)
        except ValueError as reason:
            raise ValueError(_refusal(losses, method, str(reason))) from None

    def step(self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], batch: Batch, numbers: Numbers, carry: Carry) -> Step:
        """Compute the gradient at ``flat``."""
        pieces = self.pieces(flat)
        shared = [piece for piece, run in zip(pieces, self.runs, strict=True) if run.shared]
        own = [piece for piece, run in zip(pieces, self.runs, strict=True) if not run.shared]
        # A tape for each part: differentiation above the representation must not continue below it.
        with tf.GradientTape() as below:
            below.watch(shared)
            z, frozen = self.representation.below(tf.concat(pieces, axis=1), frozen, batch.inputs)
        copies = self._for_heads(z)
        with tf.GradientTape(persistent=True) as above:
            above.watch([copies, *own])
            raw, frozen = self.representation.above(tf.concat(pieces, axis=1), frozen, copies)
        with tf.GradientTape() as last:
            last.watch(raw)
            losses = self.losses.of(batch.labels, batch.weights, raw, numbers)
            total = tf.reduce_sum(losses)
        slopes = last.gradient(total, raw)
        if self.representation.linear_heads:
            gradients = self._through_kernel(slopes, self.representation.kernel(flat))
        else:
            gradients = self._through_tasks_layers(above.gradient(raw, copies, output_gradients=slopes))
        signal, carry = self.signal(losses, batch, numbers, carry)
        signal = signal._replace(gram=gradients.gram)
        weights, carry = self.decide(signal, numbers, carry)
        scaled = self.scaled(weights, losses)
        zero = tf.UnconnectedGradients.ZERO
        of_shared = iter(
            below.gradient(z, shared, output_gradients=gradients.weighted_sum(scaled), unconnected_gradients=zero)
        )
        own_slopes = slopes * self.on_columns(self.weights_of_own(scaled, numbers))
        of_own = iter(above.gradient(raw, own, output_gradients=own_slopes, unconnected_gradients=zero))
        gradient = tf.concat([next(of_shared) if run.shared else next(of_own) for run in self.runs], axis=1)
        penalty = tf.zeros((self.members,), flat.dtype)
        return Step(gradient, losses, frozen, penalty, carry, self.record(weights, signal), signal)

    def _for_heads(self, z: tf.Tensor) -> tf.Tensor:
        """Return the representation, or a copy for each task, so that each copy has the gradient of one task."""
        return z if self.representation.linear_heads else tf.repeat(z, self.n_tasks, axis=1)

    def _through_kernel(self, slopes: tf.Tensor, kernel: tf.Tensor) -> _AtRepresentation:
        """Compute the inner products below linear heads without the gradients themselves.

        Column c's slopes s_c (batch) reach z through the kernel's column w_c (width) as ``s_c w_c'``, and ``<s_c
        w_c', s_d w_d'> = (s_c . s_d) (w_c . w_d)``; a task's gradient is the sum over its columns.
        """
        products = tf.matmul(slopes, slopes, transpose_a=True) * tf.matmul(kernel, kernel, transpose_a=True)
        if len(self.task_of_column) > self.n_tasks:
            columns = (self.task_of_column == np.arange(self.n_tasks)[:, None]).astype(slopes.dtype.as_numpy_dtype)
            products = tf.matmul(tf.matmul(columns[None], products), columns.T[None])
        return _AtRepresentation(
            tf.cast(products, tf.float32),
            lambda weights: tf.matmul(slopes * self.on_columns(weights), kernel, transpose_b=True),
        )

    def _through_tasks_layers(self, slopes: tf.Tensor) -> _AtRepresentation:
        """Compute the inner products from the tasks' slopes at their copies of z, (members, tasks, batch, width)."""
        rows = tf.reshape(slopes, (self.members, self.n_tasks, -1))
        return _AtRepresentation(
            gram_of(rows), lambda weights: tf.reduce_sum(slopes * weights[:, :, None, None], axis=1, keepdims=True)
        )


def _refusal(losses: Losses, method: Balancing, reason: str) -> str:
    spec = getattr(losses.network, "spec", None)
    where = "the network of model=" if spec is None else f"architecture={spec.architecture!r}"
    return (
        f"{type(method).__name__} with gradients_of='representation' needs a representation that all tasks share, with "
        f"all shared layers below it and all of the tasks' own layers above. There is none in {where}: {reason}. Set "
        "gradients_of='parameters' (balancing__gradients_of), which works for every network, or use one that has it: "
        "'shared_bottom' with hidden layers, or 'omoe'."
    )
