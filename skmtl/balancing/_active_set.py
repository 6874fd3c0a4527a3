"""Least norm over a cone or a simplex of gradients: one active-set solver for MGDA, UPGrad and CAGrad.

Lawson and Hanson's method (Solving Least Squares Problems, 1974, chapter 23) on a tableau that is kept up to
date by principal pivots, so that a step costs one rank-one update and no factorisation: a few elementwise
operations, equally at home in a graph, under XLA and on a GPU, and unable to raise. Problems of the batch are
independent.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

# Relative size under which a violated condition counts as met.
_TOLERANCE = 1e-10

Face = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class _Progress(NamedTuple):
    """Where the solver stands: tableau, free variables, feasible point, finished problems."""

    tableau: tf.Tensor  # (B, K, K + R)
    free: tf.Tensor  # (B, K) bool
    point: tf.Tensor  # (B, K)
    done: tf.Tensor  # (B,) bool


def minimise_on_cone(matrix: tf.Tensor, linear: tf.Tensor, floor: float) -> tf.Tensor:
    """Minimiser of ``x' A x / 2 - b' x`` over ``x >= 0``.

    Parameters
    ----------
    matrix : tf.Tensor of shape (B, K, K), float64
        Symmetric positive definite, of unit scale.
    linear : tf.Tensor of shape (B, K), float64
        The vector b, of unit scale.
    floor : float
        Least pivot; a matrix that rounding made indefinite has lower ones, which are left alone.

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
    """Walk from face to face of the orthant to the minimiser of a convex function.

    Parameters
    ----------
    matrix : tf.Tensor of shape (B, K, K), float64
        Symmetric positive definite matrix A.
    columns : tf.Tensor of shape (B, K, R), float64
        Vectors c_r carried along in the tableau.
    face : callable
        Called with the tableau's columns and the mask of free variables F. On F the columns hold ``-inv(A_FF)
        c_r``, elsewhere ``c_r - A_.F inv(A_FF) c_r``. Returns the minimiser over the face (read on F), and
        the derivative along the other variables (read off F).
    start : tf.Tensor of shape (B, K), float64
        Feasible point with at most one nonzero element.
    floor : float
        Least pivot.

    Returns
    -------
    tf.Tensor of shape (B, K), float64
        The minimiser; a feasible point no worse than the start where the step limit ends the walk.
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
        # A variable whose pivot is below the floor depends on the free ones: letting it in would divide by
        # rounding errors.
        gain = tf.where(~free & (tf.linalg.diag_part(tableau) >= floor), slope, 0.0)
        arrived = inside & (tf.reduce_min(gain, -1) >= -_TOLERANCE * scale[:, 0])
        entering, leaving = tf.argmin(gain, -1), tf.argmin(ratio, -1)
        chosen = tf.one_hot(tf.where(inside, entering, leaving), n, on_value=True, off_value=False, dtype=tf.bool)
        chosen = chosen & ~(done | arrived)[:, None]
        # A variable that leaves stands at zero exactly, whatever rounding left of it.
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
    """Exchange the chosen variable (none: leave all as it is) with its derivative.

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
