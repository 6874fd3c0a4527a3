"""Eigendecomposition of small symmetric matrices to full precision, with or without XLA."""

import numpy as np
import tensorflow as tf

# Off-diagonal sum of squares, relative to that of the matrix, at which eigenvectors count as exact.
_TOLERANCE = 1e-26
_SWEEPS = 6


def eigenpairs(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return eigenvalues, in no particular order, and eigenvectors in columns.

    Parameters
    ----------
    matrix : tf.Tensor of shape (M, K, K), float64
        Symmetric and finite.

    Returns
    -------
    values : tf.Tensor of shape (M, K), float64
    vectors : tf.Tensor of shape (M, K, K), float64

    Notes
    -----
    XLA's decomposition stops at a relative error of about 1e-6, too large for eigenvalues of that relative size.
    Jacobi sweeps refine it, with the disjoint rotations of a round applied together (Brent and Luk, 1985). Outside
    XLA the decomposition is already exact, and the loop ends before its first round.
    """
    _, vectors = tf.linalg.eigh(matrix)
    rotated = tf.linalg.matmul(vectors, matrix @ vectors, transpose_a=True)
    size = tf.maximum(tf.reduce_sum(matrix**2, [1, 2]), 1e-300)
    rounds = tf.constant(_round_robin(matrix.shape[-1]), tf.int32)
    n_rounds = rounds.shape[0]

    def unfinished(rotated: tf.Tensor) -> tf.Tensor:
        off = tf.linalg.set_diag(rotated, tf.zeros_like(rotated[:, 0]))
        return tf.reduce_sum(off**2, [1, 2]) > _TOLERANCE * size

    def sweep_round(index: tf.Tensor, rotated: tf.Tensor, vectors: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        partner = tf.gather(rounds, index % n_rounds)
        cos, sin = _rotations(rotated, partner)
        rotates = unfinished(rotated)[:, None]
        cos, sin = tf.where(rotates, cos, 1.0), tf.where(rotates, sin, 0.0)
        rotated = cos[:, :, None] * rotated - sin[:, :, None] * tf.gather(rotated, partner, axis=1)
        rotated = cos[:, None, :] * rotated - sin[:, None, :] * tf.gather(rotated, partner, axis=2)
        vectors = cos[:, None, :] * vectors - sin[:, None, :] * tf.gather(vectors, partner, axis=2)
        return index + 1, rotated, vectors

    _, rotated, vectors = tf.while_loop(
        lambda index, rotated, _: (index < _SWEEPS * n_rounds) & tf.reduce_any(unfinished(rotated)),
        sweep_round,
        (tf.constant(0), rotated, vectors),
    )
    return tf.linalg.diag_part(rotated), vectors


def _rotations(matrix: tf.Tensor, partner: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Cosine and sine of the rotation of each index with its partner that zeroes their common element."""
    here = tf.range(partner.shape[0])
    diagonal = tf.linalg.diag_part(matrix)
    common = tf.reduce_sum(matrix * tf.one_hot(partner, partner.shape[0], dtype=matrix.dtype), -1)
    common = tf.where(partner != here, common, 0.0)
    rotates = tf.abs(common) > 0.0
    tau = (tf.gather(diagonal, partner, axis=1) - diagonal) / tf.where(rotates, 2.0 * common, 1.0)
    # Partners must get opposite signs, also in a tie.
    sign = tf.where(tau != 0.0, tf.sign(tau), tf.cast(tf.sign(partner - here), tau.dtype))
    tangent = tf.where(rotates, sign / (tf.abs(tau) + tf.sqrt(1.0 + tau**2)), 0.0)
    cos = 1.0 / tf.sqrt(1.0 + tangent**2)
    return cos, tangent * cos


def _round_robin(n: int) -> np.ndarray:
    """Partner of each index (or itself) in each round, such that every pair of n indices is matched once."""
    size = n + n % 2
    seats = list(range(size))
    rounds = []
    for _ in range(max(size - 1, 1)):
        partner = np.arange(size)
        for left, right in zip(seats[: size // 2], reversed(seats[size // 2 :]), strict=True):
            partner[left], partner[right] = right, left
        # With n odd, the index matched with the empty seat sits the round out.
        rounds.append(np.where(partner[:n] < n, partner[:n], np.arange(n)))
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return np.stack(rounds)
