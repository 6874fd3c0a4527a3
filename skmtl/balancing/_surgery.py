"""Pairwise gradient surgery on coefficients: what PCGrad and GradVac share.

Task i's gradient is changed against the others' original gradients, one after the other in random order. It
stays a combination of the original gradients, so its coefficients and their product with the Gram matrix are
all that is needed.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from ._gram import UnitGram


class Visit(NamedTuple):
    """Every task i meets one other task j(i): what the methods decide on, each of shape (M, K)."""

    product: tf.Tensor  # inner product of i's changed gradient with j's unit gradient
    norm: tf.Tensor  # norm of i's changed gradient
    allowed: tf.Tensor  # bool: i and j are different active tasks


# From a visit, the one-hot of j (M, K, K) and the memory, the multiple of j's unit gradient to add, and the
# new memory.
Amend = Callable[[Visit, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def operate(unit: UnitGram, noise: tf.Tensor, memory: tf.Tensor, amend: Amend) -> tuple[tf.Tensor, tf.Tensor]:
    """Weights of ``sum_i`` of the changed gradients, each task times its loss weight, and the new memory.

    Parameters
    ----------
    unit : UnitGram
        Cosines and norms.
    noise : tf.Tensor of shape (M, K, K)
        Task i visits the others in the order of ``noise[:, i]``.
    memory : tf.Tensor of shape (M, K, K), float64
        What the method carries from visit to visit.
    amend : callable
        The method's rule.

    Returns
    -------
    weights : tf.Tensor of shape (M, K), float64
    memory : tf.Tensor of shape (M, K, K), float64
    """
    n = noise.shape[-1]
    order = tf.argsort(noise, axis=-1)
    own = tf.eye(n, dtype=tf.bool)
    pairs = unit.active[:, :, None] & unit.active[:, None, :] & ~own

    def visit(
        index: tf.Tensor, coefficients: tf.Tensor, products: tf.Tensor, memory: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        whom = tf.gather(order, index, axis=2)
        other = tf.one_hot(whom, n, dtype=tf.float64)
        met = Visit(
            product=tf.reduce_sum(products * other, -1),
            norm=tf.sqrt(tf.maximum(tf.reduce_sum(products * coefficients, -1), 0.0)),
            allowed=tf.reduce_any(pairs & (other > 0.0), -1),
        )
        added, memory = amend(met, other, memory)
        added = tf.where(met.allowed, added, 0.0)[:, :, None]
        theirs = tf.gather(unit.cosines, whom, axis=1, batch_dims=1)
        return index + 1, coefficients + added * other, products + added * theirs, memory

    start = tf.eye(n, batch_shape=[tf.shape(noise)[0]], dtype=tf.float64)
    _, coefficients, _, memory = tf.while_loop(
        lambda index, *_: index < n, visit, (tf.constant(0), start, unit.cosines, memory)
    )
    # Row i is in unit gradients: back to the scale of task i's own, then of each gradient it is made of.
    weights = tf.linalg.matvec(coefficients, unit.norms * unit.loss_weights, transpose_a=True)
    return weights / unit.norms, memory
