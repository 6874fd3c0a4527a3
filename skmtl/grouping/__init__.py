"""Meta-estimators that fit one network per group of tasks."""

from ._classifier import TaskGroupingClassifier
from ._regressor import TaskGroupingRegressor

__all__ = ["TaskGroupingClassifier", "TaskGroupingRegressor"]
