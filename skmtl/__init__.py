"""Multi-task neural networks for tables: one Keras network, several targets, the scikit-learn interface."""

from ._combine import combine_task_datasets
from .estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from .exceptions import TrainingDivergedError

__version__ = "0.1.0"

__all__ = [
    "MultiTaskKerasClassifier",
    "MultiTaskKerasEstimator",
    "MultiTaskKerasRegressor",
    "TrainingDivergedError",
    "combine_task_datasets",
]
