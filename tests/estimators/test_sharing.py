"""sharing="auto": each task uses the shared trunk only as far as it helps."""

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks

SETTINGS = {
    "ensemble_size": 4,
    "validation_fraction": 0.25,
    "learning_rate": 0.01,
    "epochs": 60,
    "early_stopping": True,
}


def fitted(network, X, y, **settings):
    return MultiTaskKerasRegressor(**SETTINGS, **network, **settings, random_state=0).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_tasks_limited_to_two_shared_units_are_as_good_as_single_task(seed):
    X, y = make_related_tasks(
        n_samples=1200, n_features=10, n_tasks=5, n_waves=1, noise=0.5, relatedness=0.0, random_state=seed
    )
    train, test, network = slice(0, 400), slice(400, None), {"hidden_layer_sizes": (2,)}
    auto, shared = (fitted(network, X[train], y[train], sharing=sharing) for sharing in ("auto", "shared"))
    alone = [fitted(network, X[train], y[train, i]).score(X[test], y[test, i]) for i in range(5)]
    gains = auto.score_tasks(X[test], y[test]) - alone
    assert gains.min() > -0.05
    assert auto.score(X[test], y[test]) > shared.score(X[test], y[test]) + 0.05
    assert (auto.blend_weights_.loc["independent_network"] > auto.blend_weights_.loc["network"]).all()


def test_adaptive_defaults_and_plain_networks_support_it():
    X, y = make_related_tasks(n_samples=60, n_features=3, n_tasks=2, random_state=0)
    rule = MultiTaskKerasRegressor(sharing="auto", epochs=2, random_state=0).fit(X, y)
    assert list(rule.blend_weights_.index) == ["network", "independent_network", "ridge", "rbf", "laplacian"]
    plain = MultiTaskKerasRegressor(sharing="auto", ensemble_size=2, early_stopping=True, epochs=2, random_state=0)
    assert list(plain.fit(X, y).blend_weights_.index) == ["network", "independent_network"]


def test_one_task_has_nothing_to_share():
    X, y = make_related_tasks(n_samples=60, n_features=3, n_tasks=1, random_state=0)
    plain = MultiTaskKerasRegressor(ensemble_size=2, epochs=2, random_state=0).fit(X, y)
    auto = MultiTaskKerasRegressor(ensemble_size=2, epochs=2, sharing="auto", random_state=0).fit(X, y)
    assert auto.blend_ is None
    np.testing.assert_array_equal(auto.predict(X), plain.predict(X))


def test_partial_fit_refuses_it():
    assert not hasattr(MultiTaskKerasRegressor(sharing="auto"), "partial_fit")
