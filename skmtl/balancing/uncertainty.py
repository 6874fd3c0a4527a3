"""Weighting by homoscedastic uncertainty."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._adam import adam_slots, adam_step
from ._base import Balancing, Constants, State
from ._losses import floored, share
from ._signal import BalancingSignal


class Uncertainty(Balancing):
    """Weighting by homoscedastic uncertainty (UW): weights proportional to ``exp(-s_k)``, with learned ``s_k``.

    Parameters
    ----------
    learning_rate : float, default=0.01
        Adam's step size for the log-variances ``s_k``.

    Notes
    -----
    [1]_ minimise ``sum_k exp(-s_k) L_k / 2 + s_k / 2`` jointly over the network and the log-variances ``s_k = log
    sigma_k^2`` (for every kind of loss, as is usual). The optimum over ``s_k`` is ``s_k = log L_k``.

    This implementation differs in three ways. The log-variances start at 0 and are trained by a separate Adam
    with the analytic gradient ``(1 - exp(-s_k) L_k) / 2``, because the network's learning rate and weight decay do
    not suit them. The weights are rescaled to sum to the loss weights, so that the factor 1/2 and a common drift of
    the variances do not change the learning rate. Losses below 1e-3 times the loss of a constant prediction count
    as 1e-3. Loss weights multiply the weights.

    References
    ----------
    .. [1] A. Kendall, Y. Gal, R. Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
       Geometry and Semantics", CVPR 2018.

    Examples
    --------
    >>> from skmtl.balancing import Uncertainty
    >>> Uncertainty().constants()
    {'learning_rate': 0.01}
    """

    requires = "losses"
    weighs_heads = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, learning_rate: float = 0.01) -> None:
        self.learning_rate = learning_rate

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """See `Balancing.initial_state`."""
        return {"log_variance": np.zeros(n_tasks, np.float32), **adam_slots(n_tasks)}

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        precision = tf.exp(-state["log_variance"])
        gradient = 0.5 * (1.0 - precision * floored(signal.losses))
        state = adam_step("log_variance", gradient, signal.present, constants["learning_rate"], state)
        return share(precision, signal), state
