"""The same random_state gives the same bits, and no global generator or switch is changed."""

import random

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.base import clone
from tensorflow.python.eager import context
from tensorflow.python.framework.config import is_op_determinism_enabled

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._builders import heads
from ._cases import SMALL, features, mixed, quantities
from ._process import run_python

X = features()
OWN = {name: value for name, value in SMALL.items() if name != "hidden_layer_sizes"}

SETTINGS = {
    "plain": SMALL,
    "ensemble, dropout, early stopping": {**SMALL, "ensemble_size": 3, "dropout": 0.3, "early_stopping": True},
    "xla": {**SMALL, "ensemble_size": 2, "dropout": 0.3, "jit_compile": True},
    "built by the caller": {**OWN, "model": heads, "model__noise": 0.3, "ensemble_size": 2},
}

ELSEWHERE = """
import sys
import numpy as np
from skmtl import MultiTaskKerasEstimator
from tests.estimators._builders import heads
from tests.estimators._cases import features, mixed

X = features()
for position, settings in enumerate({settings}):
    estimator = MultiTaskKerasEstimator(**settings).fit(X, mixed(X))
    np.save(f"{folder}/{{position}}.npy", estimator.predict(X)["price"].to_numpy())
"""


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_the_same_seed_gives_the_same_bits(settings):
    first = MultiTaskKerasEstimator(**settings).fit(X, mixed(X))
    second = clone(first).fit(X, mixed(X))
    np.testing.assert_array_equal(first.network_.parameters, second.network_.parameters)
    pd.testing.assert_frame_equal(first.predict(X), second.predict(X), check_exact=True)
    assert first.history_ == second.history_
    other = clone(first).set_params(random_state=1).fit(X, mixed(X))
    assert not np.array_equal(first.network_.parameters, other.network_.parameters)


def test_a_random_state_instance_gives_another_fit_every_time_and_the_same_run_again():
    def run():
        state = np.random.RandomState(0)
        return [
            MultiTaskKerasRegressor(**{**SMALL, "random_state": state}).fit(X, quantities(X)).predict(X) for _ in "ab"
        ]

    first, second = run(), run()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_without_a_seed_fits_differ():
    fits = [MultiTaskKerasRegressor(**{**SMALL, "random_state": None}).fit(X, quantities(X)) for _ in "ab"]
    assert not np.array_equal(fits[0].predict(X), fits[1].predict(X))


def test_members_start_and_hold_out_differently():
    model = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 3}, early_stopping=True).fit(X, quantities(X))
    parameters, held = model.network_.parameters, model.network_.held_out
    assert not np.allclose(parameters[0], parameters[1])
    assert not np.array_equal(held[0], held[1])


def test_dropout_changes_training_but_not_prediction():
    plain = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    dropped = MultiTaskKerasRegressor(**SMALL, dropout=0.5).fit(X, quantities(X))
    assert not np.allclose(plain.predict(X), dropped.predict(X))
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))


def test_what_ran_before_changes_nothing():
    first = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X)).predict(X)
    other = {**SMALL, "hidden_layer_sizes": (5, 5), "ensemble_size": 2}
    MultiTaskKerasRegressor(**other).fit(X[:31], quantities(X[:31]))
    MultiTaskKerasRegressor(**{**SMALL, "random_state": 7}, learning_rate=0.1).fit(X[:57], quantities(X[:57]))
    np.testing.assert_array_equal(MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X)).predict(X), first)


def global_state():
    _, keys, *position = np.random.get_state()  # noqa: NPY002 - the global generator is meant
    return {
        "python": random.getstate(),
        "numpy": (keys.tolist(), position),
        "tensorflow": tf.random.get_global_generator().state.numpy().tolist(),
        "seed": context.global_seed(),
        "determinism": is_op_determinism_enabled(),
        "jit": tf.config.optimizer.get_jit(),
        "eager": tf.config.functions_run_eagerly(),
        "precision": keras.config.dtype_policy().name,
    }


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=list(SETTINGS))
def test_no_global_generator_or_switch_is_changed(settings):
    # A width that no other test has: the network is built here, and not taken from the cache.
    width = {"model__units": 13} if "model" in settings else {"hidden_layer_sizes": (13,)}
    before = global_state()
    estimator = MultiTaskKerasEstimator(**{**settings, **width}).fit(X, mixed(X))
    after_fit = global_state()
    estimator.predict(np.tile(X, (40, 1)))
    after_predict = global_state()
    estimator.model_.get_weights()
    for state in (after_fit, after_predict, global_state()):
        assert [name for name in state if state[name] != before[name]] == []


@pytest.mark.slow
def test_another_process_gives_the_same_bits(tmp_path):
    given = list(SETTINGS.values())
    text = repr(given).replace(repr(heads), "heads")
    code = ELSEWHERE.format(settings=text, folder=tmp_path)
    run_python(code)
    for position, settings in enumerate(given):
        here = MultiTaskKerasEstimator(**settings).fit(X, mixed(X)).predict(X)["price"].to_numpy()
        np.testing.assert_array_equal(np.load(tmp_path / f"{position}.npy"), here)
