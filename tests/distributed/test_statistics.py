"""Statistics merged from shards are those that a local fit computes from all rows."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.distributed import _statistics, fit

from ._data import FEATURES, folder_of, table

IN_ORDER = {
    "hidden_layer_sizes": 4,
    "ensemble_size": 1,
    "epochs": 1,
    "random_state": 0,
    "shuffle": False,
    "early_stopping": False,
}


@pytest.fixture
def small_sample(monkeypatch):
    """Limit the sample to a third of the rows."""
    monkeypatch.setattr(_statistics, "SAMPLE_ROWS", 80)


def test_merged_moments_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(1e6, 2.0, (500, 3)), rng.uniform(0.1, 3.0, 500)
    values[rng.random((500, 3)) < 0.1] = np.nan
    merged = _statistics.Moments.none(3)
    for start in range(0, 500, 90):
        merged.add(_statistics.Moments.of(values[start : start + 90], weights[start : start + 90]))
    expected = StandardScaler().fit(values, sample_weight=weights)
    assert np.allclose(merged.mean, expected.mean_, rtol=1e-14)
    assert np.allclose(merged.deviation, np.sqrt(expected.var_), rtol=1e-9)
    assert np.array_equal(merged.low, np.nanmin(values, axis=0))
    assert np.array_equal(merged.high, np.nanmax(values, axis=0))
    assert merged.gaps.all()


@pytest.mark.usefixtures("small_sample")
def test_means_deviations_classes_and_units_are_those_of_all_rows_even_if_the_sample_is_smaller(tmp_path):
    frame = table()
    frame.loc[:, "b"] = frame["b"].where(frame.index == 7, frame["b"].fillna(0.5))
    targets = ["y", "z", "label"]
    folder = folder_of(frame, tmp_path)
    estimator = MultiTaskKerasEstimator(**IN_ORDER, one_hot_max_size=2)
    streamed = fit(estimator, folder, targets, features=FEATURES, sample_weight="weight").network_
    local = estimator.fit(frame[FEATURES], frame[targets], sample_weight=frame["weight"]).network_
    found, expected = streamed.features, local.features
    assert np.allclose(found.numeric.center, expected.numeric.center, rtol=1e-12)
    assert np.allclose(found.numeric.scale, expected.numeric.scale, rtol=1e-12)
    assert found.numeric.indicators.tolist() == expected.numeric.indicators.tolist()
    assert found.slots.embedded == expected.slots.embedded
    assert np.array_equal(found.slots.lookup[0], expected.slots.lookup[0])
    assert np.allclose(streamed.scaling.scale, local.scaling.scale, rtol=1e-12)
    assert np.allclose(streamed.scaling.shift, local.scaling.shift, rtol=1e-12)
    assert np.allclose(streamed.units, local.units, rtol=1e-12)
    # With the same inputs and labels, training gives the same network.
    assert np.allclose(streamed.parameters, local.parameters, atol=1e-5)


@pytest.mark.usefixtures("small_sample")
def test_quantiles_of_a_sample_are_within_the_stated_error(tmp_path):
    frame = table(2000)
    folder = folder_of(frame, tmp_path, row_group_size=300)
    estimator = MultiTaskKerasRegressor(**IN_ORDER, scale_inputs="robust", numeric_embedding="piecewise_linear")
    streamed = fit(estimator, folder, "y", features=["a"]).network_.features
    # The bound for 80 rows, at 99 %.
    error = np.sqrt(np.log(2 / 0.01) / (2 * 80))
    rank = (frame["a"] <= streamed.numeric.center[0]).mean()
    assert abs(rank - 0.5) < error
    edges = streamed.bins.edges[0] * streamed.numeric.scale[0] + streamed.numeric.center[0]
    ranks = [(frame["a"] <= edge).mean() for edge in edges]
    assert np.abs(ranks - np.linspace(0, 1, len(edges))).max() < error


@pytest.mark.usefixtures("small_sample")
def test_edges_of_bins_follow_the_scale_of_all_rows(tmp_path):
    frame = table()
    folder = folder_of(frame, tmp_path)
    estimator = MultiTaskKerasRegressor(**IN_ORDER, numeric_embedding="piecewise_linear")
    features = fit(estimator, folder, "y", features=["a"]).network_.features
    edges = features.bins.edges[0] * features.numeric.scale[0] + features.numeric.center[0]
    assert np.isclose(np.abs(edges[:, None] - frame["a"].to_numpy()).min(axis=1), 0, atol=1e-9).all()


def test_constant_targets_and_features_are_handled_as_in_memory(tmp_path, small_sample):
    frame = table()[["a", "b", "y"]].assign(b=2.5, z=4.0)
    fitted = fit(MultiTaskKerasRegressor(**IN_ORDER), folder_of(frame, tmp_path), ["y", "z"])
    assert (fitted.predict(frame[["a", "b"]])[:, 1] == 4.0).all()
    assert np.array_equal(fitted.predict(frame[["a", "b"]]), fitted.predict(frame[["a", "b"]].assign(b=100.0)))
