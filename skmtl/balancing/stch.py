"""Smooth Tchebycheff scalarisation."""

from numbers import Real
from typing import Any, ClassVar

import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._losses import share, softmax_over
from ._signal import BalancingSignal


class STCH(Balancing):
    """Smooth Tchebycheff scalarisation (STCH): a smooth maximum of the losses, with most weight on the worst task.

    Parameters
    ----------
    mu : float, default=1.0
        Smoothing. Near 0, only the task with the largest loss is trained; large values make the weights equal.

    Notes
    -----
    [1]_ minimise ``mu log sum_k exp(lambda_k (f_k - z_k) / mu)``, whose gradient has the weights ``lambda_k
    softmax_k(lambda_k (f_k - z_k) / mu)``. Here the preferences ``lambda`` are the loss weights, ``f_k`` the
    normalised losses, and the ideal point z is 0. In the authors' multi-task code, ``f_k`` is the logarithm of the
    loss relative to its mean after a few warm-up epochs. That makes different losses comparable, which they already
    are here (and with mu = 1 it is a static weighting). The weights are rescaled to sum to the loss weights.

    References
    ----------
    .. [1] X. Lin, X. Zhang, Z. Yang, F. Liu, Z. Wang, Q. Zhang, "Smooth Tchebycheff Scalarization for
       Multi-Objective Optimization", ICML 2024.

    Examples
    --------
    >>> from skmtl.balancing import STCH
    >>> STCH(mu=0.1).constants()
    {'mu': 0.1}
    """

    requires = "losses"
    weighs_heads = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"mu": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, *, mu: float = 1.0) -> None:
        self.mu = mu

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        logits = signal.loss_weights * signal.losses / constants["mu"]
        return share(softmax_over(logits, signal.present), signal), state
