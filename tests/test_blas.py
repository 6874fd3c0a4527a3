"""BLAS uses one thread inside the context, and its former number of threads afterwards."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skmtl import MultiTaskKerasRegressor
from skmtl._blas import SingleThreadedBlas


def threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_overlapping_contexts_leave_no_limit_behind() -> None:
    """The first to enter is the first to leave, as can happen with two threads."""
    limit, before = SingleThreadedBlas(), threads()
    limit.__enter__()
    limit.__enter__()
    limit.__exit__(None, None, None)
    assert set(threads()) == {1}
    limit.__exit__(None, None, None)
    assert threads() == before


def test_an_error_leaves_no_limit_behind() -> None:
    limit, before = SingleThreadedBlas(), threads()
    with pytest.raises(KeyboardInterrupt), limit:
        raise KeyboardInterrupt
    assert threads() == before


def test_a_limit_that_someone_else_sets_meanwhile_stays() -> None:
    limit, before = SingleThreadedBlas(), threads()
    with threadpool_limits(2, user_api="blas"):
        with limit:
            threadpool_limits(3, user_api="blas")
        assert set(threads()) == {3}
    assert threads() == before


def test_concurrent_default_fits_and_predictions_equal_sequential_ones() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(250, 6))
    y = np.column_stack([X[:, 0] * X[:, 1], X[:, 2] + rng.normal(size=250)])
    before, barrier = threads(), threading.Barrier(3)

    def fitted(seed: int) -> np.ndarray:
        model = MultiTaskKerasRegressor(epochs=2, hidden_layer_sizes=(64,), random_state=seed).fit(X, y)
        return np.hstack([model.predict(X), model.oob_prediction_])

    def at_once(seed: int) -> np.ndarray:
        barrier.wait()
        return fitted(seed)

    with ThreadPoolExecutor(3) as pool:
        side_by_side = list(pool.map(at_once, range(3)))
    assert threads() == before
    for seed in (0, 2):
        with threadpool_limits(seed + 1, user_api="blas"):
            np.testing.assert_array_equal(fitted(seed), side_by_side[seed])
    assert threads() == before
