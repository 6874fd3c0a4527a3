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
    """GradNorm: learns weights under which all tasks' gradients are of like norm, those of slow tasks larger.

    Parameters
    ----------
    alpha : float, default=1.5
        Strength with which tasks that train slowly are favoured; 0 asks for equal gradient norms.
    learning_rate : float, default=0.025
        Adam's step size for the logarithms of the weights.
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    [1]_ minimises ``sum_k |w_k n_k - mean(w n) r_k^alpha|`` over the weights (equation 2), with the target
    taken as constant, where ``n_k`` is the norm of task k's gradient and ``r_k = (L_k / L_k(0)) / mean_j(L_j
    / L_j(0))`` its relative inverse training rate; then the weights are renormalised to a sum of K.

    We deviate as follows. The norm is taken over all shared parameters, not the last shared layer only,
    because a table's trunk is small and not every sharing scheme has such a layer; with
    ``gradients_of="representation"`` it is that of the gradient at this layer's output. ``L_k(0)`` is the loss of
    a constant prediction, which is 1 after normalisation (the paper recommends a theoretical value of this
    kind where the first loss depends on the initial weights). The logarithms of the weights are trained, so
    that no weight turns negative. The sum is that of the loss weights, which multiply the weights after the
    balancing: before it, they would be balanced away.

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
        # Relative to the mean norm: Adam ignores the scale, but its epsilon does not.
        gradient = tf.sign(scaled - target) * scaled / tf.maximum(mean(scaled), 1e-30)
        state = adam_step("log_weight", gradient, signal.present, constants["learning_rate"], state)
        return share(weights, signal), state
