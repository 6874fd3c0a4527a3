"""Sampling of rows by task: how often, in which batches, and what is minimised."""

from __future__ import annotations

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.training._rows import BatchOrder
from skmtl.training._sampling import plan_sampling

SIZES = (40, 160, 800)
TASK = np.repeat(np.arange(3), SIZES)
OWN_ROWS = (TASK[:, None] == np.arange(3)).astype(float)
ROWS = np.arange(len(TASK))


def index_of(exponent: float, epochs: int, batch_size: int = 48, seed: int = 0) -> np.ndarray:
    """Return the row numbers (epochs, steps, batch) of one member."""
    order = BatchOrder([ROWS], batch_size, True, seed, sampling=plan_sampling(OWN_ROWS, exponent))
    return order.epochs(epochs, (epochs, order.steps))[:, :, 0]


@pytest.mark.parametrize("exponent", [0.0, 0.3, 0.5, 1.0])
def test_tasks_are_drawn_in_proportion_to_a_power_of_their_rows(exponent: float) -> None:
    drawn = np.bincount(TASK[index_of(exponent, 50).reshape(50, -1)[:, : len(ROWS)].ravel()])
    expected = np.array(SIZES) ** exponent
    np.testing.assert_allclose(drawn / drawn.sum(), expected / expected.sum(), atol=2e-3)


def test_with_an_exponent_of_one_every_row_is_drawn_once_per_epoch() -> None:
    for epoch in index_of(1.0, 3):
        np.testing.assert_array_equal(np.sort(epoch.ravel()[: len(ROWS)]), ROWS)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("batch_size", [32, 48, 100])
def test_every_full_batch_has_its_share_of_every_task(exponent: float, batch_size: int) -> None:
    full = index_of(exponent, 5, batch_size)[:, : len(ROWS) // batch_size]
    counts = (TASK[full][..., None] == np.arange(3)).sum(axis=2)
    expected = batch_size * np.array(SIZES) ** exponent / (np.array(SIZES) ** exponent).sum()
    assert np.abs(counts - expected).max() <= 2
    assert counts.min() >= 1


def test_no_row_is_drawn_again_before_all_rows_of_its_task() -> None:
    times = np.bincount(index_of(0.0, 1).ravel()[: len(ROWS)], minlength=len(ROWS))
    for task in range(3):
        assert np.ptp(times[task == TASK]) <= 1


def test_a_row_is_drawn_by_its_rarest_task_and_one_without_labels_like_the_largest() -> None:
    weights = np.zeros((20, 2))
    weights[:16, 0] = 1.0
    weights[:4, 1] = 2.0
    sampling = plan_sampling(weights, 0.0)
    np.testing.assert_allclose(sampling.draws[[0, 4, 16]] / sampling.draws[4], [4.0, 1.0, 1.0])
    np.testing.assert_array_equal(sampling.stratum[[0, 4, 16]], [1, 0, 2])
    assert sampling.draws.mean() == pytest.approx(1.0)


def test_the_seed_decides_the_order() -> None:
    np.testing.assert_array_equal(index_of(0.5, 2, seed=1), index_of(0.5, 2, seed=1))
    assert (index_of(0.5, 2, seed=1) != index_of(0.5, 2, seed=2)).any()


def tables(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A small and a large task with separate rows and contradictory functions."""
    rng = np.random.default_rng(seed)
    X, small = rng.normal(size=(640, 3)), np.arange(640) < 64
    value = np.where(small, X[:, 0] - X[:, 1], X[:, 2])
    return X, np.column_stack([np.where(small, value, np.nan), np.where(small, np.nan, value)])


SETTINGS = {
    "hidden_layer_sizes": (4,),
    "early_stopping": False,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}


def test_what_is_minimised_stays_the_mean_over_each_tasks_labels() -> None:
    X, y = tables()
    # With a tiny learning rate, the reported losses are those of the initial weights, whatever rows are drawn.
    still = {**SETTINGS, "learning_rate": 1e-12, "epochs": 1, "batch_size": 16}
    losses = [
        [MultiTaskKerasRegressor(task_sampling=by, **still).fit(X, y).history_[f"y{t}_loss"][0] for t in range(2)]
        for by in (None, 0.0, 1.0)
    ]
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-5)
    # Only part of the large task's rows are drawn, as many as of the small one.
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.1)
    np.testing.assert_allclose(losses[1][0], losses[0][0], rtol=1e-5)


def test_sampling_works_with_members_and_held_out_rows_and_is_seeded() -> None:
    X, y = tables()
    settings = {**SETTINGS, "early_stopping": True, "ensemble_size": 2, "epochs": 3}
    fits = [MultiTaskKerasRegressor(task_sampling=by, **settings).fit(X, y).predict(X) for by in (0.5, 0.5, 0.4, None)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert np.abs(fits[0] - fits[2]).max() > 0
    assert np.abs(fits[0] - fits[3]).max() > 1e-4


def test_sampling_without_shuffling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"task_sampling=0\.5 draws .* shuffle=True"):
        MultiTaskKerasRegressor(task_sampling=0.5, shuffle=False, **SETTINGS).fit(*tables())
