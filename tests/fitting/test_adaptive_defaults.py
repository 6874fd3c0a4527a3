"""The adaptive defaults: values for "auto" from the data's size and shape, unless the caller sets them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold

from skmtl import MultiTaskKerasRegressor
from skmtl.fitting._adaptive_defaults import PLAIN, resolved

from .._data import data_path
from ..estimators._builders import heads
from ..estimators._cases import ESTIMATORS, features, quantities, targets_for

X = features(80)
QUICK = {"hidden_layer_sizes": (8,), "epochs": 4, "random_state": 0}


def chosen(n: int = 80, width: int = 4, *, validated: bool = False, as_sparse: bool = False, **given: Any) -> Any:
    """Return the values of all parameters for a table of this shape."""
    rows = np.random.default_rng(0).normal(size=(n, width))
    y = rows[:, :2].sum(axis=1)
    model = MultiTaskKerasRegressor(**given)
    data = model._read(sparse.csr_array(rows) if as_sparse else rows, y, None, encoder=None, reset=True)
    return resolved(model._settings(), data.with_validation(data) if validated else data)


@pytest.mark.parametrize(
    ("n", "members", "epochs"), [(20, 8, 80), (5_000, 8, 80), (20_000, 4, 40), (100_000, 2, 18), (1_000_000, 2, 15)]
)
def test_more_rows_mean_fewer_epochs_and_members(n: int, members: int, epochs: int) -> None:
    settings = chosen(n, width=2)
    assert (settings["ensemble_size"], settings["epochs"]) == (members, epochs)
    assert "laplacian" in settings["blend"]
    assert settings["learning_rate_schedule"] == "cosine"
    assert settings["n_iter_no_change"] == 1 + epochs // 4


@pytest.mark.parametrize(
    "given",
    [{"ensemble_size": 1}, {"ensemble_size": 8}, {"model": heads}, {"warm_start": True}, {"n": 19}],
    ids=["one", "eight", "own model", "warm start", "few rows"],
)
def test_without_adaptive_defaults_networks_are_plain(given: dict[str, Any]) -> None:
    settings = chosen(**given)
    assert {name: settings[name] for name in PLAIN} == {**PLAIN, **{k: v for k, v in given.items() if k in PLAIN}}


@pytest.mark.parametrize(
    "given",
    [
        {"learning_rate": 0.5, "weight_decay": None, "dropout": 0.0, "activation": "relu"},
        {"blend": None, "numeric_embedding": None, "scale_inputs": False},
        {"epochs": 7, "n_iter_no_change": 3, "validation_fraction": 0.3, "learning_rate_schedule": "constant"},
    ],
    ids=["numbers", "parts", "training"],
)
def test_given_values_stay(given: dict[str, Any]) -> None:
    settings = chosen(**given)
    assert {name: settings[name] for name in given} == given
    assert settings["ensemble_size"] == 8


def test_no_blend_if_nothing_is_held_out_to_weigh_it() -> None:
    for case in ({"early_stopping": False}, {"loss": "mae"}, {"validated": True}):
        settings = chosen(**case)
        assert (settings["blend"], settings["ensemble_size"]) == (None, 8)


def test_few_dense_columns_are_embedded() -> None:
    assert [chosen(width=width)["numeric_embedding"].dim for width in (1, 16, 17, 100)] == [8, 8, 4, 4]
    assert chosen(width=101)["numeric_embedding"] is None
    assert chosen(as_sparse=True)["numeric_embedding"] is None
    assert chosen(width=101, numeric_embedding__n_bins=5)["numeric_embedding"] == "piecewise_linear"


def test_the_callers_optimizer_keeps_its_numbers() -> None:
    for given in ({"optimizer": "sgd"}, {"optimizer__learning_rate": 0.1}):
        settings = chosen(**given)
        assert (settings["learning_rate"], settings["weight_decay"]) == (None, None)
        assert settings["learning_rate_schedule"] == "constant"


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_adaptive_defaults_given_explicitly_make_the_same_fit(kind: type) -> None:
    y = targets_for(kind, X)
    model = kind(**QUICK).fit(X, y)
    data = model._read(X, y, None, encoder=None, reset=True)
    values = resolved(model._settings(), data).parameters
    spelt = clone(model).set_params(**values).fit(X, y)
    pd.testing.assert_frame_equal(model.blend_weights_, spelt.blend_weights_)
    np.testing.assert_array_equal(model.predict(X), spelt.predict(X))


def test_defaults_give_intervals_and_out_of_fold_scores() -> None:
    model = MultiTaskKerasRegressor(**QUICK).fit(X, quantities(X))
    assert np.isfinite(model.oob_prediction_).all()
    assert model.predict_interval(X, 0.8).shape == (80, 2, 2)
    assert list(model.oob_score_.index) == ["y0", "y1"]


def test_training_continues_from_a_network_of_the_adaptive_defaults() -> None:
    y = quantities(X)
    model = MultiTaskKerasRegressor(**QUICK).fit(X, y)
    alone = clone(model).set_params(blend=None).fit(X, y)
    with pytest.warns(UserWarning, match="drops its blend"):
        goes_on = model.partial_fit(X, y)
    assert goes_on.network_.members == 8
    assert goes_on.blend_ is None
    np.testing.assert_array_equal(goes_on.predict(X), alone.partial_fit(X, y).predict(X))
    warm = clone(model).fit(X, y).set_params(warm_start=True)
    with pytest.warns(UserWarning, match="drops its blend"):
        warm.fit(X, y)
    assert len(warm.history_["loss"]) == 8


def test_predictions_stay_near_the_range_of_the_labels() -> None:
    y = quantities(X)
    model = MultiTaskKerasRegressor(**QUICK).fit(X, y)
    predicted = model.predict(1e4 * X)
    margin = 0.25 * np.ptp(y, axis=0)
    assert (predicted >= y.min(axis=0) - margin - 1e-6).all()
    assert (predicted <= y.max(axis=0) + margin + 1e-6).all()
    np.testing.assert_allclose(np.hstack(model.model_.predict(1e4 * X, verbose=0)), predicted, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_defaults_beat_a_forest_on_concrete() -> None:
    table = pd.read_csv(data_path("slump.csv.gz"))
    y = pd.DataFrame({name: table.pop(name) for name in list(table) if name.startswith("target:")})
    errors: dict[str, list[float]] = {"ours": [], "forest": []}
    for train, test in KFold(5, shuffle=True, random_state=0).split(table):
        spread = y.iloc[train].std()
        for name, model in (
            ("ours", MultiTaskKerasRegressor(random_state=0)),
            ("forest", RandomForestRegressor(random_state=0)),
        ):
            found = model.fit(table.iloc[train], y.iloc[train]).predict(table.iloc[test])
            errors[name].append((((found - y.iloc[test]) / spread) ** 2).mean())
    assert np.mean(errors["ours"]) < 0.9 * np.mean(errors["forest"])
