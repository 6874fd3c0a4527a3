"""Numbers never cause a new trace; a program runs many epochs per call, and threads share it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl._cache import ProgramCache
from skmtl.training import counters
from skmtl.training._structure import PROGRAMS

from ._engine import Engine, scheme_spec, some_rows

rng = np.random.default_rng(0)
X = rng.normal(size=(97, 5))
Y = X[:, :3] @ rng.normal(size=(3, 3)) + rng.normal(size=(97, 3))
BASE: dict[str, Any] = {
    "hidden_layer_sizes": (7,),
    "dropout": 0.2,
    "epochs": 3,
    "batch_size": 16,
    "weight_decay": 0.01,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}


def counted(name: str, call: Callable[[], Any]) -> int:
    """Return how much a call adds to a count."""
    before = counters.snapshot().get(name, 0)
    call()
    return counters.snapshot().get(name, 0) - before


def fit(rows: int = 97, outputs: np.ndarray = Y, **changes: Any) -> MultiTaskKerasRegressor:
    return MultiTaskKerasRegressor(**{**BASE, **changes}).fit(X[:rows], outputs[:rows])


@pytest.fixture(scope="module")
def fitted() -> MultiTaskKerasRegressor:
    return fit()


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 7},
        {"outputs": Y[::-1] * 100 + 5},
        {"outputs": np.where(Y > 1.5, np.nan, Y)},
        {"learning_rate": 0.03},
        {"weight_decay": 0.5},
        {"dropout": 0.6},
        {"loss_weights": [1, 2, 3]},
        {"rows": 91},
        {"rows": 60, "early_stopping": True, "validation_fraction": 0.3},
        {"batch_size": 50},
        {"epochs": 9},
        {"shuffle": False, "n_iter_no_change": 2, "tol": 0.1},
    ],
    ids=lambda change: ",".join(change),
)
def test_a_fit_with_other_numbers_traces_nothing(fitted: Any, change: dict[str, Any]) -> None:
    assert counted("traces", lambda: fit(**change)) == 0


@pytest.mark.parametrize("change", [{"hidden_layer_sizes": (8,)}, {"optimizer": "sgd"}, {"loss": "mae"}], ids=str)
def test_a_fit_of_another_structure_traces_once(fitted: Any, change: dict[str, Any]) -> None:
    assert counted("traces", lambda: fit(**change)) == 1
    assert counted("traces", lambda: fit(**change, random_state=3)) == 0


def test_compiled_with_xla_folds_of_nearly_equal_size_share_one_compilation() -> None:
    assert counted("compilations", lambda: fit(rows=97, jit_compile=True)) == 1
    assert counted("compilations", lambda: fit(rows=98, jit_compile=True, learning_rate=0.1)) == 0
    assert counted("traces", lambda: fit(rows=96, jit_compile=True, random_state=1)) == 0


def test_groups_of_members_of_the_same_size_share_a_program() -> None:
    assert counted("traces", lambda: fit(ensemble_size=6)) == 1


def test_predicting_traces_once_per_structure_for_all_numbers_of_rows() -> None:
    builder_model = {"model": two_layers, "dropout": "auto", "hidden_layer_sizes": (128, 64)}
    model, other = fit(**builder_model), fit(**builder_model, random_state=3)
    assert counted("traces", lambda: model.predict(X)) == 1
    assert counted("traces", lambda: (model.predict(X[:5]), other.predict(X[:50]))) == 0


def two_layers(meta: dict[str, Any]) -> keras.Model:
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = keras.layers.Dense(4, "relu")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(1)(hidden) for _ in meta["task_names_"]])


@pytest.mark.parametrize(("epochs", "most"), [(2, 1), (200, 1), (1000, 2)])
def test_one_call_of_the_program_runs_many_epochs(fitted: Any, epochs: int, most: int) -> None:
    calls = counted("program_calls", lambda: fit(epochs=epochs, early_stopping=False))
    assert 1 <= calls <= most


def test_the_rows_are_copied_to_the_device_once_for_any_number_of_steps(fitted: Any) -> None:
    few = counted("device_copies", lambda: fit(epochs=2, batch_size=97, early_stopping=False))
    many = counted("device_copies", lambda: fit(epochs=200, batch_size=4, early_stopping=False))
    # A large array with suitable alignment is not even copied.
    assert many <= few


def test_threads_that_race_for_a_new_program_trace_it_once_and_each_get_their_own_result() -> None:
    spec = scheme_spec("regression", hidden_layer_sizes=(11,), dropout=True)
    engines = [Engine.of_scheme("regression", spec, seed=seed, dropout=0.3) for seed in range(8)]
    barrier = threading.Barrier(len(engines))

    def race(engine: Engine) -> np.ndarray:
        barrier.wait()
        return engine.run(some_rows("regression"), shuffle=True).parameters

    before = counters.snapshot().get("traces", 0)
    with ThreadPoolExecutor(len(engines)) as pool:
        raced = list(pool.map(race, engines))
    assert counters.snapshot()["traces"] - before == 1
    for engine, parameters in zip(engines, raced, strict=True):
        np.testing.assert_array_equal(engine.run(some_rows("regression"), shuffle=True).parameters, parameters)


def test_estimators_fitted_in_threads_are_those_fitted_one_after_the_other() -> None:
    codes = (Y > 0).astype(int)

    def fit_one(seed: int) -> np.ndarray:
        estimator = MultiTaskKerasClassifier(**{**BASE, "hidden_layer_sizes": (5 + seed % 2,), "random_state": seed})
        return np.hstack(estimator.fit(X, codes).predict_proba(X[:10]))

    with ThreadPoolExecutor(4) as pool:
        in_threads = list(pool.map(fit_one, range(4)))
    for seed, probabilities in enumerate(in_threads):
        np.testing.assert_array_equal(probabilities, fit_one(seed))


def test_the_cache_keeps_what_was_used_last_and_never_more_than_its_size() -> None:
    cache: ProgramCache[str] = ProgramCache(2)
    made = []

    def get(key: str | None) -> str:
        return cache.get(key, lambda: made.append(key) or f"made {key}")

    assert [get("a"), get("b"), get("a"), get("c")] == ["made a", "made b", "made a", "made c"]
    assert len(cache) == 2
    get("a")
    assert made == ["a", "b", "c"]
    get("b")
    assert made == ["a", "b", "c", "b"]
    assert get(None) == get(None) == "made None"
    assert made[-2:] == [None, None]
    assert len(cache) == 2
    cache.clear()
    assert len(cache) == 0


def test_a_failed_entry_is_not_cached() -> None:
    cache: ProgramCache[int] = ProgramCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 3) == 3


def test_the_engines_programs_are_bounded() -> None:
    assert 1 <= PROGRAMS.size <= 64


def test_a_program_that_failed_is_rebuilt_for_the_next_fit() -> None:
    cache: ProgramCache[object] = ProgramCache(2)
    first = cache.get("a", object)
    with pytest.raises(KeyboardInterrupt), cache.dropped_on_error(first):
        raise KeyboardInterrupt
    assert cache.get("a", object) is not first
