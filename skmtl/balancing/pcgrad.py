"""Projecting conflicting gradients."""

import tensorflow as tf

from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import finish, unit_gram
from ._signal import BalancingSignal
from ._surgery import PairStep, correct_pairwise


class PCGrad(GradientBalancing):
    """Projecting conflicting gradients (PCGrad): removes from each gradient what conflicts with the others.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    For every task i, start from ``h = g_i`` and visit the other tasks j in random order: if ``h . g_j < 0``,
    replace h by ``h - (h . g_j) / |g_j|^2 g_j``. The update is the sum of all h (algorithm 1 of [1]_). It is
    computed on coefficients from the Gram matrix, without the gradients themselves.

    The scale is the paper's: without conflicts, the update is that of equal weights. Loss weights multiply the
    losses, as they would in the paper's code, so the projected gradient of task i is multiplied by
    ``loss_weights_i``. Tasks with a zero gradient are left out. The tasks' own parameters get their unchanged
    gradients.

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

        def project(pair: PairStep, other: tf.Tensor, memory: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            del other
            return -tf.minimum(pair.product, 0.0), memory

        weights, _ = correct_pairwise(unit, signal.noise, tf.zeros_like(unit.cosines), project)
        return finish(weights, unit, signal), state
