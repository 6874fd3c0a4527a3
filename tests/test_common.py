"""scikit-learn's own checks, on all three estimators."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

SMALL = {"hidden_layer_sizes": (16,), "learning_rate": 0.03, "epochs": 20, "jit_compile": False, "random_state": 0}


@parametrize_with_checks(
    [MultiTaskKerasRegressor(**SMALL), MultiTaskKerasClassifier(**SMALL), MultiTaskKerasEstimator(**SMALL)],
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
