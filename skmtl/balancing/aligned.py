"""Independent component alignment."""

import numpy as np
import tensorflow as tf

from ._base import Constants, State
from ._eigen import eigenpairs
from ._gradient_base import GradientBalancing
from ._gram import finish, unit_gram
from ._signal import BalancingSignal

_EPSILON = float(np.finfo(np.float32).eps)


class Aligned(GradientBalancing):
    """Aligned-MTL: gradients replaced by the nearest orthogonal ones of equal length, then added.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are of: the shared parameters, at a backward pass of the shared layers for each task;
        or the representation that all heads see, at a single one (see the notes of `Balancing`).

    Notes
    -----
    With the eigendecomposition ``G = V diag(l) V'``, the weights are ``sqrt(l_min) V diag(l)^(-1/2) V' 1``,
    which gives the linear system of gradients the condition number 1 ([1]_, algorithm 1). Only eigenvalues
    above ``K eps l_max`` count, with float32's eps, as in the authors' code; l_min is the least of them. A
    task whose gradient is shorter than about 1e-3 of the longest can therefore fall out; where scales differ
    so much, bring the losses to one scale or use `IMTLG`.

    The authors' code adds the aligned gradients where the paper averages them; we add: orthogonal gradients
    of equal length give the update of equal weights. Loss weights weigh the aligned gradients (the paper's
    task preferences). A task whose gradient is zero takes no part. The tasks' own parameters get their plain
    gradients.

    References
    ----------
    .. [1] D. Senushkin, N. Patakin, A. Kuznetsov, A. Konushin, "Independent Component Alignment for
       Multi-Task Learning", CVPR 2023.

    Examples
    --------
    >>> from skmtl.balancing import Aligned
    >>> Aligned().requires
    'gram'
    """

    requires = "gram"
    weighs_heads = False

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        del constants
        unit = unit_gram(signal)
        lengths = tf.where(unit.active, unit.norms, 0.0)
        lengths /= tf.maximum(tf.reduce_max(lengths, -1, keepdims=True), 1e-300)
        values, vectors = eigenpairs(lengths[:, :, None] * unit.cosines * lengths[:, None, :])
        count = tf.reduce_sum(tf.cast(unit.active, tf.float64), -1, keepdims=True)
        counts = values > count * _EPSILON * tf.reduce_max(values, -1, keepdims=True)
        least = tf.reduce_min(tf.where(counts, values, 1e300), -1, keepdims=True)
        factors = tf.where(counts, tf.sqrt(least / tf.where(counts, values, 1.0)), 0.0)
        components = tf.linalg.matvec(vectors, unit.loss_weights, transpose_a=True)
        return finish(tf.linalg.matvec(vectors, factors * components), unit, signal), state
