"""What the methods on gradients share: the parameter that says what the gradients are of."""

from ._base import Balancing


class GradientBalancing(Balancing):
    """Base of methods on gradients that have no other parameter."""

    def __init__(self, *, gradients_of: str = "parameters") -> None:
        self.gradients_of = gradients_of
