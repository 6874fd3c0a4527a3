"""Embedded numeric columns and robust scaling, through the estimators."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from skmtl import MultiTaskKerasRegressor
from skmtl.networks import Periodic, PiecewiseLinear

from ._cases import ESTIMATORS, LEARNING, SMALL, features, quantities, targets_for
from .test_counts import counted

RNG = np.random.default_rng(0)
WAVES = RNG.uniform(-3, 3, size=(400, 2))
# A wave that a small network has trouble with, and a step.
RISES = np.column_stack([np.sin(6 * WAVES[:, 0]), np.abs(WAVES[:, 1]) < 0.5])
WAVE = Periodic(frequency_scale=1.0)


@pytest.mark.parametrize("embedding", [PiecewiseLinear(n_bins=24, dim=4), WAVE])
def test_embeddings_learn_what_a_plain_network_does_not(embedding):
    settings = {**LEARNING, "ensemble_size": 2, "epochs": 60}
    plain = MultiTaskKerasRegressor(**settings).fit(WAVES[:300], RISES[:300])
    embedded = MultiTaskKerasRegressor(**settings, numeric_embedding=embedding).fit(WAVES[:300], RISES[:300])
    ours, theirs = (model.score_tasks(WAVES[300:], RISES[300:]) for model in (embedded, plain))
    assert ours.min() > 0.85
    assert (ours > theirs + 0.05).all()
    outputs = embedded.model_.predict(WAVES, verbose=0)
    np.testing.assert_allclose(np.column_stack(outputs), embedded.predict(WAVES), rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_all_estimators_embed_and_take_options_by_name(kind):
    X = features()
    model = kind(**SMALL, numeric_embedding="piecewise_linear", numeric_embedding__n_bins=3, numeric_embedding__dim=2)
    model.fit(X, targets_for(kind, X)).predict(X)
    assert model.network_.spec.inputs.numeric_embedding == PiecewiseLinear(n_bins=3, dim=2)
    assert clone(model).get_params()["numeric_embedding__n_bins"] == 3
    instance = clone(model).set_params(numeric_embedding=PiecewiseLinear(n_bins=4))
    assert instance.fit(X, targets_for(kind, X)).network_.spec.inputs.numeric_embedding.n_bins == 3


def test_other_bins_need_no_new_program():
    model = MultiTaskKerasRegressor(**SMALL, numeric_embedding=PiecewiseLinear(n_bins=5, dim=3))
    X = features()
    model.fit(X, quantities(X)).predict(X)
    # Other rows, other edges, fewer bins in one of the columns.
    other = np.exp(features(58, seed=4))
    other[:, 1] = np.round(other[:, 1])
    assert counted(lambda: model.fit(other, quantities(other)).predict(other))["traces"] == 0


def test_a_prediction_does_not_depend_on_other_rows():
    X = features(3000)
    model = MultiTaskKerasRegressor(**SMALL, numeric_embedding="periodic", scale_inputs="robust")
    model.fit(X[:80], quantities(X[:80]))
    together = model.predict(X)
    np.testing.assert_allclose(model.predict(X[:5]), together[:5], rtol=1e-4)
    np.testing.assert_allclose(model.predict(X[:5])[2], model.predict(X[2:3])[0], rtol=1e-13)


def test_sparse_rows_and_gaps_are_embedded_too():
    X = features()
    X[::5, 1] = np.nan
    model = MultiTaskKerasRegressor(**SMALL, numeric_embedding="piecewise_linear", scale_inputs="robust")
    y = quantities(features())
    dense, stored = clone(model).fit(X, y).predict(X), clone(model).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(stored.predict(sparse.csr_array(X)), dense, rtol=1e-5)
    assert np.isfinite(dense).all()


def test_robust_scaling_tames_an_outlier_that_standardising_does_not():
    X = features(200)
    y = quantities(X)[:, 0]
    X[0, 0] = 1e6
    standard, robust = (
        MultiTaskKerasRegressor(**LEARNING, scale_inputs=how).fit(X, y).score(X[1:], y[1:])
        for how in ("standard", "robust")
    )
    assert robust > 0.9 > standard


def test_standard_scaling_goes_by_three_names():
    X = features()
    models = [MultiTaskKerasRegressor(**SMALL, scale_inputs=how) for how in ("auto", True, "standard")]
    first, *others = (model.fit(X, quantities(X)).predict(X) for model in models)
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_gradients_of_embedded_columns_are_balanced():
    X = features()
    settings = {**SMALL, "balancing": "pcgrad", "numeric_embedding": "periodic"}
    model = MultiTaskKerasRegressor(**settings).fit(X, quantities(X))
    assert np.isfinite(model.predict(X)).all()


def test_an_optimizer_of_entire_variables_trains_embedded_columns():
    X = features()
    settings = {**SMALL, "optimizer": "muon", "numeric_embedding": "piecewise_linear", "ensemble_size": 2}
    model = MultiTaskKerasRegressor(**settings).fit(X, quantities(X))
    assert np.isfinite(model.predict(X)).all()


def test_partial_fit_keeps_the_first_bins():
    X = features()
    model = MultiTaskKerasRegressor(**SMALL, numeric_embedding="piecewise_linear")
    model.partial_fit(X[:40], quantities(X[:40]))
    edges = model.network_.features.bins.edges
    model.partial_fit(10 * X, quantities(X))
    for ours, theirs in zip(edges, model.network_.features.bins.edges, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"numeric_embedding": "fourier"}, ValueError, "Unknown numeric_embedding 'fourier'"),
        ({"numeric_embedding": None, "numeric_embedding__n_bins": 3}, ValueError, "numeric_embedding is None"),
        ({"numeric_embedding": Periodic}, TypeError, r"Pass Periodic\(\)"),
        ({"scale_inputs": "minmax"}, ValueError, "'scale_inputs' parameter"),
        ({"categorical_features": "all"}, ValueError, "'categorical_features' parameter"),
        ({"one_hot_max_size": -1}, ValueError, "'one_hot_max_size' parameter"),
    ],
)
def test_wrong_parameters_are_refused(given, error, message):
    X = features()
    with pytest.raises(error, match=message):
        MultiTaskKerasRegressor(**SMALL, **given).fit(X, quantities(X))


def test_a_subclass_is_refused_because_predictions_would_not_support_it():
    @dataclass(frozen=True)
    class Own(PiecewiseLinear):
        pass

    with pytest.raises(TypeError, match=r"an instance of skmtl.networks.PiecewiseLinear or Periodic"):
        MultiTaskKerasRegressor(**SMALL, numeric_embedding=Own()).fit(features(), quantities(features()))
