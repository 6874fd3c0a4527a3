"""The estimators inside scikit-learn's meta-estimators."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor

from ._cases import LEARNING, SMALL, features, labels, quantities

X = features()


def test_multi_output_regressor_is_a_network_per_task():
    y = quantities(X)
    per_task = MultiOutputRegressor(MultiTaskKerasRegressor(**SMALL)).fit(X, y)
    for task in range(2):
        alone = MultiTaskKerasRegressor(**SMALL).fit(X, y[:, task])
        np.testing.assert_array_equal(per_task.predict(X)[:, task], alone.predict(X))


def test_multi_output_regressor_passes_partial_fit_and_weights_on():
    y, weight = quantities(X), np.linspace(0.1, 1, 60)
    per_task = MultiOutputRegressor(MultiTaskKerasRegressor(**SMALL))
    per_task.partial_fit(X, y, sample_weight=weight)
    alone = MultiTaskKerasRegressor(**SMALL).partial_fit(X, y[:, 1], sample_weight=weight)
    np.testing.assert_array_equal(per_task.predict(X)[:, 1], alone.predict(X))


def test_multi_output_classifier_is_a_network_per_task():
    y = labels(X)
    per_task = MultiOutputClassifier(MultiTaskKerasClassifier(**SMALL)).fit(X, y)
    proba = per_task.predict_proba(X)
    assert [p.shape for p in proba] == [(60, 2), (60, 3)]
    for task in range(2):
        alone = MultiTaskKerasClassifier(**SMALL).fit(X, y[:, task])
        np.testing.assert_array_equal(per_task.predict(X)[:, task], alone.predict(X))
        np.testing.assert_array_equal(proba[task], alone.predict_proba(X))


def test_regressor_chain_feeds_each_task_to_the_next():
    y = np.column_stack([X[:, 0], X[:, 0] * 3])
    chain = RegressorChain(MultiTaskKerasRegressor(**LEARNING), order=[1, 0]).fit(X, y)
    assert [model.n_features_in_ for model in chain.estimators_] == [4, 5]
    assert chain.score(X, y) > 0.8


def test_classifier_chain_feeds_each_task_to_the_next():
    y = np.column_stack([X[:, 0] > 0, X[:, 0] < 0]).astype(int)
    chain = ClassifierChain(MultiTaskKerasClassifier(**LEARNING)).fit(X, y)
    assert (chain.predict(X) == y).mean() > 0.85
    np.testing.assert_array_less(chain.predict_proba(X), 1 + 1e-12)


def test_transformed_target_regressor_gives_the_numbers_of_the_transformed_targets():
    y = np.exp(quantities(X) / 1000.0)
    outer = TransformedTargetRegressor(MultiTaskKerasRegressor(**SMALL), func=np.log, inverse_func=np.exp).fit(X, y)
    inner = MultiTaskKerasRegressor(**SMALL).fit(X, np.log(y))
    np.testing.assert_allclose(outer.predict(X), np.exp(inner.predict(X)), rtol=1e-12)
    scaled = TransformedTargetRegressor(MultiTaskKerasRegressor(**LEARNING), transformer=StandardScaler()).fit(X, y)
    assert scaled.score(X, y) > 0.8


def test_bagging_averages_separate_networks():
    y = quantities(X)
    bag = BaggingRegressor(MultiTaskKerasRegressor(**SMALL), n_estimators=3, random_state=0).fit(X, y)
    parts = [model.predict(X) for model in bag.estimators_]
    np.testing.assert_allclose(bag.predict(X), np.mean(parts, axis=0), rtol=1e-12)
    assert not np.array_equal(parts[0], parts[1])


@pytest.mark.parametrize("combine", [StackingRegressor, VotingRegressor])
def test_stacking_and_voting_take_a_single_task(combine):
    y = quantities(X)[:, 0]
    named = [("network", MultiTaskKerasRegressor(**LEARNING)), ("linear", LinearRegression())]
    settings = {"cv": 3, "final_estimator": RidgeCV()} if combine is StackingRegressor else {}
    model = combine(named, **settings).fit(X, y)
    assert model.predict(X).shape == (60,)
    assert model.score(X, y) > 0.9
