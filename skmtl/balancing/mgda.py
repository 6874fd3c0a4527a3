"""Multiple-gradient descent algorithm."""

import tensorflow as tf

from ._active_set import minimise_on_cone
from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import RIDGE, finish, scale_to_budget, unit_gram
from ._signal import BalancingSignal


class MGDA(GradientBalancing):
    """Multiple-gradient descent (MGDA): the convex combination of the gradients that has the least norm.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    ``min |sum_k a_k g_k|`` over the simplex ([1]_; [2]_ for multi-task learning, equation 3): a direction
    that lowers every loss, or zero where none exists. Without normalisation it favours tasks of small
    gradient. [2]_ solve it by Frank and Wolfe's method; we solve the equivalent problem ``min x'Gx / 2 - sum
    x`` over ``x >= 0`` exactly, and scale x.

    The matrix is ``G + 1e-5 diag(G)``, so that duplicated and opposite gradients have one answer. The paper's
    weights sum to 1, ours to the loss weights of the tasks, so that steps are as long as under equal weights
    where all gradients are alike. Loss weights ask for more: the least-norm point is sought among the ``g_k /
    loss_weights_k``, which lowers a task's loss in proportion to its weight (multiplied into the losses, a
    weight would work the wrong way round). A task whose gradient is zero would make the update zero for all:
    it takes no part instead. The tasks' own parameters get their plain gradients.
    With ``gradients_of="representation"`` this is the MGDA-UB of [2]_ (section 3.3).

    References
    ----------
    .. [1] J.-A. Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization",
       Comptes Rendus Mathématique 350, 2012.
    .. [2] O. Sener, V. Koltun, "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018.

    Examples
    --------
    >>> from skmtl.balancing import MGDA
    >>> MGDA().requires
    'gram'
    """

    requires = "gram"
    weighs_heads = False

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)
        linear = unit.loss_weights / unit.norms
        linear /= tf.maximum(tf.reduce_max(linear, -1, keepdims=True), 1e-300)
        point = minimise_on_cone(unit.ridged(), linear, RIDGE / 2)
        return finish(scale_to_budget(point / unit.norms, unit), unit, signal), state
