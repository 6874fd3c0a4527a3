"""Gradient normalisation."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._adam import adam_slots, adam_step
from ._base import Balancing, Constants, State
from ._losses import floored, share, softmax_over
from ._signal import BalancingSignal


class GradNorm(Balancing):
    """GradNorm: learns weights that equalise the tasks' gradient norms, with larger norms for slow tasks.

    Parameters
    ----------
    alpha : float, default=1.5
        How strongly slowly training tasks are favoured; 0 aims at equal gradient norms.
    learning_rate : float, default=0.025
        Adam's step size for the logarithms of the weights.
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    [1]_ minimise ``sum_k |w_k n_k - mean(w n) r_k^alpha|`` over the weights (equation 2), with the target
    treated as constant. Here ``n_k`` is the norm of task k's gradient and ``r_k = (L_k / L_k(0)) / mean_j(L_j
    / L_j(0))`` its relative inverse training rate. The weights are then renormalised to a sum of K.

    This implementation differs as follows. The norm is taken over all shared parameters, not just those of the last
    shared layer, because networks for tables are small and not every sharing scheme has such a layer. With
    ``gradients_of="representation"`` it is the norm of the gradient at this layer's output. ``L_k(0)`` is the loss
    of a constant prediction, which is 1 after normalisation (the paper recommends a theoretical value of this kind
    if the first loss depends on the initial weights). The logarithms of the weights are trained, so no weight
    becomes negative. The weights sum to the sum of the loss weights, which multiply them after balancing; applied
    before, they would be balanced away.

    References
    ----------
    .. [1] Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich, "GradNorm: Gradient Normalization for
       Adaptive Loss Balancing in Deep Multitask Networks", ICML 2018.

    Examples
    --------
    >>> from skmtl.balancing import GradNorm
    >>> GradNorm(alpha=0.5).constants()
    {'alpha': 0.5, 'learning_rate': 0.025}
    """

    requires = "norms"
    weighs_heads = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, alpha: float = 1.5, learning_rate: float = 0.025, gradients_of: str = "parameters") -> None:
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.gradients_of = gradients_of

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """See `Balancing.initial_state`."""
        return {"log_weight": np.zeros(n_tasks, np.float32), **adam_slots(n_tasks)}

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        weights = softmax_over(state["log_weight"], signal.present)
        count = tf.maximum(tf.reduce_sum(tf.cast(signal.present, tf.float32), -1, keepdims=True), 1.0)

        def mean(values: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(tf.where(signal.present, values, 0.0), -1, keepdims=True) / count

        losses = floored(signal.losses)
        scaled = weights * signal.norms
        target = mean(scaled) * (losses / tf.maximum(mean(losses), 1e-30)) ** constants["alpha"]
        # Relative to the mean norm, so that the scale is large compared to Adam's epsilon.
        gradient = tf.sign(scaled - target) * scaled / tf.maximum(mean(scaled), 1e-30)
        state = adam_step("log_weight", gradient, signal.present, constants["learning_rate"], state)
        return share(weights, signal), state
