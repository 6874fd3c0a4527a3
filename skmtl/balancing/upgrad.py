"""Projection of gradients onto the dual cone."""

import tensorflow as tf

from ._active_set import minimise_on_cone
from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import RIDGE, finish, unit_gram
from ._signal import BalancingSignal


class UPGrad(GradientBalancing):
    """Unconflicting projection (UPGrad): sums the gradients' projections onto directions that raise no loss.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    The update is the sum of the projections of all g_k onto the dual cone ``{d : d . g_j >= 0 for all j}``
    ([1]_). In terms of weights, the projection of g_k is ``min v'Gv`` over ``v >= e_k``. All K problems are solved
    exactly, in one batch. The update conflicts with no task, and leaves gradients without conflicts unchanged.

    The matrix is ``G + 1e-5 diag(G)``. The ridge is relative to each task's own gradient, not to the trace as in the
    authors' code, so tasks with small gradients keep their influence. The paper averages the projections; here they
    are summed, so that without conflicts the update is that of equal weights. Loss weights multiply the projections
    (the authors' preference vector). Tasks with a zero gradient are left out. The tasks' own parameters get their
    unchanged gradients.

    References
    ----------
    .. [1] P. Quinton, V. Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232, 2024.

    Examples
    --------
    >>> from skmtl.balancing import UPGrad
    >>> UPGrad().requires
    'gram'
    """

    requires = "gram"
    weighs_heads = False

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)
        matrix = unit.ridged()
        n = matrix.shape[-1]
        # Substitute v = e_k + x with x >= 0: one problem per task, with minus row k of the matrix as linear term.
        problems = tf.reshape(tf.repeat(matrix, n, axis=0), [-1, n, n])
        extra = minimise_on_cone(problems, -tf.reshape(matrix, [-1, n]), RIDGE / 2)
        projections = tf.reshape(extra, [-1, n, n]) + tf.eye(n, dtype=tf.float64)
        weights = tf.linalg.matvec(projections, unit.norms * unit.loss_weights, transpose_a=True) / unit.norms
        return finish(weights, unit, signal), state
