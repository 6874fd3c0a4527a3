"""Keras callbacks through the estimator."""

import logging

import keras
import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor

from ..estimators._builders import heads
from ..estimators._cases import SMALL, features, quantities

X = features()
LONG = {**SMALL, "epochs": 40, "early_stopping": False}


class Recorder(keras.callbacks.Callback):
    """Records every hook and its arguments, in a list that copies share."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def __deepcopy__(self, memo):
        return type(self)(self.seen)

    def on_train_begin(self, logs=None):
        self.seen.append("begin")

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, dict(logs)))

    def on_train_end(self, logs=None):
        self.seen.append("end")


class BatchRecorder(Recorder):
    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


class Weights(Recorder):
    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(np.ravel(self.model(X.astype(np.float32))[0]))


def test_epoch_hooks_see_the_losses_of_the_history():
    seen = []
    model = MultiTaskKerasRegressor(**SMALL, callbacks=Recorder(seen)).fit(X, quantities(X))
    assert seen[0] == "begin"
    assert seen[-1] == "end"
    assert [epoch for epoch, _ in seen[1:-1]] == [0, 1, 2]
    for epoch, logs in seen[1:-1]:
        assert logs == {name: values[epoch] for name, values in model.history_.items()}


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_callbacks_do_not_change_what_is_learnt(schedule):
    settings = {**SMALL, "learning_rate_schedule": schedule, "learning_rate": 0.01}
    plain = MultiTaskKerasRegressor(**settings).fit(X, quantities(X))
    watched = MultiTaskKerasRegressor(**settings, callbacks=[Recorder([])]).fit(X, quantities(X))
    batchwise = MultiTaskKerasRegressor(**settings, callbacks=[BatchRecorder([])]).fit(X, quantities(X))
    np.testing.assert_array_equal(watched.predict(X), plain.predict(X))
    np.testing.assert_allclose(batchwise.predict(X), plain.predict(X), rtol=1e-5)
    np.testing.assert_allclose(batchwise.history_["val_loss"], plain.history_["val_loss"], rtol=1e-5)


def test_batch_hooks_run_step_by_step_with_a_log_message(caplog):
    seen = []
    with caplog.at_level(logging.INFO, logger="skmtl"):
        MultiTaskKerasRegressor(**SMALL, batch_size=20, early_stopping=False, callbacks=BatchRecorder(seen)).fit(
            X, quantities(X)
        )
    assert [entry for entry in seen if isinstance(entry, int)] == [0, 1, 2] * 3
    assert "step by step" in caplog.text


@pytest.mark.parametrize(
    "network",
    [
        {"hidden_layer_sizes": (8,)},
        {"hidden_layer_sizes": (8,), "ensemble_size": 3},
        {"hidden_layer_sizes": (8,), "dropout": 0.2},
        {"model": heads},
        {"model": heads, "ensemble_size": 2},
    ],
    ids=["one", "ensemble", "dropout", "own", "own ensemble"],
)
def test_the_model_of_a_callback_has_the_weights_of_its_epoch(network):
    seen = []
    settings = {
        "ensemble_size": 1,
        "epochs": 3,
        "jit_compile": False,
        "random_state": 0,
        "early_stopping": False,
        **network,
    }
    model = MultiTaskKerasRegressor(**settings, callbacks=Weights(seen)).fit(X, quantities(X))
    shorter = MultiTaskKerasRegressor(**{**settings, "epochs": 2}).fit(X, quantities(X))
    np.testing.assert_allclose(seen[3], model.predict(X)[:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen[2], shorter.predict(X)[:, 0], rtol=1e-4, atol=1e-5)


def test_early_stopping_as_a_class_takes_routed_arguments():
    model = MultiTaskKerasRegressor(
        **LONG,
        callbacks=keras.callbacks.EarlyStopping,
        callbacks__monitor="loss",
        callbacks__patience=2,
        callbacks__min_delta=10.0,
    ).fit(X, quantities(X))
    assert model.n_iter_ == 3
    assert model.stop_reason_ == "a callback asked to stop"
    model.set_params(callbacks__patience=5).fit(X, quantities(X))
    assert model.n_iter_ == 6


def test_restored_best_weights_are_used_for_prediction():
    settings = {**LONG, "epochs": 8}
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=5, min_delta=10.0, restore_best_weights=True)
    model = MultiTaskKerasRegressor(**settings, callbacks=stop).fit(X, quantities(X))
    first = MultiTaskKerasRegressor(**{**settings, "epochs": 1}).fit(X, quantities(X))
    np.testing.assert_allclose(model.predict(X), first.predict(X), rtol=1e-5)


def test_arguments_are_routed_to_callbacks_in_lists_and_dicts():
    stop, rate = keras.callbacks.EarlyStopping, keras.callbacks.LearningRateScheduler
    listed = MultiTaskKerasRegressor(
        **LONG, callbacks=[rate, stop], callbacks__0__schedule=lambda epoch: 1e-3, callbacks__1__monitor="loss",
        callbacks__1__patience=1, callbacks__1__min_delta=10.0,
    )  # fmt: skip
    named = MultiTaskKerasRegressor(
        **LONG, callbacks={"stop": stop}, callbacks__stop__monitor="loss", callbacks__stop__patience=1,
        callbacks__stop__min_delta=10.0,
    )  # fmt: skip
    assert listed.fit(X, quantities(X)).n_iter_ == named.fit(X, quantities(X)).n_iter_ == 2


def test_a_learning_rate_schedule_sets_the_rate_of_steps():
    frozen = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-2 if epoch < 2 else 0.0)
    settings = {**SMALL, "early_stopping": False, "learning_rate": 1e-2}
    model = MultiTaskKerasRegressor(**{**settings, "epochs": 6}, callbacks=frozen).fit(X, quantities(X))
    expected = MultiTaskKerasRegressor(**{**settings, "epochs": 2}).fit(X, quantities(X))
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-5)


def test_reduce_on_plateau_lowers_the_rate():
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=1, min_delta=10.0, factor=1e-9)
    settings = {**SMALL, "early_stopping": False}
    model = MultiTaskKerasRegressor(**{**settings, "epochs": 9}, callbacks=plateau).fit(X, quantities(X))
    np.testing.assert_allclose(model.history_["loss"][-1], model.history_["loss"][-3], rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*__array__ implementation.*:DeprecationWarning")
def test_checkpoints_hold_the_model_of_their_epoch(tmp_path):
    path = tmp_path / "epoch{epoch}.keras"
    saver = keras.callbacks.ModelCheckpoint(str(path))
    model = MultiTaskKerasRegressor(**SMALL, early_stopping=False, callbacks=saver).fit(X, quantities(X))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["epoch1.keras", "epoch2.keras", "epoch3.keras"]
    outputs = keras.models.load_model(tmp_path / "epoch3.keras")(X.astype(np.float32))
    np.testing.assert_allclose(np.ravel(outputs[1]), model.predict(X)[:, 1], rtol=1e-4)


def test_the_callers_callback_keeps_no_state_of_a_fit():
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=1, min_delta=10.0)
    before = dict(vars(stop))
    model = MultiTaskKerasRegressor(**LONG, callbacks=[stop])
    assert model.fit(X, quantities(X)).n_iter_ == 2
    assert vars(stop) == before
    assert model.fit(X, quantities(X)).n_iter_ == 2
    assert model.callbacks == [stop]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"callbacks": [3]}, TypeError, "callbacks should be Keras callbacks"),
        ({"callbacks": 3}, ValueError, "The 'callbacks' parameter of MultiTaskKerasRegressor must be"),
        ({"callbacks__patience": 3}, ValueError, "callbacks__patience given, but callbacks= is None"),
        (
            {"callbacks": keras.callbacks.EarlyStopping, "callbacks__patiense": 3},
            ValueError,
            r"EarlyStopping has no parameter 'patiense' \(callbacks__patiense\). Did you mean 'patience'",
        ),
        (
            {"callbacks": {"stop": keras.callbacks.EarlyStopping}, "callbacks__stp__patience": 3},
            ValueError,
            "callbacks__stp__patience: there is no such callback. Did you mean 'stop'",
        ),
        (
            {"callbacks": [keras.callbacks.EarlyStopping()], "callbacks__patience": 3},
            ValueError,
            "EarlyStopping is an instance; pass the class",
        ),
        (
            {"callbacks": keras.callbacks.LearningRateScheduler},
            ValueError,
            "LearningRateScheduler needs 'schedule': pass callbacks__schedule",
        ),
    ],
)
def test_invalid_callbacks_are_refused(settings, error, message):
    model = MultiTaskKerasRegressor(**SMALL, **settings)
    with pytest.raises(error, match=message):
        model.fit(X, quantities(X))
    assert not hasattr(model, "network_")


def test_a_callback_that_fails_leaves_the_estimator_as_it_was():
    class Broken(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise OSError("no space left")

    model = MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X))
    before = dict(vars(model))
    with pytest.raises(OSError, match="no space left"):
        model.set_params(callbacks=Broken()).fit(X, labels_of_other_shape())
    assert {k: v for k, v in vars(model).items() if k != "callbacks"} == {
        k: v for k, v in before.items() if k != "callbacks"
    }


def labels_of_other_shape():
    return quantities(X)[:, :1]
