"""Impartial multi-task learning, gradient part."""

import tensorflow as tf

from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import finish, scale_to_budget, unit_gram
from ._signal import BalancingSignal


class IMTLG(GradientBalancing):
    """Impartial multi-task learning (IMTL-G): an update with equal projections onto all tasks' gradients.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    The update is ``d = sum_k a_k g_k`` with the same ``d . g_k / |g_k|`` for all tasks ([1]_). The weights are
    ``a_k = b_k / |g_k|``, where b solves ``C b = 1`` with the matrix of cosines C. For independent gradients, this
    is the paper's solution. Multiplying a task's loss by a constant only changes the length of the update.

    The cosines get a ridge of 1e-5, because linearly dependent gradients (for example, more tasks than free
    parameters) would have no solution. The paper scales the weights a to sum to 1. But weights may be negative, so
    the sum can be zero or negative, and the update would then point uphill. Here the absolute values sum to the
    loss weights instead. This is the same up to a factor if all weights are positive, and a descent direction for
    every task whenever one with equal projections exists. Loss weights set the ratio of the projections. Tasks with
    a zero gradient are left out. The tasks' own parameters get their unchanged gradients (the loss part, IMTL-L, is
    `Uncertainty` in a different parametrisation).

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
