"""The loss parameter: any Keras loss, for all tasks or task by task."""

import keras
import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ..estimators._cases import LEARNING, SMALL, features, labels, mixed, quantities

X = features()


def squared(y_true, y_pred):
    return keras.ops.mean((y_true - y_pred) ** 2, axis=-1)


@pytest.mark.parametrize(
    "loss",
    ["mse", "mean_squared_error", keras.losses.MeanSquaredError, keras.losses.MeanSquaredError(), ["mse", "mse"],
     {"y0": "mse", "y1": keras.losses.MeanSquaredError()}, {"y1": "mse"}, {}, squared],
)  # fmt: skip
def test_all_ways_to_name_the_squared_error_train_the_same(loss):
    expected = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X)).predict(X)
    found = MultiTaskKerasRegressor(**SMALL, loss=loss).fit(X, quantities(X)).predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_each_task_has_its_own_loss_by_name_or_position():
    y = np.column_stack([np.where(np.arange(60) % 4 == 0, 10.0, 0.0)] * 2)
    settings = {**LEARNING, "epochs": 200, "early_stopping": False}
    for loss in ({"y1": "mae"}, ["mse", "mae"], {"y0": "mse", "y1": keras.losses.MeanAbsoluteError()}):
        mean, median = MultiTaskKerasRegressor(**settings, loss=loss).fit(np.zeros((60, 1)), y).predict([[0.0]])[0]
        assert mean == pytest.approx(2.5, abs=0.3)
        assert median == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize("loss", ["huber", "log_cosh", "mae", keras.losses.Huber(delta=0.5)])
def test_regression_losses_learn(loss):
    assert MultiTaskKerasRegressor(**LEARNING, loss=loss).fit(X, quantities(X)).score(X, quantities(X)) > 0.8


@pytest.mark.parametrize("loss", ["poisson", "msle", "mape"])
def test_losses_of_positive_quantities_see_the_callers_units_and_predict_positive(loss):
    y = np.exp(0.5 * X[:, :2]) * [1.0, 1000.0]
    model = MultiTaskKerasRegressor(**{**LEARNING, "epochs": 80}, loss=loss).fit(X, y)
    assert (model.predict(X) > 0).all()
    assert model.score(X, y) > 0.6


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence", "mse")
        ),
    ],
)
def test_classification_losses_learn(loss):
    model = MultiTaskKerasClassifier(**LEARNING, loss=loss).fit(X, labels(X))
    assert model.score(X, labels(X)) > 0.75
    for proba in model.predict_proba(X):
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_the_mixed_estimator_takes_losses_by_name():
    y = mixed(X)
    model = MultiTaskKerasEstimator(**LEARNING, loss={"price": "huber", "size": "categorical_focal_crossentropy"})
    assert (model.fit(X, y).score_tasks(X, y) > 0.6).all()


def test_the_loss_of_a_constant_prediction_is_one():
    y = pd.DataFrame({"price": quantities(X)[:, 1] * 1e6, "size": mixed(X)["size"]})
    settings = {**SMALL, "early_stopping": False, "learning_rate": 1e-12, "epochs": 1}
    model = MultiTaskKerasEstimator(**{**settings, "hidden_layer_sizes": ()}).fit(np.zeros((60, 1)), y)
    assert model.history_["price_loss"][0] == pytest.approx(1.0, rel=1e-5)
    uniform = np.log(3) / -sum(p * np.log(p) for p in y["size"].value_counts(normalize=True))
    assert model.history_["size_loss"][0] == pytest.approx(uniform, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "loss", "error", "message"),
    [
        (MultiTaskKerasRegressor, "mean_squard_error", ValueError, "Did you mean 'mean_squared_error'"),
        (MultiTaskKerasRegressor, {"price": "mse"}, ValueError, "loss names the task 'price', which y does not have"),
        (MultiTaskKerasRegressor, ["mse"], ValueError, "loss has 1 entries, but there are 2 tasks"),
        (MultiTaskKerasRegressor, [3, "mse"], TypeError, "loss of task 'y0' should be a Keras loss"),
        (MultiTaskKerasRegressor, 3, ValueError, "The 'loss' parameter of MultiTaskKerasRegressor must be"),
        (MultiTaskKerasClassifier, "poisson", ValueError, "loss of task 'y0': Poisson is for regressions"),
        (MultiTaskKerasClassifier, "huber", ValueError, "loss of task 'y0': Huber is for regressions"),
        (MultiTaskKerasRegressor, lambda t, p: keras.ops.mean((t - p) ** 2), ValueError, "needs one value per row"),
    ],
)
def test_invalid_losses_are_refused(kind, loss, error, message):
    model = kind(**SMALL, loss=loss)
    with pytest.raises(error, match=message):
        model.fit(X, labels(X))
    assert not hasattr(model, "network_")
