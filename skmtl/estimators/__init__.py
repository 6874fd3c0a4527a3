"""The three estimators and the region that they predict."""

from ._classifier import MultiTaskKerasClassifier
from ._joint_region import JointRegion
from ._mixed import MultiTaskKerasEstimator
from ._regressor import MultiTaskKerasRegressor

__all__ = ["JointRegion", "MultiTaskKerasClassifier", "MultiTaskKerasEstimator", "MultiTaskKerasRegressor"]
