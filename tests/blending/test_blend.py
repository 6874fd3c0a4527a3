"""Blends through the estimators: no worse than their parts, the same in Keras, with honest out-of-fold scores."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.blending import _parts

from ..estimators._cases import features, labels, mixed, quantities, with_gaps

X = features()
SETTINGS = {
    "hidden_layer_sizes": (16,),
    "learning_rate": 0.02,
    "epochs": 30,
    "ensemble_size": 4,
    "validation_fraction": 0.25,
    "jit_compile": False,
    "random_state": 0,
    "early_stopping": True,
}


@pytest.fixture(scope="module")
def regression():
    X, first = make_friedman1(200, n_features=6, noise=0.3, random_state=0)
    return X, pd.DataFrame({"wavy": first, "straight": 1000 * (X[:, 3] - 2 * X[:, 4])})


@pytest.fixture(scope="module")
def fitted(regression):
    X, y = regression
    return MultiTaskKerasRegressor(blend="all", **SETTINGS).fit(X[:140], y[:140])


def test_the_blend_is_no_worse_than_its_parts_and_prefers_the_right_one(fitted, regression):
    X, y = regression
    alone = MultiTaskKerasRegressor(**SETTINGS).fit(X[:140], y[:140])
    assert (fitted.score_tasks(X[140:], y[140:]) > alone.score_tasks(X[140:], y[140:]) - 0.01).all()
    weights = fitted.blend_weights_
    assert list(weights.index) == ["network", "residual_network", "ridge", "rbf", "laplacian"]
    assert list(weights.columns) == ["wavy", "straight"]
    assert weights.loc[["ridge", "residual_network"], "straight"].sum() > 0.8
    assert weights.loc["ridge", "wavy"] < 0.5


def test_out_of_fold_scores_are_those_of_new_rows(fitted, regression):
    X, y = regression
    assert np.isfinite(fitted.oob_prediction_).all()
    np.testing.assert_allclose(fitted.oob_score_, fitted.score_tasks(X[140:], y[140:]), atol=0.12)
    np.testing.assert_allclose(fitted.oob_residuals_, y[:140] - fitted.oob_prediction_, rtol=1e-9)


def test_keras_model_predicts_the_same_and_survives_saving(fitted, regression, tmp_path):
    X, _ = regression
    expected = fitted.predict(X[140:])
    model = fitted.model_
    model.save(tmp_path / "blend.keras")
    for candidate in (model, keras.saving.load_model(tmp_path / "blend.keras")):
        found = np.hstack([output.numpy() for output in candidate(X[140:].astype(np.float32))])
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).mean(0).max())
    assert model.output_names == ["wavy", "straight"]
    extreme = 50 * X[140:]
    outputs = np.hstack([output.numpy() for output in model(extreme.astype(np.float32))])
    np.testing.assert_allclose(outputs, fitted.predict(extreme), rtol=1e-3, atol=1e-3 * np.abs(expected).mean(0).max())


def test_pickles_clones_and_repeats(fitted, regression):
    X, y = regression
    expected = fitted.predict(X[140:])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X[140:]), expected)
    np.testing.assert_array_equal(clone(fitted).fit(X[:140], y[:140]).predict(X[140:]), expected)


def test_intervals_have_about_their_nominal_coverage(fitted, regression):
    X, y = regression
    for coverage in (0.5, 0.9):
        ends = fitted.predict_interval(X[140:], coverage)
        assert ends.shape == (60, 2, 2)
        inside = (ends[..., 0] <= y[140:].to_numpy()) & (y[140:].to_numpy() <= ends[..., 1])
        assert abs(inside.mean() - coverage) < 0.15
    assert np.isinf(fitted.predict_interval(X[:1], 0.999)).all()


def test_standard_deviations_match_the_size_of_errors(fitted, regression):
    X, y = regression
    predicted, std = fitted.predict(X[140:], return_std=True)
    assert std.shape == predicted.shape
    errors = np.sqrt(((y[140:] - predicted) ** 2).mean())
    assert (errors / std.mean(0)).between(0.5, 2.0).all()


def test_a_single_network_has_out_of_fold_predictions_on_request(regression):
    X, y = regression
    one = MultiTaskKerasRegressor(oob_score=True, **SETTINGS).fit(X, y["wavy"])
    assert one.oob_prediction_.shape == one.oob_residuals_.shape == (200,)
    assert 0.3 < one.oob_score_["wavy"] < 1
    assert one.predict_interval(X[:5]).shape == (5, 2)
    assert not hasattr(one.set_params(oob_score=False).fit(X, y["wavy"]), "oob_score_")


def test_classes_are_blended_as_probabilities():
    y = labels(X)
    model = MultiTaskKerasClassifier(blend="all", **SETTINGS).fit(X, y)
    for proba in model.predict_proba(X):
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        assert (proba > 0).all()
    assert model.score(X, y) > 0.7
    assert "residual_network" not in model.blend_weights_.index
    outputs = model.model_(X.astype(np.float32))
    for output, proba in zip(outputs, model.predict_proba(X), strict=True):
        np.testing.assert_allclose(output.numpy(), proba, atol=1e-4)
    assert isinstance(model.oob_prediction_, list)


@pytest.fixture(scope="module")
def overfitting_class():
    """Two quantities that take long to learn, and a class that soon overfits."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    y = pd.DataFrame({"wavy": np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2], "slope": X[:, 3] * X[:, 4]})
    y["noise"] = np.where(rng.random(400) < 0.2, "rare", "common")
    return X, y


MIXED = {"task_types": {"noise": "classification"}, "random_state": 0}


def test_regressions_of_mixed_tasks_train_longer_than_classifications(overfitting_class):
    X, y = overfitting_class
    alone = MultiTaskKerasEstimator(blend=None, **MIXED).fit(X[:300], y[:300])
    both = MultiTaskKerasEstimator(blend=["network", "regression_network"], **MIXED).fit(X[:300], y[:300])
    first, second = (part.network for part in both.blend_.parts)
    assert first is both.network_
    np.testing.assert_array_equal(first.parameters, alone.network_.parameters)
    assert not np.array_equal(first.parameters, second.parameters)
    before, found = (one.score_tasks(X[300:], y[300:]) for one in (alone, both))
    assert (found[["wavy", "slope"]] > before[["wavy", "slope"]] + 0.01).all()
    assert found["noise"] > before["noise"] - 0.02
    outputs = np.column_stack([np.ravel(output) for output in both.model_(X[300:].astype(np.float32))[:2]])
    np.testing.assert_allclose(outputs, both.predict(X[300:])[["wavy", "slope"]].astype(float), atol=1e-3)


def test_mixed_tasks_have_a_network_for_regressions_by_default(overfitting_class):
    X, y = overfitting_class
    model = MultiTaskKerasEstimator(epochs=3, **MIXED).fit(X[:300], y[:300])
    assert list(model.blend_weights_.index) == ["network", "regression_network", "ridge", "rbf", "laplacian"]


def test_a_network_for_regressions_is_left_out_if_tasks_are_of_one_kind(overfitting_class):
    """So an estimator of mixed tasks can be fitted to some of them, for example as a single-task baseline."""
    X, y = overfitting_class
    model = MultiTaskKerasEstimator(blend=["network", "regression_network", "ridge"], epochs=3, random_state=0)
    assert list(model.fit(X, y[["wavy", "slope"]]).blend_weights_.index) == ["network", "ridge"]


def test_with_constant_columns_the_mean_is_predicted(overfitting_class):
    _, y = overfitting_class
    model = MultiTaskKerasRegressor(blend=["network", "ridge"], epochs=3, random_state=0)
    model.fit(np.ones((400, 2)), y[["wavy", "slope"]])
    np.testing.assert_allclose(model.predict(np.ones((1, 2)))[0], y[["wavy", "slope"]].mean(), atol=0.1)


def test_kernel_models_are_the_same_on_threads_and_one_by_one(overfitting_class, monkeypatch):
    X, y = overfitting_class
    model = MultiTaskKerasRegressor(epochs=3, random_state=0)
    expected = model.fit(X, y[["wavy", "slope"]]).predict(X)
    monkeypatch.setattr(_parts, "_ROWS_FOR_THREADS", np.inf)
    np.testing.assert_array_equal(clone(model).fit(X, y[["wavy", "slope"]]).predict(X), expected)


def test_mixed_tasks_with_missing_labels_are_blended():
    y = with_gaps(mixed(X))
    model = MultiTaskKerasEstimator(blend="all", **SETTINGS).fit(X, y)
    assert model.score(X, y) > 0.5
    assert np.isnan(model.oob_residuals_[y.isna().to_numpy()]).all()


def test_rows_without_weight_have_no_out_of_fold_prediction():
    weight = np.ones(len(X))
    weight[::6] = 0
    model = MultiTaskKerasRegressor(blend=["rbf", "ridge", "network"], **SETTINGS)
    model.fit(X, quantities(X), sample_weight=weight)
    assert list(model.blend_weights_.index) == ["network", "ridge", "rbf"]
    assert (np.isnan(model.oob_prediction_).any(axis=1) == (weight == 0)).all()


def test_independent_networks_are_added_if_named(regression):
    X, y = regression
    model = MultiTaskKerasRegressor(blend=["network", "independent_network"], **SETTINGS).fit(X, y)
    assert list(model.blend_weights_.index) == ["network", "independent_network"]
    independent = model.blend_.parts[1].network
    assert independent.spec.architecture == "independent"


def test_blending_needs_members_that_hold_out_rows(regression):
    X, y = regression
    for settings in ({"blend": "all"}, {"sharing": "auto"}):
        model = MultiTaskKerasRegressor(**SETTINGS, **settings)
        with pytest.raises(ValueError, match="with X_val and y_val no member"):
            model.fit(X[:140], y[:140], X_val=X[140:], y_val=y[140:])
        assert not hasattr(model, "network_")


def test_with_given_validation_rows_the_default_has_no_blend(regression):
    X, y = regression
    model = MultiTaskKerasRegressor(epochs=2, random_state=0)
    assert model.fit(X[:140], y[:140], X_val=X[140:], y_val=y[140:]).blend_ is None


def test_a_search_tries_blends(regression):
    X, y = regression
    grid = {"blend": [None, "all"]}
    search = GridSearchCV(MultiTaskKerasRegressor(**SETTINGS), grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_ == {"blend": "all"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blend": "rigde"}, "there is no 'rigde'. Did you mean 'ridge'"),
        ({"blend": ["ridge"]}, "should name 'network'"),
        ({"blend": ["network", "ridge", "ridge"]}, "each once"),
        ({"blend": ["network", "ridge"], "early_stopping": False}, "holds out none"),
        ({"blend": ["network", "ridge"], "loss": "huber"}, "squared errors"),
        ({"blend": ["network", "ridge"], "warm_start": True}, "warm_start"),
        ({"sharing": "auto", "early_stopping": False}, 'sharing="auto" weighs'),
        ({"sharing": "auto", "architecture": "independent"}, '^sharing="auto" adds .* architecture="independent"'),
        (
            {"sharing": "auto", "architecture": "independent", "ensemble_size": "auto"},
            '^sharing="auto" adds .* architecture="independent"',
        ),
        ({"sharing": "auto", "model": lambda meta: None}, "model= builds all networks"),
    ],
)
def test_invalid_blends_are_refused(settings, message):
    model = MultiTaskKerasRegressor(**{**SETTINGS, **settings})
    with pytest.raises(ValueError, match=message):
        model.fit(X, quantities(X))
    assert not hasattr(model, "network_")


def test_intervals_need_out_of_fold_residuals_and_a_probability(fitted, regression):
    alone = MultiTaskKerasRegressor(**SETTINGS).fit(X, quantities(X))
    for call in (alone.predict_interval, lambda X: alone.predict(X, return_std=True)):
        with pytest.raises(AttributeError, match="oob_score=True"):
            call(X)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fitted.predict_interval(regression[0], 1.0)
