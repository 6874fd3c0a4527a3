"""Base class of the gradient methods that have no parameter but ``gradients_of``."""

from ._base import Balancing


class GradientBalancing(Balancing):
    """Base of the gradient methods without other parameters."""

    def __init__(self, *, gradients_of: str = "parameters") -> None:
        self.gradients_of = gradients_of
