"""Gram matrix on the scale of unit gradients, and task weights from a solver's result.

All gradient methods work on cosines in double precision. Problems then stay well scaled even if gradient norms
differ by eight orders of magnitude, and a ridge relative to the trace treats all tasks alike.
"""

from typing import NamedTuple

import tensorflow as tf

from ._signal import BalancingSignal

# Added to the unit diagonal if a method needs a positive definite matrix. It exceeds the rounding errors of a
# float32 Gram matrix (about 1e-6), but is too small to show in a comparison with the exact solution.
RIDGE = 1e-5
# Gradients with a smaller squared norm count as zero.
_ZERO = 1e-30


class UnitGram(NamedTuple):
    """Gram matrix of the gradients scaled to unit length, float64; inactive tasks are orthogonal to all others."""

    cosines: tf.Tensor  # (M, K, K), ones on the diagonal
    norms: tf.Tensor  # (M, K), one for inactive tasks
    active: tf.Tensor  # (M, K) bool: present, with a nonzero gradient
    loss_weights: tf.Tensor  # (M, K), zero for inactive tasks
    finite: tf.Tensor  # (M, 1) bool: the member's matrix has no NaN or infinity

    def ridged(self, ridge: float = RIDGE) -> tf.Tensor:
        """Cosines plus a ridge, relative to the mean diagonal element (which is 1): positive definite."""
        return self.cosines + ridge * tf.eye(self.cosines.shape[-1], dtype=tf.float64)


def unit_gram(signal: BalancingSignal) -> UnitGram:
    """Normalise the cleaned signal's Gram matrix; tasks with a zero gradient are treated as absent."""
    gram = tf.cast(signal.gram, tf.float64)
    finite = tf.reduce_all(tf.math.is_finite(gram), [1, 2])[:, None]
    # Solvers must not get NaN: some of TensorFlow's reject the entire batch because of one bad matrix.
    gram = tf.where(finite[:, :, None], gram, 0.0)
    squares = tf.linalg.diag_part(gram)
    active = signal.present & (squares > _ZERO)
    norms = tf.where(active, tf.sqrt(tf.maximum(squares, _ZERO)), 1.0)
    both = active[:, :, None] & active[:, None, :]
    cosines = tf.where(both, gram / (norms[:, :, None] * norms[:, None, :]), 0.0)
    cosines = tf.linalg.set_diag(cosines, tf.ones_like(norms))
    loss_weights = tf.where(active, tf.cast(signal.loss_weights, tf.float64), 0.0)
    return UnitGram(cosines, norms, active, loss_weights, finite)


def scale_to_budget(raw: tf.Tensor, unit: UnitGram) -> tf.Tensor:
    """Scale weights so that their absolute values sum to the loss weights of the active tasks."""
    raw = tf.where(unit.active, raw, 0.0)
    total = tf.reduce_sum(tf.abs(raw), -1, keepdims=True)
    budget = tf.reduce_sum(unit.loss_weights, -1, keepdims=True)
    return raw * budget / tf.where(total > 0.0, total, 1.0)


def finish(raw: tf.Tensor, unit: UnitGram, signal: BalancingSignal) -> tf.Tensor:
    """Return the weights that the engine applies, float32.

    Falls back to the user's loss weights (ones by default) for tasks with a zero gradient, for a single task, and
    for a member with non-finite weights from a finite Gram matrix. A non-finite Gram matrix gives NaN, so that the
    problem does not go unnoticed.
    """
    weights = tf.cast(raw, tf.float32)
    alone = tf.reduce_sum(tf.cast(unit.active, tf.int32), -1, keepdims=True) <= 1
    weights = tf.where(unit.active & ~alone, weights, signal.loss_weights)
    usable = tf.reduce_all(tf.math.is_finite(weights), -1, keepdims=True)
    weights = tf.where(usable, weights, signal.loss_weights)
    return tf.where(unit.finite, weights, float("nan"))
