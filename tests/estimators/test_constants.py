"""Constant targets are predicted exactly, and learned if they vary later."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 3))
SMALL: dict[str, Any] = {"hidden_layer_sizes": (8,), "ensemble_size": 1, "epochs": 3, "random_state": 0}


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 1.5, axis=-1)


def beside(value: float) -> np.ndarray:
    return np.column_stack([np.exp(X[:, 0]), np.full(len(X), value)])


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "poisson", "msle", "mape", own_loss])
def test_a_constant_is_predicted_exactly_whatever_the_loss(loss: Any) -> None:
    model = MultiTaskKerasRegressor(loss=loss, **SMALL).fit(X, beside(0.1))
    assert (model.predict(X)[:, 1] == 0.1).all()
    assert model.score_tasks(X, beside(0.1))["y1"] == 1.0
    assert np.isfinite(model.history_["loss"]).all()


def test_a_single_class_is_certain_in_a_blend_too() -> None:
    """Next to other tasks, given known labels, out of fold, and in draws."""
    y = pd.DataFrame({"same": "only", "sign": np.where(X[:, 0] > 0, "b", "a"), "sum": X[:, 0] + X[:, 1]})[:40]
    settings = {**SMALL, "ensemble_size": "auto", "epochs": 2}
    model = MultiTaskKerasEstimator(**settings).fit(X[:40], y)
    assert model.blend_ is not None
    assert (model.predict(X)["same"] == "only").all()
    assert (model.predict_proba(X)[0] == 1.0).all()
    assert model.oob_score_["same"] == 1.0
    known = y.assign(sign=None, sum=np.nan)
    np.testing.assert_allclose(model.predict_proba(X[:40], known=known)[1], model.predict_proba(X[:40])[1])
    outputs = model.model_.predict(X[:5].astype(np.float32), verbose=0)
    np.testing.assert_allclose(outputs[1], model.predict_proba(X[:5])[1], atol=1e-5)
    assert (outputs[0] == np.ones((5, 1))).all()
    alone = MultiTaskKerasClassifier(**settings).fit(X[:40], y["same"])
    assert (alone.predict_proba(X) == 1.0).all()
    assert (alone.sample_y(X[:2], n_samples=3, random_state=0) == "only").all()


def test_the_keras_model_gives_a_single_class_the_probability_of_predict_proba() -> None:
    y = np.column_stack([np.full(40, "only"), np.where(X[:40, 0] > 0, "b", "a")])
    model = MultiTaskKerasClassifier(**SMALL).fit(X[:40], y)
    outputs = model.model_.predict(X[:5].astype(np.float32), verbose=0)
    for found, expected in zip(outputs, model.predict_proba(X[:5]), strict=True):
        np.testing.assert_allclose(found.reshape(5, -1)[:, -1], expected[:, -1], atol=1e-5)


@pytest.mark.parametrize("value", [0.0, -3.7, 1e-30, 1e200])
@pytest.mark.parametrize("changes", [{}, {"loss": "mape"}, {"scale_targets": False}], ids=str)
def test_any_constant(value: float, changes: dict[str, Any]) -> None:
    weights = np.where(np.arange(len(X)) % 3, 0.7, 0.1)
    model = MultiTaskKerasRegressor(**{**SMALL, **changes}).fit(X, beside(value), weights)
    assert (model.predict(X)[:, 1] == value).all()
    assert np.isfinite(model.predict(X)).all()


def test_the_blend_and_its_out_of_fold_predictions_are_exact_too() -> None:
    model = MultiTaskKerasRegressor(epochs=2, random_state=0).fit(X, beside(0.1))
    assert (model.predict(X)[:, 1] == 0.1).all()
    assert (model.oob_prediction_[:, 1] == 0.1).all()
    assert (model.oob_residuals_[:, 1] == 0).all()
    assert model.oob_score_["y1"] == 1.0


def test_a_constant_next_to_classes_is_exact_too() -> None:
    y = np.column_stack([X[:, 0] > 0, np.full(len(X), 0.1)]).astype(object)
    types = {"y0": "classification", "y1": "regression"}
    model = MultiTaskKerasEstimator(task_types=types, loss=["categorical_crossentropy", "mae"], **SMALL).fit(X, y)
    assert (model.predict(X)[:, 1].astype(float) == 0.1).all()


@pytest.mark.parametrize(
    "changes",
    [{}, {"loss": "poisson"}, {"scale_targets": False}, {"head_layer_sizes": (4,), "ensemble_size": 2}],
    ids=str,
)
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_a_constant_that_varies_later_is_learned(changes: dict[str, Any], begin: str) -> None:
    y = np.column_stack([np.exp(X[:, 1]), 5 + np.exp(X[:, 0])])
    model = MultiTaskKerasRegressor(**{**SMALL, "learning_rate": 0.01, **changes})
    getattr(model, begin)(X, np.column_stack([y[:, 0], np.full(len(X), 5.0)]))
    assert (model.predict(X)[:, 1] == 5.0).all()
    for _ in range(150):
        model.partial_fit(X, y)
    assert model.score_tasks(X, y).min() > 0.7


def test_warm_start_learns_it_too() -> None:
    model = MultiTaskKerasRegressor(**{**SMALL, "epochs": 60}, learning_rate=0.03, warm_start=True)
    model.fit(X, np.ones(len(X))).fit(X, X[:, 0])
    assert model.score(X, X[:, 0]) > 0.9


def own_model(meta: Any) -> keras.Model:
    inputs = keras.Input((meta["n_features_in_"],))
    return keras.Model(inputs, [keras.layers.Dense(1)(inputs) for _ in meta["task_names_"]])


@pytest.mark.parametrize(
    "changes", [{"architecture": "task_conditioned"}, {"model": own_model}], ids=["head of several tasks", "own model"]
)
def test_new_labels_are_refused_if_the_head_cannot_be_rescaled(changes: dict[str, Any]) -> None:
    parameters = {**SMALL, **changes}
    if "model" in changes:
        del parameters["hidden_layer_sizes"]
    model = MultiTaskKerasRegressor(**parameters).fit(X, beside(5.0))
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"All labels of task 'y1' were 5 .* fit a new estimator"):
        model.partial_fit(X, X[:, :2])
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("changes", [{}, {"head_layer_sizes": (4,)}, {"architecture": "mmoe"}], ids=str)
def test_a_new_scale_changes_no_prediction(members: int, changes: dict[str, Any]) -> None:
    """With a tiny learning rate, the only effect of a call is a new scale."""
    y = np.column_stack([X[:, 0], 50 + X[:, 1] / 1000])
    model = MultiTaskKerasRegressor(**{**SMALL, **changes, "ensemble_size": members}, learning_rate=1e-12)
    before = model.partial_fit(X, y).predict(X)
    after = model.partial_fit(X, np.column_stack([X[:, 0], 50 + X[:, 1]])).predict(X)
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert model.network_.scaling.scale[1] > 0.5


def test_labels_far_outside_the_first_ones_do_not_affect_other_tasks() -> None:
    y = np.column_stack([X[:, 0] * 10, X[:, 1] * 10 + 50])
    first = np.column_stack([y[:, 0], 50 + X[:, 1] / 1000])
    model = MultiTaskKerasRegressor(**SMALL, learning_rate=0.01).partial_fit(X, first)
    for _ in range(200):
        model.partial_fit(X, y)
    assert model.score_tasks(X, y).min() > 0.95


def test_an_outlier_makes_no_new_scale() -> None:
    y = X[:, 0].copy()
    model = MultiTaskKerasRegressor(**SMALL).partial_fit(X, y)
    before = model.network_.scaling.scale[0]
    y[:20] = 1e6
    assert model.partial_fit(X, y).network_.scaling.scale[0] == before
