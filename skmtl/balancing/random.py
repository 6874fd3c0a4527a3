"""Random loss weighting."""

import tensorflow as tf

from ._base import Balancing, Constants, State
from ._losses import share, softmax_over
from ._signal import BalancingSignal


class Random(Balancing):
    """Random loss weighting (RLW): the softmax of standard normal numbers, redrawn at every step.

    Notes
    -----
    [1]_ propose it as a litmus test: a balancing method should beat random weights. The paper's weights sum to 1.
    Here the loss weights multiply them and they sum to the sum of the loss weights, so steps are as long as with
    equal weights.

    References
    ----------
    .. [1] B. Lin, F. Ye, Y. Zhang, I. W. Tsang, "Reasonable Effectiveness of Random Weighting: A Litmus Test
       for Multi-Task Learning", TMLR 2022.

    Examples
    --------
    >>> from skmtl.balancing import Random
    >>> Random().noise_shape(n_tasks=3)
    (3,)
    """

    requires = "losses"
    weighs_heads = True

    def noise_shape(self, n_tasks: int) -> tuple[int, ...]:
        """See `Balancing.noise_shape`."""
        return (n_tasks,)

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        return share(softmax_over(signal.noise, signal.present), signal), state
