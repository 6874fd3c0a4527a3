"""scikit-learn's checks on both estimators; with several targets, they find groups."""

import pytest
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingClassifier, TaskGroupingRegressor

from .._shared_checks import shared_out

LABELS = {"affinity": "label_correlation", "n_permutations": 5}
QUICK = [
    TaskGroupingRegressor(Ridge(), **LABELS),
    TaskGroupingClassifier(DecisionTreeClassifier(random_state=0), **LABELS),
]
SMALL = {
    "hidden_layer_sizes": (16,),
    "learning_rate": 0.03,
    "epochs": 20,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}
NETWORKS = [
    TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), n_permutations=0),
    TaskGroupingClassifier(MultiTaskKerasClassifier(**SMALL), n_permutations=0),
]

# As for the networks themselves, see tests/test_common.py.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "holds for the network in float64 with one batch",
    "check_sample_weight_equivalence_on_sparse_data": "holds for the network in float64 with one batch",
}


@parametrize_with_checks(QUICK)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "check"), shared_out(*zip(("regressor", "classifier"), NETWORKS, strict=True), EXPECTED)
)
def test_scikit_learn_checks_around_networks(estimator, check):
    check(estimator)
