"""Evicted programs are freed, with their functions and TensorFlow's kernels for them."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from tensorflow.python.eager import context

from skmtl import MultiTaskKerasRegressor
from skmtl.inference._compiled import FORWARD_PROGRAMS
from skmtl.networks import _kernel_cache
from skmtl.networks._network import _NETWORKS
from skmtl.training._structure import PROGRAMS

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = X[:, :2]


def fitted(width: int, **changes: Any) -> MultiTaskKerasRegressor:
    settings = {"hidden_layer_sizes": (width,), "epochs": 1, "random_state": 0, "jit_compile": False, **changes}
    return MultiTaskKerasRegressor(ensemble_size=1, architecture="mmoe", **settings).fit(X, Y)


def own_loss(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def functions() -> int:
    gc.collect()
    return len(context.context().list_function_names())


@pytest.mark.parametrize("changes", [{}, {"loss": own_loss}], ids=["named", "own"])
def test_evicted_programs_are_freed_with_all_their_functions(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for cache in (PROGRAMS, FORWARD_PROGRAMS, _NETWORKS):
        cache.clear()
        monkeypatch.setattr(cache, "size", 2)
    made = []
    make = type(PROGRAMS).get

    def noted(self: Any, key: Any, build: Any) -> Any:
        program = make(self, key, build)
        made.append(weakref.ref(program))
        return program

    monkeypatch.setattr(type(PROGRAMS), "get", noted)
    for width in (3, 4):
        fitted(width, **changes).predict(X)
    before = functions()
    for width in range(5, 9):
        fitted(width, **changes).predict(X)
    assert functions() == before
    # Two programs of each sort, a network for each, and those of the fit itself.
    alive = {id(program()) for program in made if program() is not None}
    assert len(alive) <= 8


def test_the_kernel_cache_is_cleared_regularly(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(_kernel_cache, "clear_kernels", lambda: calls.append(1))
    for _ in range(2 * _kernel_cache._EVERY):
        _kernel_cache.count_build()
    assert len(calls) == 2


def test_the_kernel_cache_can_be_cleared_while_other_threads_compute() -> None:
    expected, over = fitted(4).predict(X), threading.Event()

    def forget() -> None:
        while not over.wait(0.01):
            _kernel_cache.clear_kernels()

    forgetful = threading.Thread(target=forget)
    forgetful.start()
    try:
        for _ in range(4):
            np.testing.assert_array_equal(fitted(4).predict(X), expected)
    finally:
        over.set()
        forgetful.join()
