"""Training: the compiled program, its cache, and the loop that runs it."""

from .._counters import counters
from ._optimizer import OptimizerRule, resolve_optimizer
from ._structure import TrainingData, TrainingStructure
from ._train import EpochWatch, train

__all__ = ["EpochWatch", "OptimizerRule", "TrainingData", "TrainingStructure", "counters", "resolve_optimizer", "train"]
