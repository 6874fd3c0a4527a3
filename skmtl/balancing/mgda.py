"""Multiple-gradient descent algorithm."""

import tensorflow as tf

from ._active_set import minimise_on_cone
from ._base import Constants, State
from ._gradient_base import GradientBalancing
from ._gram import RIDGE, finish, scale_to_budget, unit_gram
from ._signal import BalancingSignal


class MGDA(GradientBalancing):
    """Multiple-gradient descent (MGDA): the convex combination of the gradients with the smallest norm.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    The weights minimise ``|sum_k a_k g_k|`` over the simplex ([1]_; [2]_ for multi-task learning, equation 3). The
    result is a direction that lowers every loss, or zero if none exists. Without normalisation it favours tasks
    with small gradients. [2]_ use the Frank-Wolfe algorithm; here the equivalent problem ``min x'Gx / 2 - sum x``
    over ``x >= 0`` is solved exactly, and x is scaled.

    The matrix is ``G + 1e-5 diag(G)``, so duplicated and opposite gradients have a unique solution. The paper's
    weights sum to 1. Here they sum to the loss weights of the tasks, so steps are as long as with equal weights if
    all gradients are alike. A task with a larger loss weight makes more progress: the minimum-norm point is computed
    for ``g_k / loss_weights_k``, which lowers each task's loss in proportion to its weight (multiplying the losses
    by their weights would have the opposite effect). A task with a zero gradient would make the update zero for all
    tasks and is therefore left out. The tasks' own parameters get their unchanged gradients.

    With ``gradients_of="representation"`` this is MGDA-UB [2]_ (section 3.3).

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
