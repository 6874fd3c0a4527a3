"""Projecting conflicting gradients."""

import tensorflow as tf

from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import finish, unit_gram
from ._signal import BalancingSignal
from ._surgery import Visit, operate


class PCGrad(GradientBalancing):
    """Gradient surgery (PCGrad): each gradient loses its components against the gradients it conflicts with.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    For every task i, starting from ``h = g_i``, over the other tasks j in random order: where ``h . g_j <
    0``, h becomes ``h - (h . g_j) / |g_j|^2 g_j``; the update is the sum of all h (algorithm 1 of [1]_).
    Computed on coefficients from the Gram matrix, without the gradients themselves. The paper's scale is
    kept: without conflicts this is the update of equal weights. Loss weights multiply the losses, as they
    would in the paper's code: task i's changed gradient counts ``loss_weights_i`` times. A task whose
    gradient is zero takes no part. The tasks' own parameters get their plain gradients.

    References
    ----------
    .. [1] T. Yu, S. Kumar, A. Gupta, S. Levine, K. Hausman, C. Finn, "Gradient Surgery for Multi-Task
       Learning", NeurIPS 2020.

    Examples
    --------
    >>> from skmtl.balancing import PCGrad
    >>> PCGrad().noise_shape(n_tasks=3)
    (3, 3)
    """

    requires = "gram"
    weighs_heads = False

    def noise_shape(self, n_tasks: int) -> tuple[int, ...]:
        """See `Balancing.noise_shape`."""
        return (n_tasks, n_tasks)

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)

        def project(met: Visit, other: tf.Tensor, memory: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            del other
            return -tf.minimum(met.product, 0.0), memory

        weights, _ = operate(unit, signal.noise, tf.zeros_like(unit.cosines), project)
        return finish(weights, unit, signal), state
