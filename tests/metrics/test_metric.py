"""Every metric named by scikit-learn has the same meaning here."""

import warnings

import numpy as np
import pytest
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

from skmtl.metrics import make_task_scorer, task_scores

REGRESSION = ["explained_variance", "r2", "d2_absolute_error_score"] + [
    name
    for name in metrics.get_scorer_names()
    if name.endswith(("_error", "_deviance"))  # neg_mean_squared_error and the like
]
CLASSIFICATION = [
    name for name in metrics.get_scorer_names() if name not in REGRESSION and not name.endswith("_samples")
]
# scikit-learn refuses these for several classes; our ROC AUC is then one-vs-rest.
BINARY_ONLY = {"roc_auc", "f1", "precision", "recall", "jaccard"} | {
    name for name in CLASSIFICATION if name.endswith("likelihood_ratio")
}


@pytest.mark.parametrize("name", REGRESSION)
def test_scorers_of_regressions_agree_with_scikit_learns(name):
    rng = np.random.default_rng(0)
    X = rng.uniform(1.0, 2.0, (40, 2))
    y = X.sum(axis=1) + rng.uniform(0.0, 1.0, 40)
    model = LinearRegression().fit(X, y)
    assert make_task_scorer(name)(model, X, y) == pytest.approx(metrics.get_scorer(name)(model, X, y), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "n_classes"),
    [(name, 2) for name in CLASSIFICATION] + [(name, 3) for name in CLASSIFICATION if name not in BINARY_ONLY],
)
def test_scorers_of_classifications_agree_with_scikit_learns(name, n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] + rng.normal(size=60) > 0) + (n_classes - 2) * (X[:, 1] > 0.5)
    # This one has no decision_function, which scikit-learn's ranking scorers would prefer.
    model = GaussianNB().fit(X, y)
    with warnings.catch_warnings():
        # With two classes, the top two are always right, and both scorers warn about it.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        expected, got = metrics.get_scorer(name)(model, X, y), make_task_scorer(name)(model, X, y)
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "name", ["mean_squared_error", "accuracy_score", "log_loss", "rand_score", "cohen_kappa_score"]
)
def test_a_functions_name_and_the_function_are_the_same_metric(name):
    y, p = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    function = getattr(metrics, name)
    scores = p * 0.8 + 0.1
    by_name = task_scores(y, p, name, y_score=scores)
    assert by_name.equals(task_scores(y, p, function, y_score=scores))
    assert list(by_name.columns) == [name]
    assert by_name.iloc[0, 0] == pytest.approx(function(y, scores if name == "log_loss" else p))


@pytest.mark.parametrize("name", ["silhouette_score", "ndcg_score", "hinge_loss", "confusion_matrix", "auc"])
def test_functions_that_do_not_score_a_single_task_are_refused(name):
    with pytest.raises(ValueError, match=f"Unknown metric '{name}'"):
        make_task_scorer(name)
