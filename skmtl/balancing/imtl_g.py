"""Impartial multi-task learning, the gradient part."""

import tensorflow as tf

from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import finish, scale_to_budget, unit_gram
from ._signal import BalancingSignal


class IMTLG(GradientBalancing):
    """Impartial multi-task learning (IMTL-G): an update with equal projections on all gradients' directions.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    ``d = sum_k a_k g_k`` with ``d . g_k / |g_k|`` the same for all tasks ([1]_). We solve ``C b = 1`` on the
    matrix of cosines and set ``a_k = b_k / |g_k|``, which is the paper's solution where the gradients are
    independent; multiplying a task's loss by a constant changes the update's length alone.

    The cosines get a ridge of 1e-5, without which dependent gradients (more tasks than free parameters, say)
    have no solution. The paper scales a to the sum 1. That sum can be zero or negative, for weights may be
    negative, and the update would then point uphill. We scale the sum of absolute values to the loss weights
    of the tasks: the same up to that factor where all weights are positive, and a direction of descent for
    every task whenever one with equal projections exists. Loss weights set the ratio of the projections. A
    task whose gradient is zero takes no part. The tasks' own parameters get their plain gradients (the loss
    part, IMTL-L, is `Uncertainty` at another parameter).

    References
    ----------
    .. [1] L. Liu, Y. Li, Z. Kuang, J.-H. Xue, Y. Chen, W. Yang, Q. Liao, W. Zhang, "Towards Impartial
       Multi-task Learning", ICLR 2021.

    Examples
    --------
    >>> from skmtl.balancing import IMTLG
    >>> IMTLG().requires
    'gram'
    """

    requires = "gram"
    weighs_heads = False

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)
        solution = tf.linalg.solve(unit.ridged(), unit.loss_weights[:, :, None])[:, :, 0]
        return finish(scale_to_budget(solution / unit.norms, unit), unit, signal), state
