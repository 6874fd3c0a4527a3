"""Helpers of the methods that compute weights from losses."""

import tensorflow as tf

from ._signal import BalancingSignal

# Smaller losses count as this (1 is the loss of a constant prediction). With weights of 1/loss, a task that is
# fitted almost exactly, or has a constant target, would otherwise dominate the update.
LOSS_FLOOR = 1e-3


def floored(losses: tf.Tensor) -> tf.Tensor:
    """Return the losses, raised to the floor."""
    return tf.maximum(losses, LOSS_FLOOR)


def share(raw: tf.Tensor, signal: BalancingSignal) -> tf.Tensor:
    """Return weights proportional to ``raw * loss_weights`` that sum to the loss weights of the present tasks."""
    product = tf.where(signal.present, raw * signal.loss_weights, 0.0)
    total = tf.reduce_sum(product, -1, keepdims=True)
    budget = tf.reduce_sum(signal.loss_weights, -1, keepdims=True)
    return product * budget / tf.where(tf.equal(total, 0.0), 1.0, total)


def softmax_over(logits: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Softmax over the present tasks, zero for the others; finite even if a member has no present task."""
    return tf.where(present, tf.nn.softmax(tf.where(present, logits, -1e30), axis=-1), 0.0)
