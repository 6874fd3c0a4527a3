"""Scale-invariant loss."""

import tensorflow as tf

from ._base import Balancing, Constants, State
from ._losses import floored, share
from ._signal import BalancingSignal


class Log(Balancing):
    """Scale-invariant loss ``sum_k log L_k``: weights proportional to ``1 / L_k``.

    Notes
    -----
    The update has the direction ``sum_k g_k / L_k``. This is also the direction for the geometric mean of the losses
    (GLS [1]_), and for uncertainty weighting with optimal variances. Multiplying a task's loss by a constant has no
    effect while the losses stay above a floor: losses below 1e-3 times the loss of a constant prediction count as
    1e-3, because a task that is fitted exactly would otherwise dominate the update.

    The weights are rescaled to sum to the loss weights; without rescaling, steps would grow longer as the losses
    fall. The loss weights enter as ``sum_k loss_weights_k log L_k``.

    References
    ----------
    .. [1] S. Chennupati, G. Sistu, S. Yogamani, S. A. Rawashdeh, "MultiNet++: Multi-Stream Feature
       Aggregation and Geometric Loss Strategy for Multi-Task Learning", CVPR Workshops 2019.

    Examples
    --------
    >>> from skmtl.balancing import Log
    >>> Log().weighs_heads
    True
    """

    requires = "losses"
    weighs_heads = True

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        return share(1.0 / floored(signal.losses), signal), state
