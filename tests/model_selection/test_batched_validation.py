"""Batched cross-validation gives scikit-learn's scores and predictions."""

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GroupKFold, ShuffleSplit, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.model_selection import batched_cross_val_predict, batched_cross_validate

SMALL = {"hidden_layer_sizes": (6,), "epochs": 4, "ensemble_size": 1, "random_state": 0, "jit_compile": False}
MODEL = MultiTaskKerasRegressor(**SMALL)


@pytest.fixture(scope="module")
def table():
    return make_related_tasks(80, 4, 2, relatedness=1.0, noise=0.5, random_state=0)


def words(y):
    letters = np.array(["a", "b", "c"])[np.digitize(y[:, 0], [-0.5, 0.5])]
    return np.column_stack([letters, np.where(y[:, 1] > 0, "x", "y")])


def test_scores_estimators_and_rows_are_those_of_scikit_learn(table):
    settings = {"cv": 3, "return_train_score": True, "return_estimator": True, "return_indices": True}
    settings |= {"scoring": ["r2", "neg_mean_absolute_error"]}
    ours, theirs = batched_cross_validate(MODEL, *table, **settings), cross_validate(MODEL, *table, **settings)
    assert list(ours) == list(theirs)
    for name in (name for name in theirs if name.endswith(("_r2", "_error"))):
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)
    for one, other in zip(ours["estimator"], theirs["estimator"], strict=True):
        np.testing.assert_allclose(one.predict(table[0]), other.predict(table[0]), atol=1e-5)
        assert "fit" not in vars(one)
    for one, other in zip(ours["indices"]["test"], theirs["indices"]["test"], strict=True):
        np.testing.assert_array_equal(one, other)


def test_groups_and_weights(table):
    groups, weights = np.arange(80) % 4, np.linspace(0.1, 1.0, 80)
    settings = {"groups": groups, "cv": GroupKFold(2), "params": {"sample_weight": weights}}
    ours, theirs = (function(MODEL, *table, **settings) for function in (batched_cross_validate, cross_validate))
    np.testing.assert_allclose(ours["test_score"], theirs["test_score"], atol=1e-5)


def test_a_fold_that_fails(table):
    y = table[1].astype(object)
    y[70] = "a"
    rows = np.arange(80)
    cv = [(rows[:40], rows[40:60]), (rows[40:], rows[:40])]
    with pytest.warns(FitFailedWarning, match="1 fits failed out of a total of 2"):
        scores = batched_cross_validate(MODEL, table[0], y, cv=cv, error_score=-9.0)["test_score"]
    assert scores[0] > -9.0 and scores[1] == -9.0


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_predictions_are_those_of_scikit_learn(table, method):
    X, y = table[0], words(table[1])
    model = make_pipeline(StandardScaler(), MultiTaskKerasClassifier(**SMALL))
    ours, theirs = (f(model, X, y, cv=3, method=method) for f in (batched_cross_val_predict, cross_val_predict))
    if method == "predict":
        assert (ours == theirs).mean() > 0.98
    else:
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_predictions_of_one_task_have_scikit_learns_columns(table):
    X, y = table[0], words(table[1])[:, 0]
    model = MultiTaskKerasClassifier(**SMALL)
    ours, theirs = (f(model, X, y, method="predict_proba") for f in (batched_cross_val_predict, cross_val_predict))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_predictions_need_a_partition(table):
    with pytest.raises(ValueError, match="partitions"):
        batched_cross_val_predict(MODEL, *table, cv=ShuffleSplit(2, random_state=0))
