"""Companions of a network: ridge regressions that see what it does not, and weights for all of them together."""

from ._companion import Companion, fit_companion, label_limits
from ._folds import folds_of
from ._kernel import Kernel, KernelName
from ._weights import blend_weights

__all__ = ["Companion", "Kernel", "KernelName", "blend_weights", "fit_companion", "folds_of", "label_limits"]
