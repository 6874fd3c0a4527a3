"""Predictions: shapes, types, and numbers that do not depend on how rows are passed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._builders import heads
from ._cases import ESTIMATORS, LEARNING, SMALL, features, labels, mixed, quantities, targets_for

X = features()
OWN = {name: value for name, value in SMALL.items() if name != "hidden_layer_sizes"}


@pytest.mark.parametrize("settings", [SMALL, {**SMALL, "ensemble_size": 2}, {**OWN, "model": heads}])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_row_gets_the_same_prediction_alone_and_among_thousands(kind, settings):
    model = kind(**settings).fit(X, targets_for(kind, X))
    many = pd.DataFrame(model.predict(np.tile(X, (50, 1))))
    for rows in (slice(0, 1), slice(7, 8), slice(0, 60), slice(100, 1500)):
        alone = pd.DataFrame(model.predict(np.tile(X, (50, 1))[rows]))
        for name in many:
            expected = many[name].to_numpy()[rows]
            if expected.dtype.kind == "f":
                np.testing.assert_allclose(alone[name], expected, rtol=1e-4, atol=1e-6)
            else:
                assert (alone[name].to_numpy() == expected).mean() > 0.99


def test_probabilities_of_one_task_are_an_array_and_of_several_a_list():
    y = labels(X)
    one = MultiTaskKerasClassifier(**SMALL).fit(X, y[:, 1])
    assert one.predict_proba(X[:1]).shape == (1, 3)
    assert one.classes_.tolist() == [0, 1, 2]
    several = MultiTaskKerasClassifier(**SMALL).fit(X, y)
    assert [proba.shape for proba in several.predict_proba(X[:1])] == [(1, 2), (1, 3)]
    column = MultiTaskKerasClassifier(**SMALL).fit(X, y[:, 1:])
    assert [proba.shape for proba in column.predict_proba(X)] == [(60, 3)]
    for proba in (one.predict_proba(X), *several.predict_proba(X)):
        assert proba.dtype == np.float64
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_predicted_labels_are_those_of_highest_probability():
    model = MultiTaskKerasClassifier(**LEARNING).fit(X, labels(X))
    for task, proba in enumerate(model.predict_proba(X)):
        np.testing.assert_array_equal(model.predict(X)[:, task], model.classes_[task][proba.argmax(axis=1)])


def test_the_mixed_estimator_has_probabilities_if_a_task_has_classes():
    assert not hasattr(MultiTaskKerasEstimator(ensemble_size=1), "predict_proba")
    model = MultiTaskKerasEstimator(**SMALL).fit(X, mixed(X))
    price, size, sold = model.predict_proba(X)
    assert price is None
    assert (size.shape, sold.shape) == ((60, 3), (60, 2))
    assert model.classes_[0] is None
    regressions = MultiTaskKerasEstimator(**SMALL).fit(X, quantities(X))
    assert not hasattr(regressions, "predict_proba")


def test_one_class_is_predicted_with_certainty():
    y = pd.DataFrame({"always": ["yes"] * 60, "sold": X[:, 0] > 0})
    model = MultiTaskKerasClassifier(**SMALL, early_stopping=True).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X)[0], np.ones((60, 1)))
    assert set(model.predict(X)[:, 0]) == {"yes"}
    assert model.score_tasks(X, y)["always"] == 1.0


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_one_row_is_enough_to_fit(kind):
    y = targets_for(kind, X)[:1]
    model = kind(**SMALL).fit(X[:1], y)
    found = pd.DataFrame(model.predict(X[:1]))
    pd.testing.assert_frame_equal(found, pd.DataFrame(y).set_axis(found.columns, axis=1), check_dtype=False, rtol=0.01)


def test_a_constant_target_is_predicted_exactly():
    y = np.column_stack([np.full(60, 3.5), np.full(60, -1e6)])
    np.testing.assert_allclose(MultiTaskKerasRegressor(**LEARNING).fit(X, y).predict(X), y, rtol=0.2)


@pytest.mark.parametrize(
    ("kind", "regressor", "classifier"),
    [
        (MultiTaskKerasRegressor, True, False),
        (MultiTaskKerasClassifier, False, True),
        (MultiTaskKerasEstimator, False, False),
    ],
)
def test_scikit_learn_knows_what_kind_of_estimator_it_is(kind, regressor, classifier):
    assert (is_regressor(kind()), is_classifier(kind())) == (regressor, classifier)
    tags = get_tags(kind())
    assert tags.target_tags.multi_output
    assert tags.target_tags.single_output
    assert tags.input_tags.sparse
    assert tags.input_tags.allow_nan


def test_missing_values_in_x_are_imputed_and_indicated():
    table = np.random.default_rng(0).normal(size=(300, 2))
    gaps = np.random.default_rng(1).random(300) < 0.5
    y = np.where(gaps, 5.0, -5.0)
    table[gaps, 0] = np.nan
    model = MultiTaskKerasRegressor(**LEARNING).fit(table, y)
    assert model.score(table, y) > 0.95
    assert model.n_features_in_ == 2
