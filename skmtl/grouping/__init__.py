"""Estimators that learn groups of tasks apart, each group in a network of its own."""

from ._classifier import TaskGroupingClassifier
from ._regressor import TaskGroupingRegressor

__all__ = ["TaskGroupingClassifier", "TaskGroupingRegressor"]
