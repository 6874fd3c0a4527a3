"""What the methods that read losses share."""

import tensorflow as tf

from ._signal import BalancingSignal

# Losses under this count as this (1 is a constant prediction's loss). Where a weight is 1/loss, a task that
# is fitted almost exactly, or whose target is constant, would otherwise take the whole update.
LOSS_FLOOR = 1e-3


def floored(losses: tf.Tensor) -> tf.Tensor:
    """Losses from the floor upwards."""
    return tf.maximum(losses, LOSS_FLOOR)


def share(raw: tf.Tensor, signal: BalancingSignal) -> tf.Tensor:
    """Weights proportional to ``raw * loss_weights``, summing to the loss weights of the present tasks."""
    product = tf.where(signal.present, raw * signal.loss_weights, 0.0)
    total = tf.reduce_sum(product, -1, keepdims=True)
    budget = tf.reduce_sum(signal.loss_weights, -1, keepdims=True)
    return product * budget / tf.where(tf.equal(total, 0.0), 1.0, total)


def softmax_over(logits: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Softmax over the present tasks, zero for the others; finite for a member without present tasks, too."""
    return tf.where(present, tf.nn.softmax(tf.where(present, logits, -1e30), axis=-1), 0.0)
