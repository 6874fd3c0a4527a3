"""Soft optimal uncertainty weighting."""

from numbers import Real
from typing import Any, ClassVar

import tensorflow as tf
from sklearn.utils._param_validation import Interval

from ._base import Balancing, Constants, State
from ._losses import floored, share, softmax_over
from ._signal import BalancingSignal


class UWSO(Balancing):
    """Soft optimal uncertainty weighting (UW-SO): softmax of the inverse losses, ``softmax(1 / (L_k T))``.

    Parameters
    ----------
    temperature : float, default=1.0
        T, which should be tuned. Large values make the weights equal; smaller losses need a larger temperature.

    Notes
    -----
    [1]_ pass the optimal weights ``1 / L_k`` of uncertainty weighting through a softmax with temperature; 1 is the
    default of the authors' code. Here the loss weights multiply the weights, which are rescaled to sum to the loss
    weights. Losses below 1e-3 times the loss of a constant prediction count as 1e-3.

    References
    ----------
    .. [1] L. Kirchdorfer, C. Elich, S. Kutsche, H. Stuckenschmidt, L. Schott, J. M. Köhler, "Analytical
       Uncertainty-Based Loss Weighting in Multi-Task Learning", GCPR 2024 (arXiv 2408.07985).

    Examples
    --------
    >>> from skmtl.balancing import UWSO
    >>> UWSO(temperature=5.0).constants()
    {'temperature': 5.0}
    """

    requires = "losses"
    weighs_heads = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "temperature": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, temperature: float = 1.0) -> None:
        self.temperature = temperature

    def decide(self, signal: BalancingSignal, state: State, constants: Constants) -> tuple[tf.Tensor, State]:
        """See `Balancing.decide`."""
        logits = 1.0 / (floored(signal.losses) * constants["temperature"])
        return share(softmax_over(logits, signal.present), signal), state
