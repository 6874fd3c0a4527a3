"""Gradient vaccine."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._gram import finish, unit_gram
from ._signal import BalancingSignal
from ._surgery import Visit, operate

# The correction grows without bound as the aim approaches 1.
_LARGEST_AIM = 0.999
# A gradient that shrank to this fraction of its length has no direction left.
_VANISHED = 1e-6


class GradVac(Balancing):
    """Gradient vaccine (GradVac): surgery that aims at each pair's usual cosine, not merely at no conflict.

    Parameters
    ----------
    beta : float, default=0.5
        Weight of the newest cosine in the moving average of each pair's cosines.
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    As in PCGrad, every task's gradient h meets the others' g_j in random order. With ``rho = cos(h, g_j)``
    and the pair's moving average ``aim``, which starts at 0: where ``rho < aim``, h gains ``g_j |h| (aim
    sqrt(1 - rho^2) - rho sqrt(1 - aim^2)) / (|g_j| sqrt(1 - aim^2))``, after which their cosine is the aim;
    then the average moves towards rho ([1]_, algorithm 1). The default of beta is that of the published
    implementations we know.

    The granularity is the whole of the shared parameters. Two guards are ours: aims are limited to 0.999,
    where the formula's division would blow up, and a gradient that surgery reduced to (almost) nothing is
    left alone. Scale, loss weights and heads as in `PCGrad`.

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

        def vaccinate(met: Visit, other: tf.Tensor, aims: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            alive = met.allowed & (met.norm > _VANISHED)
            rho = tf.clip_by_value(met.product / tf.where(alive, met.norm, 1.0), -1.0, 1.0)
            remembered = tf.reduce_sum(aims * other, -1)
            aim = tf.minimum(remembered, _LARGEST_AIM)
            missing = aim * tf.sqrt(1.0 - rho**2) / tf.sqrt(1.0 - aim**2) - rho
            change = tf.where(alive, beta * (rho - remembered), 0.0)
            return tf.where(alive & (rho < aim), met.norm * missing, 0.0), aims + change[:, :, None] * other

        weights, aims = operate(unit, signal.noise, tf.cast(state["aim"], tf.float64), vaccinate)
        return finish(weights, unit, signal), {"aim": tf.cast(aims, tf.float32)}
