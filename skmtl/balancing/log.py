"""Scale-invariant weighting."""

import tensorflow as tf

from ._base import Balancing, Constants, State
from ._losses import floored, share
from ._signal import BalancingSignal


class Log(Balancing):
    """Scale-invariant loss ``sum_k log L_k``: weights proportional to ``1 / L_k``.

    Notes
    -----
    The update has the direction ``sum_k g_k / L_k``, that of the geometric mean of the losses too (GLS [1]_),
    and of uncertainty weighting with its variances at their optimum. Multiplying a task's loss by a constant
    changes nothing, as long as the losses are above the floor: losses below 1e-3 of a constant prediction's
    count as 1e-3, because a task that is fitted exactly would otherwise take the whole update.

    We rescale the weights to the sum of the loss weights (the logarithm's own scale would lengthen the steps
    as the losses fall); the loss weights are the exponents in ``sum_k loss_weights_k log L_k``.

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
