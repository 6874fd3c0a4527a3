"""Active-set solver for the quadratic problems of MGDA, UPGrad and CAGrad.

Lawson and Hanson's method (Solving Least Squares Problems, 1974, chapter 23) on a tableau that principal pivots keep
up to date. A step then costs one rank-one update and no factorisation: a few elementwise operations, which run in a
graph, under XLA and on a GPU, and never raise. The problems of a batch are independent.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

# Relative violation below which a condition counts as met.
_TOLERANCE = 1e-10

Face = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class _Progress(NamedTuple):
    """State of the solver: tableau, free variables, feasible point, finished problems."""

    tableau: tf.Tensor  # (B, K, K + R)
    free: tf.Tensor  # (B, K) bool
    point: tf.Tensor  # (B, K)
    done: tf.Tensor  # (B,) bool


def minimise_on_cone(matrix: tf.Tensor, linear: tf.Tensor, floor: float) -> tf.Tensor:
    """Minimise ``x' A x / 2 - b' x`` over ``x >= 0``.

    Parameters
    ----------
    matrix : tf.Tensor of shape (B, K, K), float64
        Symmetric positive definite, of unit scale.
    linear : tf.Tensor of shape (B, K), float64
        The vector b, of unit scale.
    floor : float
        Smallest pivot; rounding can make a matrix indefinite, and smaller pivots are then skipped.

    Returns
    -------
    tf.Tensor of shape (B, K), float64
    """

    def face(columns: tf.Tensor, free: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        del free
        return columns[:, :, 0], columns[:, :, 0]

    start = tf.zeros_like(linear)
    return solve_faces(matrix, -linear[:, :, None], face, start, floor)


def solve_faces(matrix: tf.Tensor, columns: tf.Tensor, face: Face, start: tf.Tensor, floor: float) -> tf.Tensor:
    """Minimise a convex function over the nonnegative orthant, moving from face to face.

    Parameters
    ----------
    matrix : tf.Tensor of shape (B, K, K), float64
        Symmetric positive definite matrix A.
    columns : tf.Tensor of shape (B, K, R), float64
        Vectors c_r that the tableau carries along.
    face : callable
        Called with the tableau's columns and the mask of free variables F. On F the columns hold ``-inv(A_FF)
        c_r``, elsewhere ``c_r - A_.F inv(A_FF) c_r``. Returns the minimiser over the face (used on F), and
        the derivative along the other variables (used off F).
    start : tf.Tensor of shape (B, K), float64
        Feasible point with at most one nonzero element.
    floor : float
        Smallest pivot.

    Returns
    -------
    tf.Tensor of shape (B, K), float64
        The minimiser, or, if the step limit is reached, a feasible point no worse than the start.
    """
    n = matrix.shape[-1]
    scale = tf.reduce_max(tf.abs(columns), [1, 2])[:, None]
    limit = 4 * n + 4

    def step(index: tf.Tensor, progress: _Progress) -> tuple[tf.Tensor, _Progress]:
        tableau, free, point, done = progress
        target, slope = face(tableau[:, :, n:], free)
        target = tf.where(free, target, 0.0)
        blocked = free & (target < 0.0)
        ratio = tf.where(blocked, point / tf.where(blocked, point - target, 1.0), 2.0)
        length = tf.minimum(tf.reduce_min(ratio, -1, keepdims=True), 1.0)
        inside = length[:, 0] >= 1.0
        moved = tf.where(inside[:, None], target, tf.maximum(point + length * (target - point), 0.0))
        # A variable with a pivot below the floor depends on the free ones: freeing it would divide by rounding
        # errors.
        gain = tf.where(~free & (tf.linalg.diag_part(tableau) >= floor), slope, 0.0)
        arrived = inside & (tf.reduce_min(gain, -1) >= -_TOLERANCE * scale[:, 0])
        entering, leaving = tf.argmin(gain, -1), tf.argmin(ratio, -1)
        chosen = tf.one_hot(tf.where(inside, entering, leaving), n, on_value=True, off_value=False, dtype=tf.bool)
        chosen = chosen & ~(done | arrived)[:, None]
        # Set a leaving variable to exactly zero.
        moved = tf.where(~chosen, moved, 0.0)
        return index + 1, _Progress(
            _pivot(tableau, chosen),
            free ^ chosen,
            tf.where(done[:, None], point, moved),
            done | arrived,
        )

    first = start > 0.0
    begin = _Progress(
        _pivot(tf.concat([matrix, columns], -1), first),
        first,
        start,
        tf.zeros_like(first[:, 0]),
    )
    _, end = tf.while_loop(
        lambda index, progress: (index < limit) & ~tf.reduce_all(progress.done), step, (tf.constant(0), begin)
    )
    return end.point


def _pivot(tableau: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Exchange the chosen variable (or none) with its derivative.

    With pivot d, row r and column c of the tableau T, and e the chosen unit vector, the principal pivot is
    the rank-one update T - (c + e)(r - e)'/d.
    """
    n = chosen.shape[-1]
    unit = tf.cast(chosen, tableau.dtype)
    column = tf.linalg.matvec(tableau[:, :, :n], unit)
    row = tf.linalg.matvec(tableau, unit, transpose_a=True)
    value = tf.reduce_sum(column * unit, -1, keepdims=True)
    left = (column + unit) / tf.where(value != 0.0, value, 1.0)
    right = row - tf.pad(unit, [[0, 0], [0, tableau.shape[-1] - n]])
    return tableau - left[:, :, None] * right[:, None, :]
