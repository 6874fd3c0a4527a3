"""The parameter ``balancing`` through the estimators: names, instances, own methods, searches, missing labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl._counters import counters
from skmtl.balancing import MGDA, Balancing, CAGrad, get, names

from ..estimators._builders import heads as two_heads
from ..estimators._cases import SMALL, features, mixed, quantities, with_gaps

X = features()


class Focal(Balancing):
    """Gives larger weights to larger losses: the example in the base class."""

    requires = "losses"
    weighs_heads = True

    def __init__(self, *, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def decide(self, signal: Any, state: Any, constants: Any) -> tuple[tf.Tensor, Any]:
        raw = signal.loss_weights * signal.losses ** constants["gamma"]
        total = tf.reduce_sum(signal.loss_weights, -1, keepdims=True)
        return total * raw / tf.reduce_sum(raw, -1, keepdims=True), state


def test_a_search_tries_names_instances_and_options() -> None:
    settings = {**SMALL, "early_stopping": False}
    grid = {"balancing": ["equal", "mgda", CAGrad(c=0.9)]}
    search = GridSearchCV(MultiTaskKerasRegressor(**settings), grid, cv=2).fit(X, quantities(X))
    assert len(set(search.cv_results_["mean_test_score"])) == 3
    before = counters.snapshot().get("traces", 0)
    model = MultiTaskKerasRegressor(balancing="cagrad", **settings)
    options = GridSearchCV(model, {"balancing__c": [0.1, 0.9]}, cv=2).fit(X, quantities(X))
    assert len(set(options.cv_results_["mean_test_score"])) == 2
    # Its constants are inputs of the program that the earlier search traced.
    assert counters.snapshot().get("traces", 0) == before


def test_a_custom_method_can_be_used() -> None:
    y = with_gaps(quantities(X))
    models = [MultiTaskKerasRegressor(balancing=Focal(gamma=by), **SMALL).fit(X, y) for by in (0.0, 3.0)]
    plain = MultiTaskKerasRegressor(**SMALL).fit(X, y)
    np.testing.assert_allclose(models[0].predict(X), plain.predict(X), rtol=1e-4)
    assert np.abs(models[1].predict(X) - plain.predict(X)).max() > 1e-4
    assert clone(models[1]).balancing.gamma == 3.0
    weights = np.array([models[1].history_[f"y{task}_weight"] for task in range(2)])
    np.testing.assert_allclose(weights.sum(axis=0), 2.0, rtol=1e-4)


def test_members_mixed_tasks_and_missing_labels_are_balanced_by_gradients() -> None:
    y = with_gaps(mixed(X))
    model = MultiTaskKerasEstimator(balancing="upgrad", **{**SMALL, "ensemble_size": 2}).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert np.isfinite(model.gradient_cosines_).all()
    equal = MultiTaskKerasEstimator(**{**SMALL, "ensemble_size": 2}).fit(X, y)
    assert np.abs(model.predict(X)["price"].astype(float) - equal.predict(X)["price"].astype(float)).max() > 1e-4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"balancing": "pcgard"}, "pcgrad"),
        ({"balancing": "static"}, "pass them as loss_weights"),
        ({"balancing": "cagrad", "balancing__d": 1.0}, "no parameter 'd'"),
        ({"balancing": "cagrad", "balancing__c": -1.0}, "'c' parameter"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasRegressor(**SMALL, **settings).fit(X, quantities(X))


ON_GRADIENTS = [name for name in names() if get(name).requires != "losses"]
AT_REPRESENTATION = {"balancing__gradients_of": "representation"}


@pytest.mark.parametrize("name", names())
def test_gradients_of_changes_gradient_methods_and_others_refuse_it(name: str) -> None:
    y, weights = np.column_stack([X[:, 0], X[:, 1] - X[:, 0], X[:, 2]]), {"loss_weights": [2.0, 1.0, 1.0]}
    y[::3, 1] = np.nan
    model = MultiTaskKerasRegressor(balancing=name, **weights, **SMALL, **AT_REPRESENTATION)
    if name not in ON_GRADIENTS:
        with pytest.raises(ValueError, match="no parameter 'gradients_of'"):
            model.fit(X, y)
        return
    exact = MultiTaskKerasRegressor(balancing=name, **weights, **SMALL).fit(X, y)
    cosines = model.fit(X, y).gradient_cosines_
    assert np.abs(cosines - exact.gradient_cosines_).max() > 1e-3
    np.testing.assert_allclose(np.diagonal(cosines, axis1=1, axis2=2), 1.0, rtol=1e-5)
    assert np.abs(model.predict(X) - exact.predict(X)).max() > 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"dtype": "float64", "head_layer_sizes": (4,)}, {"ensemble_size": 3, "dropout": 0.2}],
    ids=["towers in float64", "members"],
)
def test_gradients_at_the_representation_train_with_xla_as_without(changes: dict[str, Any]) -> None:
    y = with_gaps(mixed(X))
    settings = {**SMALL, **AT_REPRESENTATION, **changes}
    models = [
        MultiTaskKerasEstimator(balancing="upgrad", **{**settings, "jit_compile": jit}).fit(X, y)
        for jit in (True, False)
    ]
    prices = [model.predict(X)["price"].astype(float) for model in models]
    np.testing.assert_allclose(*prices, rtol=1e-3)
    np.testing.assert_allclose(models[0].gradient_cosines_, models[1].gradient_cosines_, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "mmoe"}, "'mmoe': some shared layers .* Set gradients_of='parameters'"),
        ({"hidden_layer_sizes": ()}, "'shared_bottom': the tasks share no layer"),
        ({"balancing__gradients_of": "heads"}, "'gradients_of' parameter of MGDA must be one of .*, got 'heads'"),
    ],
)
def test_gradients_at_a_missing_representation_are_refused(settings: dict[str, Any], message: str) -> None:
    settings = {**SMALL, "balancing": "mgda", **AT_REPRESENTATION, **settings}
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasRegressor(**settings).fit(X, quantities(X))


def test_gradients_at_the_representation_of_the_callers_model_are_refused() -> None:
    model = MultiTaskKerasRegressor(
        model=two_heads, balancing=MGDA(gradients_of="representation"), epochs=1, ensemble_size=1
    )
    with pytest.raises(ValueError, match=r"There is none in the network of model=: it is unknown where"):
        model.fit(X, quantities(X))


class FocalThere(Focal):
    """Asks for gradients that it does not use."""

    gradients_of = "representation"


def test_a_custom_method_on_losses_that_asks_for_gradients_is_refused() -> None:
    with pytest.raises(ValueError, match="FocalThere uses losses, not gradients"):
        MultiTaskKerasRegressor(balancing=FocalThere(), **SMALL).fit(X, quantities(X))


def test_partial_fit_resets_the_state_if_gradients_of_changes() -> None:
    y, settings = quantities(X), {**SMALL, "balancing": "gradvac"}
    model = MultiTaskKerasRegressor(**settings).partial_fit(X, y)
    label, _ = model.network_.balancing_state
    model.set_params(**AT_REPRESENTATION).partial_fit(X, y)
    assert model.network_.balancing_state[0] != label
