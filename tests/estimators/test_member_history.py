"""Losses of the members, and their mean."""

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.estimators._member_history import append_epochs


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return X, np.column_stack([X[:, 0], X[:, 1] + X[:, 2]])


def test_history_is_the_mean_of_the_members(rows):
    model = MultiTaskKerasRegressor(hidden_layer_sizes=8, ensemble_size=3, epochs=4, random_state=0).fit(*rows)
    assert set(model.member_history_) == set(model.history_)
    for name, series in model.member_history_.items():
        assert series.shape == (model.n_iter_, 3)
        np.testing.assert_allclose(series.mean(axis=1), model.history_[name], rtol=1e-6)
    assert np.ptp(model.member_history_["loss"], axis=1).min() > 0


def test_warm_start_continues_the_history_of_the_members(rows):
    model = MultiTaskKerasRegressor(hidden_layer_sizes=8, epochs=3, warm_start=True, random_state=0, ensemble_size=1)
    first = model.fit(*rows).member_history_["loss"]
    again = model.fit(*rows).member_history_["loss"]
    assert again.shape == (6, 1)
    np.testing.assert_array_equal(again[:3], first)


def test_a_series_added_later_starts_at_its_own_epoch():
    joined = append_epochs({"loss": np.ones((2, 1))}, {"loss": np.zeros((1, 1)), "val_loss": np.full((1, 1), 5.0)})
    np.testing.assert_array_equal(joined["loss"], [[1], [1], [0]])
    np.testing.assert_array_equal(joined["val_loss"], [[np.nan], [np.nan], [5]])
    ended = append_epochs(joined, {"loss": np.zeros((2, 1))})
    np.testing.assert_array_equal(ended["val_loss"], [[np.nan], [np.nan], [5], [np.nan], [np.nan]])
