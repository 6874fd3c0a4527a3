"""Dynamic weight average."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._losses import floored, share, softmax_over
from ._signal import BalancingSignal


class DWA(Balancing):
    """Dynamic weight average (DWA): more weight for tasks whose loss fell least over the last two epochs.

    Parameters
    ----------
    temperature : float, default=2.0
        T: large values make the weights equal.

    Notes
    -----
    The weights are ``w_k = K softmax(r_k / T)`` with ``r_k = L_k(e-1) / L_k(e-2)``, the ratio of the mean losses of
    the last two epochs ([1]_, equation 7). In the first two epochs all weights are equal. The paper's weights sum to
    K. Here the loss weights multiply them, and they sum to the sum of the loss weights. A task without labels in an
    epoch keeps its last two known losses.

    References
    ----------
    .. [1] S. Liu, E. Johns, A. J. Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019.

    Examples
    --------
    >>> from skmtl.balancing import DWA
    >>> sorted(DWA().initial_state(n_tasks=2))
    ['before_last', 'epochs', 'last']
    """

    requires = "losses"
    weighs_heads = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "temperature": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, temperature: float = 2.0) -> None:
        self.temperature = temperature

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """See `Balancing.initial_state`."""
        return {
            "last": np.ones(n_tasks, np.float32),
            "before_last": np.ones(n_tasks, np.float32),
            "epochs": np.zeros(n_tasks, np.float32),
        }

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        ratio = tf.where(state["epochs"] >= 2.0, state["last"] / state["before_last"], 1.0)
        return share(softmax_over(ratio / constants["temperature"], signal.present), signal), state

    def update_after_epoch(
        self, epoch_losses: tf.Tensor, epoch_present: tf.Tensor, state: State, constants: Constants
    ) -> State:
        """See `Balancing.update_after_epoch`."""
        del constants
        new = {"last": floored(epoch_losses), "before_last": state["last"], "epochs": state["epochs"] + 1.0}
        return {name: tf.where(epoch_present, value, state[name]) for name, value in new.items()}
