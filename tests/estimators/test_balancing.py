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
from skmtl.balancing import Balancing, CAGrad

from ._cases import SMALL, features, mixed, quantities, with_gaps

X = features()


class Focal(Balancing):
    """The larger a task's loss, the larger its weight: the example in the base class."""

    requires = "losses"
    weighs_heads = True

    def __init__(self, *, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def decide(self, signal: Any, state: Any, constants: Any) -> tuple[tf.Tensor, Any]:
        raw = signal.loss_weights * signal.losses ** constants["gamma"]
        total = tf.reduce_sum(signal.loss_weights, -1, keepdims=True)
        return total * raw / tf.reduce_sum(raw, -1, keepdims=True), state


def test_a_search_goes_over_names_instances_and_options() -> None:
    settings = {**SMALL, "early_stopping": False}
    grid = {"balancing": ["equal", "mgda", CAGrad(c=0.9)]}
    search = GridSearchCV(MultiTaskKerasRegressor(**settings), grid, cv=2).fit(X, quantities(X))
    assert len(set(search.cv_results_["mean_test_score"])) == 3
    before = counters.snapshot().get("traces", 0)
    model = MultiTaskKerasRegressor(balancing="cagrad", **settings)
    options = GridSearchCV(model, {"balancing__c": [0.1, 0.9]}, cv=2).fit(X, quantities(X))
    assert len(set(options.cv_results_["mean_test_score"])) == 2
    # Its constants are inputs of the program that the search before has traced.
    assert counters.snapshot().get("traces", 0) == before


def test_an_own_method_plugs_in() -> None:
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
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasRegressor(**SMALL, **settings).fit(X, quantities(X))
