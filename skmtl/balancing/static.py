"""Fixed weights."""

import tensorflow as tf

from ._base import Balancing, Constants, State
from ._signal import BalancingSignal


class Static(Balancing):
    """Fixed weights: minimises ``sum_k loss_weights_k L_k`` with the ``loss_weights`` that you pass.

    Notes
    -----
    Also called linear or unitary scalarisation. In the studies of [1]_ and [2]_, tuned fixed weights reach the
    same trade-off curves as adaptive methods. The weights are normalised once, over all tasks, and not over the
    tasks present in each batch, so the objective does not depend on the pattern of missing labels.

    References
    ----------
    .. [1] D. Xin, B. Ghorbani, J. Gilmer, A. Garg, O. Firat, "Do Current Multi-Task Optimization Methods in
       Deep Learning Even Help?", NeurIPS 2022.
    .. [2] A. Royer, T. Blankevoort, B. Ehteshami Bejnordi, "Scalarization for Multi-Task and Multi-Domain
       Learning at Scale", NeurIPS 2023.

    Examples
    --------
    >>> from skmtl.balancing import Static
    >>> Static().constants()
    {}
    """

    requires = "losses"
    weighs_heads = True
    needs_loss_weights = True

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        return signal.loss_weights, state
