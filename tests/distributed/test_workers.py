"""Workers that train together without Ray get the network of a local fit."""

import numpy as np
import pandas as pd
import pytest

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor, TrainingDivergedError
from skmtl.distributed import fit

from ._data import FEATURES, folder_of, interleaved, table
from ._processes import fit_with, worker_processes

PLAIN = {"hidden_layer_sizes": 8, "ensemble_size": 1, "epochs": 4, "random_state": 0}
IN_ORDER = {**PLAIN, "shuffle": False, "early_stopping": False}
MIXED = ["y", "z", "label"]


@pytest.fixture(scope="module")
def two():
    with worker_processes(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of(table(), tmp_path_factory.mktemp("rows") / "all")


def local_fit(estimator, frame, targets, **given):
    return estimator.fit(frame[FEATURES], frame[targets], **given)


def assert_same(ours, theirs):
    assert np.allclose(ours.network_.parameters, theirs.network_.parameters, atol=1e-5)
    assert np.allclose(ours.history_["loss"], theirs.history_["loss"], atol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_two_workers_with_all_rows_at_once_learn_what_one_fit_learns(optimizer, two, folder):
    estimator = MultiTaskKerasEstimator(**IN_ORDER, batch_size=240, optimizer=optimizer, learning_rate=0.05)
    # Rows without labels are dropped, so the shards have different sizes.
    frame = table()
    frame.loc[:60, MIXED] = None
    path = folder_of(frame, folder.parent / f"unequal-{optimizer}")
    ours = fit_with(two, estimator, path, MIXED, features=FEATURES)
    assert_same(ours, local_fit(estimator, frame, MIXED))


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"ensemble_size": 2, "learning_rate_schedule": "cosine", "weight_decay": 0.1},
        {"balancing": "dwa", "architecture": "mmoe"},
        {"balancing": "famo", "optimizer": "sgd"},
    ],
    ids=["adam", "ensemble", "dwa", "famo"],
)
def test_minibatches_in_order_are_those_of_a_fit_on_the_interleaved_rows(extra, two, folder):
    estimator = MultiTaskKerasEstimator(**{**IN_ORDER, **extra}, batch_size=32, learning_rate=0.01)
    ours = fit_with(two, estimator, folder, MIXED, features=FEATURES, weight="weight", window=40)
    frame = interleaved(table(), 2)
    assert_same(ours, local_fit(estimator, frame, MIXED, sample_weight=frame["weight"]))


def test_the_same_rows_are_held_out_by_one_worker_and_by_two(two, folder):
    # With all rows in one batch, both take the same steps and see the same losses.
    estimator = MultiTaskKerasRegressor(**{**PLAIN, "epochs": 8, "ensemble_size": 2}, batch_size=240)
    estimator.set_params(learning_rate=0.05, early_stopping=True, n_iter_no_change=3)
    ours = fit_with(two, estimator, folder, ["y", "z"], features=FEATURES)
    alone = fit(estimator, folder, ["y", "z"], features=FEATURES)
    assert_same(ours, alone)
    assert np.allclose(ours.history_["val_loss"], alone.history_["val_loss"], atol=1e-5)
    assert ours.best_epoch_.tolist() == alone.best_epoch_.tolist()


def test_validation_rows_are_divided_among_workers(two, folder):
    others = table(101, seed=1)
    path = folder_of(others, folder.parent / "others")
    estimator = MultiTaskKerasRegressor(**PLAIN, batch_size=240, learning_rate=0.05)
    ours = fit_with(two, estimator, folder, ["y", "z"], features=FEATURES, validation=path)
    theirs = local_fit(estimator, table(), ["y", "z"], X_val=others[FEATURES], y_val=others[["y", "z"]])
    assert np.allclose(ours.history_["val_loss"], theirs.history_["val_loss"], atol=1e-5)
    assert_same(ours, theirs)


def test_dropout_on_several_workers_is_reproducible(two, folder):
    estimator = MultiTaskKerasRegressor(**PLAIN, dropout=0.3, batch_size=64)
    first, again = (fit_with(two, estimator, folder, ["y", "z"], features=FEATURES) for _ in range(2))
    assert np.array_equal(first.network_.parameters, again.network_.parameters)


def test_divergence_is_the_same_error(two, folder):
    estimator = MultiTaskKerasRegressor(**PLAIN, optimizer="sgd", learning_rate=1e20)
    with pytest.raises(TrainingDivergedError, match="Training diverged in epoch 1"):
        fit_with(two, estimator, folder, ["y", "z"], features=FEATURES)


def test_a_batch_too_small_to_share_is_refused(two, folder):
    estimator = MultiTaskKerasRegressor(**PLAIN, batch_size=1)
    with pytest.raises(ValueError, match=r"batch_size=1 rows cannot be shared by n_workers=2"):
        fit_with(two, estimator, folder, ["y", "z"], features=FEATURES)


def test_four_workers_learn_what_one_fit_learns(folder):
    frame = table()
    full_batch = MultiTaskKerasEstimator(**IN_ORDER, batch_size=240, optimizer="sgd", learning_rate=0.05)
    minibatch = MultiTaskKerasEstimator(**IN_ORDER, batch_size=32, learning_rate=0.01)
    with worker_processes(4) as four:
        assert_same(fit_with(four, full_batch, folder, MIXED, features=FEATURES), local_fit(full_batch, frame, MIXED))
        ours = fit_with(four, minibatch, folder, MIXED, features=FEATURES)
        assert_same(ours, local_fit(minibatch, interleaved(frame, 4), MIXED))
    assert isinstance(ours.predict(frame[FEATURES]), pd.DataFrame)
