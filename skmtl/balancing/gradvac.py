"""Gradient vaccine."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._gram import finish, unit_gram
from ._signal import BalancingSignal
from ._surgery import PairStep, correct_pairwise

# The correction grows without bound as the target cosine approaches 1.
_LARGEST_AIM = 0.999
# The direction of a gradient that shrank to this fraction of its length is rounding error.
_VANISHED = 1e-6


class GradVac(Balancing):
    """Gradient vaccine (GradVac): raises each pair's cosine to its moving average instead of just to zero.

    Parameters
    ----------
    beta : float, default=0.5
        Weight of the newest cosine in the moving average of each pair's cosines.
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    As in PCGrad, every task's gradient h visits the other tasks' g_j in random order. Let ``rho = cos(h, g_j)``
    and let ``aim`` be the pair's moving average, which starts at 0. If ``rho < aim``, ``g_j |h| (aim
    sqrt(1 - rho^2) - rho sqrt(1 - aim^2)) / (|g_j| sqrt(1 - aim^2))`` is added to h, which makes their cosine equal
    to the aim. Then the average moves towards rho ([1]_, algorithm 1). The default of beta is that of the published
    implementations known to us.

    In the paper's terms, the granularity is all shared parameters at once. Two safeguards are added: aims are limited
    to 0.999, because the formula divides by zero at 1, and a gradient that corrections reduced to almost nothing is
    left alone. Scale, loss weights and heads are as in `PCGrad`.

    References
    ----------
    .. [1] Z. Wang, Y. Tsvetkov, O. Firat, Y. Cao, "Gradient Vaccine: Investigating and Improving Multi-task
       Optimization in Massively Multilingual Models", ICLR 2021.

    Examples
    --------
    >>> from skmtl.balancing import GradVac
    >>> GradVac().initial_state(n_tasks=2)["aim"].shape
    (2, 2)
    """

    requires = "gram"
    weighs_heads = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"beta": [Interval(Real, 0, 1, closed="both")]}

    def __init__(self, *, beta: float = 0.5, gradients_of: str = "parameters") -> None:
        self.beta = beta
        self.gradients_of = gradients_of

    def noise_shape(self, n_tasks: int) -> tuple[int, ...]:
        """See `Balancing.noise_shape`."""
        return (n_tasks, n_tasks)

    def initial_state(self, n_tasks: int) -> dict[str, np.ndarray]:
        """See `Balancing.initial_state`."""
        return {"aim": np.zeros((n_tasks, n_tasks), np.float32)}

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        unit = unit_gram(signal)
        beta = tf.cast(constants["beta"], tf.float64)

        def vaccinate(pair: PairStep, other: tf.Tensor, aims: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            alive = pair.allowed & (pair.norm > _VANISHED)
            rho = tf.clip_by_value(pair.product / tf.where(alive, pair.norm, 1.0), -1.0, 1.0)
            average = tf.reduce_sum(aims * other, -1)
            aim = tf.minimum(average, _LARGEST_AIM)
            missing = aim * tf.sqrt(1.0 - rho**2) / tf.sqrt(1.0 - aim**2) - rho
            change = tf.where(alive, beta * (rho - average), 0.0)
            return tf.where(alive & (rho < aim), pair.norm * missing, 0.0), aims + change[:, :, None] * other

        weights, aims = correct_pairwise(unit, signal.noise, tf.cast(state["aim"], tf.float64), vaccinate)
        return finish(weights, unit, signal), {"aim": tf.cast(aims, tf.float32)}
