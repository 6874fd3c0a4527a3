"""Input of a balancing method at one training step."""

from typing import NamedTuple

import tensorflow as tf


class BalancingSignal(NamedTuple):
    """Losses, gradient statistics and weights at one training step, for ``M`` members and ``K`` tasks.

    Attributes
    ----------
    losses : tf.Tensor of shape (M, K), float32
        Unweighted mean loss of each task over its labelled rows in the batch, normalised so that 1 is the loss of
        the best constant prediction.
    present : tf.Tensor of shape (M, K), bool
        Whether the task has a label in the batch.
    loss_weights : tf.Tensor of shape (K,) or (M, K), float32
        The user's nonnegative weights, which sum to K over the tasks; ones by default. Tasks with weight zero are
        treated as absent.
    gram : tf.Tensor of shape (M, K, K), float32, optional
        Inner products of the tasks' unweighted gradients over the shared parameters; for methods with
        ``requires = "gram"``.
    norms : tf.Tensor of shape (M, K), float32, optional
        Euclidean norms of the same gradients; for methods with ``requires = "norms"``. Computed from the
        diagonal of ``gram`` if only that is given.
    noise : tf.Tensor of shape (M, ...), float32, optional
        Independent standard normal numbers, redrawn at every step, for methods whose ``noise_shape`` is not
        None, which gives the axes after the first.
    """

    losses: tf.Tensor
    present: tf.Tensor
    loss_weights: tf.Tensor
    gram: tf.Tensor | None = None
    norms: tf.Tensor | None = None
    noise: tf.Tensor | None = None


def clean(signal: BalancingSignal) -> BalancingSignal:
    """Replace the entries of absent tasks, so that they cannot affect present tasks."""
    loss_weights = tf.broadcast_to(signal.loss_weights, tf.shape(signal.losses))
    present = signal.present & (loss_weights > 0.0)
    gram, norms = signal.gram, signal.norms
    if gram is not None:
        gram = tf.where(present[:, :, None] & present[:, None, :], gram, 0.0)
    if norms is not None:
        norms = tf.where(present, norms, 0.0)
    elif gram is not None:
        norms = tf.sqrt(tf.maximum(tf.linalg.diag_part(gram), 0.0))
    return signal._replace(
        losses=tf.where(present, signal.losses, 1.0),
        present=present,
        loss_weights=tf.where(present, loss_weights, 0.0),
        gram=gram,
        norms=norms,
    )
