"""Multi-task learning as a bargaining game."""

import tensorflow as tf

from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import finish, scale_to_budget, unit_gram
from ._signal import BalancingSignal

_RIDGE = 1e-4
_STEPS = 40
_TOLERANCE = 1e-9
# Largest fraction of the distance to the boundary that one step may take.
_DAMPING = 0.95


class Nash(GradientBalancing):
    """Nash-MTL: the Nash bargaining solution between the tasks.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    The weights solve ``G a = 1 / a`` with ``a > 0`` ([1]_), which maximises the product of the tasks' gains.
    Multiplying a task's loss by a constant only changes the length of the update. [1]_ solve a sequence of convex
    programs. The equation is also the optimality condition of ``min a'Ga / 2 - sum_k log a_k``. Here this problem
    is solved by a primal-dual interior-point method, to a residual of 1e-9, on the matrix of cosines so that the
    scale of the gradients does not matter.

    The cosines get a ridge of 1e-4, because linearly dependent gradients (more tasks than free parameters, opposite
    gradients) would have no solution. The solution's length is ``sqrt(K)`` throughout training, which the paper
    clips to ``max_norm``. Here the weights are scaled to sum to the loss weights instead, so the update shrinks with
    the gradients. Loss weights act as bargaining powers: ``G a = loss_weights / a``. Tasks with a zero gradient are
    left out. The tasks' own parameters get their unchanged gradients.

    References
    ----------
    .. [1] A. Navon, A. Shamsian, I. Achituve, H. Maron, K. Kawaguchi, G. Chechik, E. Fetaya, "Multi-Task
       Learning as a Bargaining Game", ICML 2022.

    Examples
    --------
    >>> from skmtl.balancing import Nash
    >>> Nash().requires
    'gram'
    """

    requires = "gram"
    weighs_heads = False

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)
        powers = tf.where(unit.active, unit.loss_weights, 1.0)
        solution = _bargain(unit.ridged(_RIDGE), powers)
        return finish(scale_to_budget(solution / unit.norms, unit), unit, signal), state


def _bargain(matrix: tf.Tensor, powers: tf.Tensor) -> tf.Tensor:
    """Solve ``x * (A x) = powers``: Newton's method on ``A x = s`` and ``x * s = powers``, both positive."""

    def unfinished(index: tf.Tensor, x: tf.Tensor, s: tf.Tensor, done: tf.Tensor) -> tf.Tensor:
        del x, s
        return (index < _STEPS) & ~tf.reduce_all(done)

    def step(index: tf.Tensor, x: tf.Tensor, s: tf.Tensor, done: tf.Tensor) -> tuple[tf.Tensor, ...]:
        gap = s - tf.linalg.matvec(matrix, x)
        target = gap + powers / x - s
        dx = tf.linalg.solve(matrix + tf.linalg.diag(s / x), target[:, :, None])[:, :, 0]
        ds = tf.linalg.matvec(matrix, dx) - gap
        length = tf.minimum(_DAMPING * tf.minimum(_longest_step(x, dx), _longest_step(s, ds)), 1.0)
        length = tf.where(~done, length, 0.0)[:, None]
        x, s = x + length * dx, s + length * ds
        residual = tf.reduce_max(tf.abs(x * tf.linalg.matvec(matrix, x) / powers - 1.0), -1)
        return index + 1, x, s, done | (residual < _TOLERANCE)

    x = tf.sqrt(powers)
    return tf.while_loop(unfinished, step, (tf.constant(0), x, x, tf.zeros_like(powers[:, 0], tf.bool)))[1]


def _longest_step(value: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """Longest step along ``change`` that keeps all values positive."""
    shrinks = change < 0.0
    return tf.reduce_min(tf.where(shrinks, -value / tf.where(shrinks, change, -1.0), 1e300), -1)
