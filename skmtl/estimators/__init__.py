"""The three estimators."""

from ._classifier import MultiTaskKerasClassifier
from ._mixed import MultiTaskKerasEstimator
from ._regressor import MultiTaskKerasRegressor

__all__ = ["MultiTaskKerasClassifier", "MultiTaskKerasEstimator", "MultiTaskKerasRegressor"]
