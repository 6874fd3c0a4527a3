"""The schemes through the estimators: mixed tasks, missing labels, members, export, searches, scikit-learn's checks."""

from __future__ import annotations

import functools
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl._counters import counters
from skmtl._records import Head
from skmtl.balancing import get
from skmtl.balancing import names as balancing_names
from skmtl.networks import CGC, PLE, Bypass, LowRank, MMoE, OMoE, Scheme, StackedNetwork, architecture_names

from .._shared_checks import shared_out
from ..estimators._cases import features, mixed, quantities, with_gaps
from ..test_common import EXPECTED
from ._schemes import SCHEMES, spec_of

pytestmark = pytest.mark.filterwarnings("ignore:.*__array__ implementation.*:DeprecationWarning")

X = features()
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (6, 5),
    "epochs": 3,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}
NETWORKS: dict[str, dict[str, Any]] = {
    "three members, towers, dropout": {"ensemble_size": 3, "head_layer_sizes": (4,), "dropout": 0.2},
    "double precision": {"dtype": "float64"},
}


def outputs(model: keras.Model, X: np.ndarray) -> list[np.ndarray]:
    return [value.numpy() for value in model(X.astype(np.float32))]


def cases() -> list[Any]:
    """Every scheme with members, and one of each class with other networks too; a few are fast enough."""
    names, result = architecture_names(), []
    for name, scheme in SCHEMES.items():
        for network, settings in NETWORKS.items():
            quick = name in ("shared_bottom", "mmoe", "task_conditioned") and "members" in network
            if name in names or "members" in network:
                marks = () if quick else pytest.mark.slow
                result.append(pytest.param(scheme, settings, id=f"{name}-{network}", marks=marks))
    return result


@pytest.mark.parametrize(("scheme", "settings"), cases())
def test_mixed_tasks_with_missing_labels_are_fitted_and_exported(
    scheme: Scheme, settings: dict[str, Any], tmp_path: Path
) -> None:
    model = MultiTaskKerasEstimator(architecture=scheme, **{**SMALL, **settings})
    predicted = model.fit(X, with_gaps(mixed(X))).predict(X)
    exported = model.model_
    exported.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for found in (outputs(exported, X), outputs(loaded, X)):
        np.testing.assert_allclose(found[0][:, 0], predicted["price"].astype(float), rtol=1e-4)
        for output, proba in zip(found[1:], model.predict_proba(X)[1:], strict=True):
            np.testing.assert_allclose(output, proba, rtol=1e-3, atol=1e-5)


@functools.cache
def fitted(name: str) -> MultiTaskKerasRegressor:
    settings = {**SMALL, "hidden_layer_sizes": (16,), "epochs": 60, "learning_rate": 0.02}
    return MultiTaskKerasRegressor(architecture=SCHEMES[name], **settings).fit(X, quantities(X))


@pytest.mark.parametrize("name", architecture_names())
def test_every_scheme_learns_each_of_two_tasks(name: str) -> None:
    assert fitted(name).score_tasks(X, quantities(X)).min() > 0.8


@pytest.mark.parametrize("name", architecture_names())
def test_predictions_of_many_rows_and_of_few_rows_are_equal(name: str) -> None:
    few, many = fitted(name).predict(X), fitted(name).predict(np.tile(X, (40, 1)))
    np.testing.assert_allclose(many, np.tile(few, (40, 1)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fitted(name).predict(X[:1]), few[:1], rtol=1e-12)


@pytest.mark.parametrize("name", architecture_names())
def test_a_pickled_estimator_predicts_the_same(name: str) -> None:
    loaded = pickle.loads(pickle.dumps(fitted(name)))
    assert loaded.architecture == SCHEMES[name]
    np.testing.assert_array_equal(loaded.predict(X), fitted(name).predict(X))


def test_names_and_instances_can_be_searched_over() -> None:
    y = quantities(X)
    grid = {"architecture": ["shared_bottom", MMoE(2), LowRank(1)]}
    search = GridSearchCV(MultiTaskKerasRegressor(**SMALL), grid, cv=2).fit(X, y)
    assert list(search.cv_results_["param_architecture"]) == grid["architecture"]
    assert len(set(search.cv_results_["mean_test_score"])) == 3
    best = search.best_params_["architecture"]
    assert search.best_estimator_.get_params()["architecture"] == best


@pytest.mark.parametrize("architecture", ["cgc", CGC(n_task_experts=2)])
def test_options_can_be_searched_over(architecture: Any) -> None:
    model = MultiTaskKerasRegressor(architecture=architecture, **SMALL)
    search = GridSearchCV(model, {"architecture__n_shared_experts": [1, 3]}, cv=2).fit(X, quantities(X))
    chosen = dict(search.best_estimator_.network_.spec.options)
    assert chosen["n_shared_experts"] == search.best_params_["architecture__n_shared_experts"]
    assert chosen["n_task_experts"] == (1 if architecture == "cgc" else 2)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def traces(*models: Any) -> int:
    before = counters.snapshot().get("traces", 0)
    for model in models:
        model.fit(X, quantities(X))
    return counters.snapshot().get("traces", 0) - before


def test_a_name_and_an_instance_share_a_program_and_numbers_trace_nothing() -> None:
    settings = {**SMALL, "hidden_layer_sizes": (7,), "dropout": 0.1}
    assert traces(MultiTaskKerasRegressor(architecture="mmoe", architecture__n_experts=2, **settings)) == 1
    assert traces(MultiTaskKerasRegressor(architecture=MMoE(2), **settings)) == 0
    assert traces(MultiTaskKerasRegressor(architecture=MMoE(8), architecture__n_experts=2, **settings)) == 0
    settings |= {"dropout": 0.3, "learning_rate": 0.1, "random_state": 1}
    assert traces(MultiTaskKerasRegressor(architecture=MMoE(2), **settings)) == 0
    assert traces(MultiTaskKerasRegressor(architecture=MMoE(3), **settings)) == 1


def operations(scheme: Any, tasks: int) -> int:
    """Number of operations of a network's forward pass and gradient."""
    heads = tuple(Head(f"y{i}", 1, "identity") for i in range(tasks))
    network = StackedNetwork(spec_of(scheme, heads=heads))

    @tf.function(autograph=False)
    def gradient(flat: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(flat)
            loss = tf.reduce_sum(network.forward(flat, [], rows, training=True)[0] ** 2)
        return tape.gradient(loss, flat)

    flat = tf.TensorSpec((1, network.parameters[-1].stop), tf.float32)
    return len(gradient.get_concrete_function(flat, tf.TensorSpec((1, None, 4), tf.float32)).graph.get_operations())


@pytest.mark.parametrize("name", architecture_names())
def test_more_tasks_do_not_add_operations(name: str) -> None:
    assert operations(SCHEMES[name], tasks=12) == operations(SCHEMES[name], tasks=3)


@pytest.mark.parametrize(("few", "many"), [(MMoE(2), MMoE(8)), (CGC(2, 2), CGC(8, 8)), (PLE(2, 2), PLE(8, 8))])
def test_more_experts_do_not_add_operations(few: Any, many: Any) -> None:
    assert operations(many, tasks=3) == operations(few, tasks=3)


@pytest.mark.parametrize("name", ["mmoe", "omoe", "cgc", "ple"])
def test_gate_dropout_acts_only_in_training_and_depends_on_the_seed(name: str) -> None:
    def dropping(rate: float) -> MultiTaskKerasRegressor:
        model = MultiTaskKerasRegressor(architecture=name, architecture__gate_dropout=rate, **SMALL)
        return model.fit(X, quantities(X))

    first, again, without = dropping(0.5), dropping(0.5), dropping(0.0)
    np.testing.assert_array_equal(first.predict(X), again.predict(X))
    np.testing.assert_array_equal(first.predict(X), first.predict(X))
    assert np.abs(first.predict(X) - without.predict(X)).max() > 1e-3
    for found, expected in zip(outputs(first.model_, X), first.predict(X).T, strict=True):
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-4)


def test_without_shared_parameters_there_are_no_gradients_to_balance() -> None:
    models = [MultiTaskKerasRegressor(architecture="independent", balancing=by, **SMALL) for by in ("mgda", "equal")]
    balanced, equal = (model.fit(X, quantities(X)).predict(X) for model in models)
    np.testing.assert_allclose(balanced, equal, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", architecture_names())
def test_xla_trains_to_the_same_predictions(name: str) -> None:
    def predictions(jit: bool) -> np.ndarray:
        settings = {
            **SMALL,
            "ensemble_size": 2,
            "head_layer_sizes": (4,),
            "activation": "tanh",
            "jit_compile": jit,
        }
        model = MultiTaskKerasEstimator(architecture=SCHEMES[name], **settings).fit(X, mixed(X))
        return np.hstack([model.predict_proba(X)[1], pd.to_numeric(model.predict(X)["price"]).to_numpy()[:, None]])

    np.testing.assert_allclose(predictions(True), predictions(False), rtol=1e-3, atol=1e-4)


CHECKED: dict[str, Any] = {
    "hidden_layer_sizes": (12,),
    "learning_rate": 0.1,
    "epochs": 10,
    "early_stopping": False,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}
REGRESSOR, CLASSIFIER, MIXED_KINDS = MultiTaskKerasRegressor, MultiTaskKerasClassifier, MultiTaskKerasEstimator
# Every scheme with every balancing and every kind would be 540 configurations of some 60 checks. A check can fail
# by the scheme, by the balancing or by what the estimator makes of its targets, hardly by a combination of all
# three: so each balancing comes once, each scheme twice with balancings and kinds that differ, and each kind six
# times, two of them or more with a balancing on gradients. "shared_bottom" with "equal" is checked in test_common, for
# all kinds and with early stopping. The two configurations of a scheme share out
# the checks: each scheme meets each check once.
CONFIGURATIONS: list[tuple[Any, Any, str]] = [
    (REGRESSOR, "bypass", "upgrad"),
    (MIXED_KINDS, "bypass", "uncertainty"),
    (MIXED_KINDS, "mmoe", "cagrad"),
    (CLASSIFIER, "mmoe", "log"),
    (REGRESSOR, "omoe", "mgda"),
    (CLASSIFIER, "omoe", "famo"),
    (REGRESSOR, "cgc", "stch"),
    (CLASSIFIER, "cgc", "dwa"),
    (REGRESSOR, "ple", "equal"),
    (MIXED_KINDS, "ple", "gradnorm"),
    (REGRESSOR, "cross_stitch", "imtl_g"),
    (CLASSIFIER, "cross_stitch", "random"),
    (MIXED_KINDS, "independent", "nash"),
    (CLASSIFIER, "independent", "gradvac"),
    (MIXED_KINDS, "low_rank", "uw_so"),
    (CLASSIFIER, "low_rank", "pcgrad"),
    (REGRESSOR, "task_conditioned", "static"),
    (MIXED_KINDS, "task_conditioned", "aligned"),
]
# Small options for schemes with large defaults.
CHECKED_SCHEMES: dict[str, Any] = {"bypass": Bypass(8), "mmoe": MMoE(2), "omoe": OMoE(2)}
CHECKED_SCHEMES = {n: CHECKED_SCHEMES.get(n, n) for n in architecture_names() if n != "shared_bottom"}


def configured(kind: Any, name: str, balancing: str, **settings: Any) -> Any:
    """The estimator of a configuration; "static" needs weights, and most checks have a single task."""
    weights = {"loss_weights": {"y0": 2.0}} if balancing == "static" else {}
    return kind(architecture=CHECKED_SCHEMES[name], balancing=balancing, **{**CHECKED, **weights, **settings})


def test_the_checked_configurations_cover_schemes_balancings_and_kinds() -> None:
    kinds_of = {name: {k for k, scheme, _ in CONFIGURATIONS if scheme == name} for name in CHECKED_SCHEMES}
    assert set(map(len, kinds_of.values())) == {2}
    assert sorted(balancing for *_, balancing in CONFIGURATIONS) == balancing_names()
    on_gradients = Counter(kind for kind, _, name in CONFIGURATIONS if get(name).requires != "losses")
    assert set(Counter(kind for kind, *_ in CONFIGURATIONS).values()) == {6}
    assert min(on_gradients[kind] for kind in (REGRESSOR, CLASSIFIER, MIXED_KINDS)) >= 2


def checks() -> list[Any]:
    """Return scikit-learn's checks, shared out between the two configurations of each scheme."""
    labelled = [
        (f"{scheme}-{balancing}", configured(kind, scheme, balancing)) for kind, scheme, balancing in CONFIGURATIONS
    ]
    pairs = zip(labelled[::2], labelled[1::2], strict=True)
    return [case for first, second in pairs for case in shared_out(first, second, EXPECTED)]


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "balancing"), [(name, by) for _, name, by in CONFIGURATIONS[::2]], ids=str)
def test_a_weight_of_two_is_a_row_twice_in_float64_with_one_batch(scheme: str, balancing: str) -> None:
    settings = {"dtype": "float64", "batch_size": 1000, "shuffle": False}
    estimator = configured(MultiTaskKerasRegressor, scheme, balancing, **settings)
    check_sample_weight_equivalence_on_dense_data("MultiTaskKerasRegressor", estimator)
