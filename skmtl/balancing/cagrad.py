"""Conflict-averse gradient descent."""

from numbers import Real
from typing import Any, ClassVar

import tensorflow as tf
from sklearn.utils._param_validation import Interval, StrOptions

from ._active_set import solve_faces
from ._base import Balancing, Constants, State
from ._gram import RIDGE, UnitGram, finish, unit_gram
from ._signal import BalancingSignal


class CAGrad(Balancing):
    """Conflict-averse gradient descent (CAGrad): near the average gradient, the best update for the worst-off task.

    Parameters
    ----------
    c : float, default=0.5
        Radius of the search, relative to the norm of the average gradient. 0 gives the average itself. Below 1,
        training converges to a stationary point of the average loss. Large values approach `MGDA`.
    rescale : {"quadratic", "linear", "none"}, default="quadratic"
        Divide the update by ``1 + c^2``, by ``1 + c``, or not at all.
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    With the average gradient g0, the update d maximises ``min_k g_k . d`` over ``|d - g0| <= c |g0|``.
    [1]_ (algorithm 1) solve the dual: w minimises ``g_w . g0 + c |g0| |g_w|`` over the simplex, and
    ``d = g0 + c |g0| / |g_w| g_w``. Here it is solved exactly by an active-set method, on the scale of unit
    gradients.

    The matrix is ``G + 1e-5 diag(G)``, so duplicated and opposite gradients have a unique solution. Quadratic
    rescaling is the default of the authors' code. The update is theirs times the sum of the loss weights (K by
    default), so ``c = 0`` with ``rescale="none"`` is the update of equal weights. Loss weights also weight the
    average g0, and the worst-off task is the one with the smallest ``g_k . d / loss_weights_k``. Tasks with a zero
    gradient are left out, and a task on its own has its loss weight as its weight. The tasks' own parameters get
    their unchanged gradients.

    References
    ----------
    .. [1] B. Liu, X. Liu, X. Jin, P. Stone, Q. Liu, "Conflict-Averse Gradient Descent for Multi-task
       Learning", NeurIPS 2021.

    Examples
    --------
    >>> from skmtl.balancing import CAGrad
    >>> CAGrad(c=0.4).constants()
    {'c': 0.4}
    """

    requires = "gram"
    weighs_heads = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "c": [Interval(Real, 0, None, closed="left")],
        "rescale": [StrOptions({"quadratic", "linear", "none"})],
    }

    def __init__(self, *, c: float = 0.5, rescale: str = "quadratic", gradients_of: str = "parameters") -> None:
        self.c = c
        self.rescale = rescale
        self.gradients_of = gradients_of

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        unit = unit_gram(signal)
        c = tf.cast(constants["c"], tf.float64)
        budget = tf.maximum(tf.reduce_sum(unit.loss_weights, -1, keepdims=True), 1e-300)
        average = unit.loss_weights / budget * unit.norms
        added = _towards_worst_off(unit, average, c)
        divisor = {"quadratic": 1.0 + c**2, "linear": 1.0 + c, "none": tf.ones_like(c)}[self.rescale]
        weights = budget * (average + added) / unit.norms / divisor
        return finish(weights, unit, signal), state


def _towards_worst_off(unit: UnitGram, average: tf.Tensor, c: tf.Tensor) -> tf.Tensor:
    """Coefficients of ``c |g0| / |g_w| g_w`` in unit gradients, from those of g0."""
    matrix = unit.ridged()
    length = _norm(matrix, average)
    towards = tf.linalg.matvec(matrix, average) / tf.where(length > 0.0, length, 1.0)
    # On the scale of unit gradients, x_k = w_k |g_k| / loss_weight_k, the simplex is ``ratio . x = 1``.
    ratio = unit.loss_weights / unit.norms
    ratio /= tf.maximum(tf.reduce_max(ratio, -1, keepdims=True), 1e-300)
    safe = tf.where(unit.active, ratio, 1.0)
    # Start from the best single task; the diagonal of the matrix is the same for all.
    value = tf.where(unit.active, (towards + c * tf.sqrt(1.0 + tf.cast(RIDGE, tf.float64))) / safe, 1e300)
    first = tf.one_hot(tf.argmin(value, -1), ratio.shape[-1], dtype=tf.float64) * tf.cast(unit.active, tf.float64)

    def face(columns: tf.Tensor, free: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # On a face y = c x / |x| is ``inv(A)(t ratio - towards)``, where t is the larger root of |y|^2 = c^2.
        by_ratio, by_towards = columns[:, :, 0], columns[:, :, 1]

        def product(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
            return -tf.reduce_sum(tf.where(free, left * right, 0.0), -1, keepdims=True)

        p, q, r = product(ratio, by_ratio), product(towards, by_ratio), product(towards, by_towards)
        p = tf.where(p > 0.0, p, 1.0)
        # Without a root, the minimum lies at infinity: aim far out, and the solver stops at the face's boundary.
        root = tf.sqrt(tf.maximum(q**2 + p * (c**2 - r), 1e-16 * (q**2 + p)))
        y = by_towards - (q + root) / p * by_ratio
        return tf.where(free, y / root, 0.0), y

    columns = tf.stack([ratio, towards], -1)
    point = solve_faces(matrix, columns, face, first / safe, RIDGE / 2)
    reach = _norm(matrix, point)
    return length * c * point / tf.where(reach > 0.0, reach, 1.0)


def _norm(matrix: tf.Tensor, vector: tf.Tensor) -> tf.Tensor:
    square = tf.reduce_sum(vector * tf.linalg.matvec(matrix, vector), -1, keepdims=True)
    return tf.sqrt(tf.maximum(square, 0.0))
