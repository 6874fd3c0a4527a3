"""Companions of a network: ridge regressions that see what it does not, and weights for all of them together."""

from ._companion import Companion, label_limits
from ._fit_companion import fit_companion
from ._folds import folds_of
from ._kernel import Kernel, KernelName
from ._shift import BLOCKS, ShiftDetector, blocks_of, fit_shift_detector
from ._weights import weights_by_task

__all__ = [
    "BLOCKS",
    "Companion",
    "Kernel",
    "KernelName",
    "ShiftDetector",
    "blocks_of",
    "fit_companion",
    "fit_shift_detector",
    "folds_of",
    "label_limits",
    "weights_by_task",
]
