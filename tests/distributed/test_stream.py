"""One worker that reads rows from disk: same network as a local fit, ordinary estimator, resuming and errors."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

import skmtl
from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.distributed import fit

from ._data import FEATURES, NUMBERS, folder_of, numbers, table

pytest.importorskip("pyarrow")

PLAIN = {"hidden_layer_sizes": 8, "ensemble_size": 1, "epochs": 4, "random_state": 0}
IN_ORDER = {**PLAIN, "shuffle": False, "early_stopping": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return folder_of(table(), tmp_path_factory.mktemp("rows") / "all")


def parameters_of(estimator):
    return estimator.network_.parameters


@pytest.mark.parametrize(
    "extra",
    [
        {"optimizer": "sgd", "batch_size": 240, "learning_rate": 0.1},
        {"batch_size": 32, "ensemble_size": 3, "dropout": 0.2, "learning_rate_schedule": "cosine"},
        {"batch_size": 50, "loss": "mean_absolute_error", "scale_inputs": "robust", "dtype": "float64"},
        {"batch_size": 32, "balancing": "mgda", "numeric_embedding": "piecewise_linear"},
    ],
    ids=["full_batch", "ensemble", "absolute_error", "mgda"],
)
def test_without_shuffling_the_network_is_that_of_a_fit_in_memory(extra, folder):
    estimator = MultiTaskKerasRegressor(**{**IN_ORDER, **extra})
    # Windows of two steps, or of an entire epoch.
    streamed = fit(estimator, folder, ["y", "z"], features=FEATURES, window="auto" if "optimizer" in extra else 80)
    local = estimator.fit(table()[FEATURES], table()[["y", "z"]])
    assert np.allclose(parameters_of(streamed), parameters_of(local), atol=1e-5)
    assert np.allclose(streamed.history_["loss"], local.history_["loss"], atol=1e-6)


@pytest.mark.parametrize("class_weight", [None, "balanced", {"label": {"warm": 3.0}}])
def test_mixed_tasks_weights_and_categories_are_handled_as_in_memory(class_weight, folder):
    frame, targets = table(), ["z", "label"]
    kind = MultiTaskKerasEstimator if class_weight is None else MultiTaskKerasClassifier
    estimator = kind(**IN_ORDER, one_hot_max_size=2)
    if class_weight is not None:
        targets = ["label"]
        estimator.set_params(class_weight=class_weight)
    streamed = fit(estimator, folder, targets, features=FEATURES, sample_weight="weight")
    local = estimator.fit(frame[FEATURES], frame[targets], sample_weight=frame["weight"])
    assert np.allclose(parameters_of(streamed), parameters_of(local), atol=1e-5)
    assert [known.tolist() for known in streamed.network_.targets.classes if known is not None] == [["cold", "warm"]]


def test_validation_rows_stop_a_fit_at_the_same_epoch_as_in_memory(tmp_path, folder):
    frame, others = table(), table(100, seed=1)
    estimator = MultiTaskKerasRegressor(**{**PLAIN, "epochs": 12, "n_iter_no_change": 2, "learning_rate": 0.05})
    estimator.set_params(shuffle=False)
    validation = folder_of(others, tmp_path / "others")
    streamed = fit(estimator, folder, ["y", "z"], features=FEATURES, validation=validation)
    local = estimator.fit(frame[FEATURES], frame[["y", "z"]], X_val=others[FEATURES], y_val=others[["y", "z"]])
    assert np.allclose(streamed.history_["val_loss"], local.history_["val_loss"], atol=1e-5)
    assert (streamed.best_epoch_, streamed.n_iter_) == (local.best_epoch_, local.n_iter_)
    assert np.allclose(parameters_of(streamed), parameters_of(local), atol=1e-5)


def test_chunks_from_a_function_give_the_same_network_as_files(folder):
    frame = table()

    def chunks():
        for start in range(0, 240, 55):
            yield frame[start : start + 55]

    estimator = MultiTaskKerasEstimator(**{**IN_ORDER, "early_stopping": True, "ensemble_size": 2})
    from_files = fit(estimator, folder, ["z", "label"], features=FEATURES)
    from_chunks = fit(estimator, chunks, ["z", "label"], features=FEATURES)
    assert np.array_equal(parameters_of(from_files), parameters_of(from_chunks))
    assert from_files.history_ == from_chunks.history_


def test_the_result_is_an_ordinary_estimator_and_the_argument_stays_unfitted(folder, tmp_path):
    estimator = MultiTaskKerasRegressor(hidden_layer_sizes=8, epochs=3, random_state=0)
    fitted = fit(estimator, [folder], "y", features=NUMBERS)
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator)
    assert fitted.get_params() == estimator.get_params()
    assert fitted.feature_names_in_.tolist() == NUMBERS
    # The adaptive defaults for this many rows: eight networks, without a blend.
    assert (fitted.network_.members, fitted.blend_, fitted.n_iter_) == (8, None, 3)
    assert set(fitted.history_) == {"loss", "y_loss", "val_loss", "val_y_loss"}
    skmtl.save(fitted, tmp_path / "model.skmtl")
    X = table()[NUMBERS]
    assert np.array_equal(skmtl.load(tmp_path / "model.skmtl").predict(X), fitted.predict(X))
    assert fitted.predict(X).shape == (240,)


def test_repeated_calls_give_the_same_bits_and_rows_are_shuffled(folder):
    estimator = MultiTaskKerasRegressor(**PLAIN)
    first, again = (fit(estimator, folder, ["y", "z"], features=NUMBERS, window=60) for _ in range(2))
    assert np.array_equal(parameters_of(first), parameters_of(again))
    in_order = fit(clone(estimator).set_params(shuffle=False), folder, ["y", "z"], features=NUMBERS, window=60)
    assert not np.allclose(parameters_of(first), parameters_of(in_order))


class Interrupted(Exception):
    """Raised to interrupt a fit."""


def interrupted_in_epoch(frame, epoch, passes):
    """Chunks of rows that raise in an epoch; ``passes`` is the number of passes before training."""
    calls = iter(range(1000))

    def chunks():
        if next(calls) == passes + epoch:
            raise Interrupted
        yield frame

    return chunks


def test_an_interrupted_fit_resumes_from_its_last_epoch_with_the_same_bits(tmp_path):
    frame = numbers()
    estimator = MultiTaskKerasRegressor(**{**PLAIN, "ensemble_size": 2, "dropout": 0.1})
    uninterrupted = fit(estimator, lambda: iter([frame]), ["y", "z"])
    # Before training, passes read the first row, the first chunk, and the statistics.
    with pytest.raises(Interrupted):
        fit(estimator, interrupted_in_epoch(frame, 2, passes=3), ["y", "z"], storage=tmp_path)
    resumed = fit(estimator, lambda: iter([frame]), ["y", "z"], storage=tmp_path)
    assert np.array_equal(parameters_of(resumed), parameters_of(uninterrupted))
    assert resumed.history_ == uninterrupted.history_
    with pytest.raises(ValueError, match=r"checkpoint of a fit with other rows, parameters or workers"):
        fit(clone(estimator).set_params(learning_rate=0.1), lambda: iter([frame]), ["y", "z"], storage=tmp_path)


def test_divergence_raises_the_same_error_as_fit(folder):
    estimator = MultiTaskKerasRegressor(**PLAIN, optimizer="sgd", learning_rate=1e20)
    with pytest.raises(skmtl.TrainingDivergedError, match=r"Training diverged in epoch 1"):
        fit(estimator, folder, ["y", "z"], features=NUMBERS)


def test_progress_is_one_line(folder, capsys):
    fit(MultiTaskKerasRegressor(**PLAIN, verbose=1), folder, ["y", "z"], features=NUMBERS)
    assert "epoch 4/4" in capsys.readouterr().out


def test_float32_rows_give_float32_predictions(tmp_path):
    frame = table()[[*NUMBERS, "y"]].astype(np.float32)
    fitted = fit(MultiTaskKerasRegressor(**PLAIN), folder_of(frame, tmp_path), "y")
    assert fitted.predict(frame[NUMBERS]).dtype == np.float32


def test_classes_and_label_types_come_from_all_rows(tmp_path):
    frame = pd.DataFrame({"a": np.arange(60.0), "n": [0, 1] * 30, "word": ["x", "y"] * 30, "flag": [True, False] * 30})
    # Classes that occur only in the last file.
    frame.loc[50:, "n"], frame.loc[55:, "word"] = 7, "late"
    path = folder_of(frame, tmp_path)
    fitted = fit(MultiTaskKerasClassifier(**PLAIN), path, ["n", "word", "flag"], features=["a"])
    local = MultiTaskKerasClassifier(**PLAIN).fit(frame[["a"]], frame[["n", "word", "flag"]])
    assert [known.tolist() for known in fitted.classes_] == [known.tolist() for known in local.classes_]
    mixed = fit(
        MultiTaskKerasEstimator(**PLAIN, task_types={"n": "classification"}), path, ["n", "word"], features=["a"]
    )
    assert mixed.predict(frame[["a"]]).dtypes.tolist() == frame[["n", "word"]].dtypes.tolist()


def test_an_index_stored_by_pandas_is_not_a_feature(tmp_path):
    frame = numbers()
    folder_of(frame.sample(frac=1.0, random_state=0), tmp_path / "shuffled")
    fitted = fit(MultiTaskKerasRegressor(**PLAIN), tmp_path / "shuffled", ["y", "z"])
    assert fitted.feature_names_in_.tolist() == NUMBERS
