"""Smooth Tchebycheff scalarisation."""

from numbers import Real
from typing import Any, ClassVar

import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._losses import share, softmax_over
from ._signal import BalancingSignal


class STCH(Balancing):
    """Smooth Tchebycheff scalarisation: a smooth maximum of the losses, so that the worst tasks weigh most.

    Parameters
    ----------
    mu : float, default=1.0
        Smoothing: towards 0 only the task with the largest loss is trained, large values make the weights
        equal.

    Notes
    -----
    [1]_ minimises ``mu log sum_k exp(lambda_k (f_k - z_k) / mu)``, whose gradient weights are ``lambda_k
    softmax_k(lambda_k (f_k - z_k) / mu)``. The preferences ``lambda`` are the loss weights, ``f_k`` the
    normalised losses, and the ideal point z is 0. The authors' multi-task code puts logarithms of the losses,
    relative to their mean after a few warm-up epochs, in place of ``f_k``; that makes different losses
    comparable, which they are here already (and with mu = 1 that form is a static weighting). We rescale
    the weights to the sum of the loss weights.

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
