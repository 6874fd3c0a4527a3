"""Pairwise gradient surgery on coefficients, for PCGrad and GradVac.

Task i's gradient is corrected against the original gradients of the other tasks, one after the other in random
order. It stays a combination of the original gradients, so its coefficients and their product with the Gram matrix
are sufficient.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ._gram import UnitGram


class PairStep(NamedTuple):
    """Step in which every task i is paired with one other task j(i); all fields have shape (M, K)."""

    product: tf.Tensor  # inner product of i's corrected gradient with j's unit gradient
    norm: tf.Tensor  # norm of i's corrected gradient
    allowed: tf.Tensor  # bool: i and j are different active tasks


# Called with a step, the one-hot of j (M, K, K) and the memory; returns the multiple of j's unit gradient to add
# and the new memory.
Correction = Callable[[PairStep, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def correct_pairwise(
    unit: UnitGram, noise: tf.Tensor, memory: tf.Tensor, correction: Correction
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the weights of the sum of the corrected gradients, each times its loss weight, and the new memory.

    Parameters
    ----------
    unit : UnitGram
        Cosines and norms.
    noise : tf.Tensor of shape (M, K, K)
        Task i is paired with the others in the order of ``noise[:, i]``.
    memory : tf.Tensor of shape (M, K, K), float64
        The method's state, passed from step to step.
    correction : callable
        The method's correction.

    Returns
    -------
    weights : tf.Tensor of shape (M, K), float64
    memory : tf.Tensor of shape (M, K, K), float64
    """
    n = noise.shape[-1]
    order = tf.argsort(noise, axis=-1)
    own = tf.eye(n, dtype=tf.bool)
    pairs = unit.active[:, :, None] & unit.active[:, None, :] & ~own

    def step(
        index: tf.Tensor, coefficients: tf.Tensor, products: tf.Tensor, memory: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        partner = tf.gather(order, index, axis=2)
        other = tf.one_hot(partner, n, dtype=tf.float64)
        pair = PairStep(
            product=tf.reduce_sum(products * other, -1),
            norm=tf.sqrt(tf.maximum(tf.reduce_sum(products * coefficients, -1), 0.0)),
            allowed=tf.reduce_any(pairs & (other > 0.0), -1),
        )
        added, memory = correction(pair, other, memory)
        added = tf.where(pair.allowed, added, 0.0)[:, :, None]
        cosines = tf.gather(unit.cosines, partner, axis=1, batch_dims=1)
        return index + 1, coefficients + added * other, products + added * cosines, memory

    start = tf.eye(n, batch_shape=[tf.shape(noise)[0]], dtype=tf.float64)
    _, coefficients, _, memory = tf.while_loop(
        lambda index, *_: index < n, step, (tf.constant(0), start, unit.cosines, memory)
    )
    # Row i is in unit gradients: convert it to the scale of task i's gradient, then of each gradient in the sum.
    weights = tf.linalg.matvec(coefficients, unit.norms * unit.loss_weights, transpose_a=True)
    return weights / unit.norms, memory
