"""Unconflicting projection of gradients."""

import tensorflow as tf

from ._active_set import minimise_on_cone
from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import RIDGE, finish, unit_gram
from ._signal import BalancingSignal


class UPGrad(GradientBalancing):
    """Unconflicting projection (UPGrad): projects each gradient to where no task's loss rises, and adds them.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    The update is ``sum_k`` of the projections of g_k on the dual cone ``{d : d . g_j >= 0 for all j}``
    ([1]_). In terms of weights the projection of g_k is ``min v'Gv`` over ``v >= e_k``, which we solve
    exactly, all K of them side by side. The update conflicts with no task, and keeps all of a gradient that
    conflicts with none.

    The matrix is ``G + 1e-5 diag(G)``: relative to every task's own gradient, not to the trace as in the
    authors' code, so that tasks of small gradient keep their say. The paper averages the projections, we add
    them: without conflicts this is the update of equal weights. Loss weights multiply the projections (the
    authors' preference vector). A task whose gradient is zero takes no part. The tasks' own parameters get
    their plain gradients.

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
        # With v = e_k + x, x >= 0: one problem for each task, whose linear term is minus row k of the matrix.
        problems = tf.reshape(tf.repeat(matrix, n, axis=0), [-1, n, n])
        extra = minimise_on_cone(problems, -tf.reshape(matrix, [-1, n]), RIDGE / 2)
        projections = tf.reshape(extra, [-1, n, n]) + tf.eye(n, dtype=tf.float64)
        weights = tf.linalg.matvec(projections, unit.norms * unit.loss_weights, transpose_a=True) / unit.norms
        return finish(weights, unit, signal), state
