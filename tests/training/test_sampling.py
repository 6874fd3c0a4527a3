"""Rows of rare tasks are drawn as often as was asked for, evenly over an epoch, and weigh accordingly."""

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.training._rows import BatchOrder
from skmtl.training._sampling import RowSampling

# 10, 90 and 300 rows, each with labels of one task.
TASK = np.repeat([0, 1, 2], [10, 90, 300])
OBSERVED = TASK[:, None] == np.arange(3)


def draws(exponent, epochs=200):
    sampling, rng = RowSampling.of(OBSERVED, exponent), np.random.default_rng(0)
    return np.stack([sampling.draw(np.arange(400), rng) for _ in range(epochs)])


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_tasks_get_shares_proportional_to_a_power_of_their_labels(exponent):
    shares = np.bincount(TASK[draws(exponent)].ravel(), minlength=3) / (200 * 400)
    expected = np.array([10.0, 90.0, 300.0]) ** exponent
    np.testing.assert_allclose(shares, expected / expected.sum(), rtol=0.02)


def test_rows_of_a_task_are_drawn_equally_often():
    counts = np.bincount(draws(0.5).ravel(), minlength=400)
    for task in range(3):
        own = counts[task == TASK]
        assert own.max() - own.min() <= max(2, 0.3 * own.mean())


def test_with_an_exponent_of_one_every_row_is_drawn_once_an_epoch():
    for epoch in draws(1.0, epochs=3):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(400))


def test_every_batch_has_rows_of_every_task_where_there_are_enough():
    order = BatchOrder([np.arange(400)], 20, True, seed=0, sampling=RowSampling.of(OBSERVED, 0.0))
    batches = order.epochs(5, (5, order.steps))[:, :, 0]
    for task in range(3):
        assert (TASK[batches] == task).any(axis=-1).all()


def test_weighted_draws_count_each_label_once_on_average():
    sampling = RowSampling.of(OBSERVED, 0.3)
    counted = (np.bincount(draws(0.3).ravel(), minlength=400) / 200) / sampling.row_rate
    for task in range(3):
        assert counted[task == TASK].mean() == pytest.approx(1.0, rel=0.02)


def test_a_row_with_several_labels_goes_by_its_rarest_task():
    observed = np.array([[1, 1], [0, 1], [0, 1], [0, 1]], dtype=bool)
    sampling = RowSampling.of(observed, 0.0)
    assert sampling.task.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(sampling.row_rate[0] / sampling.row_rate[1], 4.0)


def test_fits_differ_by_it_learn_the_same_and_repeat():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = np.where(OBSERVED, (X @ rng.normal(size=(3, 3))), np.nan)
    settings = {"hidden_layer_sizes": (16,), "epochs": 40, "learning_rate": 0.01, "jit_compile": False}
    models = [
        MultiTaskKerasRegressor(task_sampling=exponent, ensemble_size=size, random_state=0, **settings).fit(X, y)
        for exponent, size in [(None, 1), (0.5, 1), (0.5, 1), (0.0, 2)]
    ]
    plain, sampled, again, members = (model.predict(X) for model in models)
    np.testing.assert_array_equal(sampled, again)
    assert np.abs(plain - sampled).max() > 1e-4
    for model in (models[1], models[3]):
        assert model.score(X, y) > 0.7
    assert members.shape == plain.shape


def test_without_shuffling_it_is_refused():
    model = MultiTaskKerasRegressor(task_sampling=0.5, shuffle=False)
    with pytest.raises(ValueError, match="leave shuffle at True"):
        model.fit(np.ones((400, 2)), np.where(OBSERVED, 1.0 + TASK[:, None], np.nan))
