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
    """Aligned-MTL: sums the nearest orthogonal gradients of equal length.

    Parameters
    ----------
    gradients_of : {"parameters", "representation"}, default="parameters"
        What the gradients are taken with respect to: the shared parameters, with one backward pass through the
        shared layers per task, or the representation that all heads see, with a single pass in total (see the
        Notes of `Balancing`).

    Notes
    -----
    With the eigendecomposition ``G = V diag(l) V'``, the weights are ``sqrt(l_min) V diag(l)^(-1/2) V' 1``,
    which gives the linear system of gradients a condition number of 1 ([1]_, algorithm 1). As in the authors' code,
    only eigenvalues above ``K eps l_max`` count, with float32's eps; l_min is the smallest of them. A task can
    therefore drop out if its gradient is shorter than about 1e-3 times the longest. If scales differ that much,
    bring the losses to one scale or use `IMTLG`.

    The paper averages the aligned gradients. Here they are summed, as in the authors' code, so that orthogonal
    gradients of equal length give the update of equal weights. Loss weights multiply the aligned gradients (the
    paper's task preferences). Tasks with a zero gradient are left out. The tasks' own parameters get their unchanged
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
