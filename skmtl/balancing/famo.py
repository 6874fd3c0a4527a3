"""Fast adaptive multitask optimisation."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._adam import adam_slots, adam_step
from ._base import Balancing, Constants, State
from ._losses import floored, share, softmax_over
from ._signal import BalancingSignal


class FAMO(Balancing):
    """Fast adaptive multitask optimisation (FAMO): aims at the same relative decrease for all losses.

    Parameters
    ----------
    learning_rate : float, default=0.025
        Adam's step size for the logits of the weights.
    decay : float, default=0.001
        Weight decay of the logits, which pulls the weights towards equality (the paper's gamma).

    Notes
    -----
    With ``z = softmax(xi)``, [1]_ move the network along ``c sum_k z_k g_k / L_k``, where c makes the weights sum
    to 1. They evaluate the same batch again and move the logits xi along ``J' d + decay * xi``, where J is the
    softmax's Jacobian and ``d_k = log L_k(before) - log L_k(after)``. So a task's weight shrinks if its loss fell
    more than that of others (algorithm 1; defaults of the authors' code).

    Only the scale differs here. The weights sum to the loss weights of the present tasks, which multiply them, and
    losses below 1e-3 times the loss of a constant prediction count as 1e-3.

    References
    ----------
    .. [1] B. Liu, Y. Feng, P. Stone, Q. Liu, "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023.

    Examples
    --------
    >>> from skmtl.balancing import FAMO
    >>> FAMO().needs_losses_after_step
    True
    """

    requires = "losses"
    weighs_heads = True
    needs_losses_after_step = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "decay": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, learning_rate: float = 0.025, decay: float = 0.001) -> None:
        self.learning_rate = learning_rate
        self.decay = decay

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """See `Balancing.initial_state`."""
        return {"logit": np.zeros(n_tasks, np.float32), **adam_slots(n_tasks)}

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        return share(softmax_over(state["logit"], signal.present) / floored(signal.losses), signal), state

    def update_after_step(
        self, signal: BalancingSignal, losses_after: tf.Tensor, state: State, constants: Constants
    ) -> State:
        """See `Balancing.update_after_step`."""
        decrease = tf.math.log(floored(signal.losses)) - tf.math.log(floored(losses_after))
        z = softmax_over(state["logit"], signal.present)
        gradient = z * (decrease - tf.reduce_sum(z * decrease, -1, keepdims=True))
        gradient += constants["decay"] * state["logit"]
        return adam_step("logit", gradient, signal.present, constants["learning_rate"], state)
