"""Callbacks that act: training continues with what they set, and stops when they ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.exceptions import TrainingDivergedError
from skmtl.training import counters
from skmtl.training._callbacks import KerasCallbacks

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = X[:, :2] @ [[1.0, 0.5], [0.0, 2.0]] + 0.1 * rng.normal(size=(60, 2)) + 3.0
BASE: dict[str, Any] = {
    "hidden_layer_sizes": (6,),
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.02,
    "early_stopping": False,
    "jit_compile": False,
    "random_state": 0,
    "ensemble_size": 1,
}
STEPS = 4


def fit(callbacks: Any = None, **settings: Any) -> MultiTaskKerasRegressor:
    return MultiTaskKerasRegressor(**{**BASE, **settings}, callbacks=callbacks).fit(X, Y)


def acting(**hooks: Callable[..., Any]) -> keras.callbacks.Callback:
    """Return a callback of a class with these hooks, each called with the callback."""
    methods = {name: (lambda self, *args, act=act, **kwargs: act(self)) for name, act in hooks.items()}
    return type("Acting", (keras.callbacks.Callback,), methods)()


def shrink(callback: keras.callbacks.Callback) -> None:
    callback.model.set_weights([0.5 * weight for weight in callback.model.get_weights()])


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"])
def test_every_way_to_act_on_batches_is_detected(hook: str) -> None:
    seen: list[int] = []
    fit(acting(**{hook: lambda self: seen.append(1)}))
    assert len(seen) == 4 * STEPS


def test_a_lambda_callback_acts_on_batches_too() -> None:
    seen: list[Any] = []
    fit(keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"]))))
    assert [batch for batch, _ in seen] == list(range(STEPS)) * 4
    assert all(loss > 0 for _, loss in seen)
    with pytest.raises(ValueError, match="LambdaCallback overrides a test or predict hook"):
        fit(keras.callbacks.LambdaCallback(on_test_batch_end=print))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_observing_callbacks_change_no_bit(dtype: str, dropout: float) -> None:
    settings = {"dtype": dtype, "early_stopping": True, "ensemble_size": 2, "dropout": dropout}
    plain = fit(**settings)
    for hook in ("on_epoch_end", "on_train_batch_end"):
        watched = fit(acting(**{hook: lambda self: self.model.get_weights()}), **settings)
        np.testing.assert_array_equal(watched.network_.parameters, plain.network_.parameters)
        np.testing.assert_allclose(watched.history_["loss"], plain.history_["loss"], rtol=1e-6)
        assert watched.history_["val_loss"] == plain.history_["val_loss"]


@pytest.mark.parametrize(
    "hook",
    [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_epoch_end",
        "on_train_end",
    ],
)
@pytest.mark.parametrize("members", [1, 2])
def test_training_continues_with_weights_that_a_callback_sets(hook: str, members: int) -> None:
    constants: list[list[np.ndarray]] = []

    def reset(callback: keras.callbacks.Callback) -> None:
        if not constants:
            constants.append([np.full_like(weight, 0.25) for weight in callback.model.get_weights()])
        callback.model.set_weights(constants[0])

    # With a tiny learning rate, the weights at the end are those that were set.
    estimator = fit(acting(**{hook: reset}), learning_rate=1e-12, ensemble_size=members)
    np.testing.assert_allclose(estimator.network_.parameters, 0.25, atol=1e-6)


def test_a_dropout_rate_that_a_callback_lowers_counts() -> None:
    def calm(callback: keras.callbacks.Callback) -> None:
        callback.model.get_layer("dropout_0").rate.assign(0.0)

    without = fit(dropout=0.0, epochs=3)
    lowered = fit(acting(on_train_begin=calm), dropout=0.6, epochs=3)
    np.testing.assert_allclose(lowered.predict(X), without.predict(X), rtol=1e-4)


def test_weights_that_a_callback_restores_at_the_end_are_kept_with_held_out_rows() -> None:
    kept: list[np.ndarray] = []

    def restore(callback: keras.callbacks.Callback) -> None:
        shrink(callback)
        kept.extend(callback.model.get_weights())

    estimator = fit(acting(on_train_end=restore), early_stopping=True)
    np.testing.assert_allclose(
        estimator.network_.parameters[0], np.concatenate([weight.ravel() for weight in kept]), rtol=1e-6
    )


def test_stopping_within_an_epoch_ends_it_there() -> None:
    seen: list[float] = []

    class Second(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            seen.append(logs["loss"])
            self.model.stop_training = batch == 1

    estimator = fit(Second(), learning_rate=1e-12)
    assert len(seen) == 2
    assert (estimator.n_iter_, estimator.stop_reason_) == (1, "a callback asked to stop")
    assert estimator.history_["loss"][0] == pytest.approx(np.mean(seen), rel=1e-5)


def test_callbacks_see_the_learning_rate_and_the_size_of_the_fit() -> None:
    seen: list[Any] = []

    def look(callback: keras.callbacks.Callback) -> None:
        seen.append((float(np.asarray(callback.model.optimizer.learning_rate)), dict(callback.params)))

    fit(acting(on_train_begin=look), learning_rate=0.015)
    fit(acting(on_train_begin=look), learning_rate=None, optimizer=keras.optimizers.SGD(0.25))
    (first, params), (second, _) = seen
    assert (first, second) == (pytest.approx(0.015), pytest.approx(0.25))
    assert (params["epochs"], params["steps"]) == (4, STEPS)


def test_callbacks_see_current_moving_averages_of_a_callers_model() -> None:
    seen: list[np.ndarray] = []

    def build() -> keras.Model:
        inputs = keras.Input((4,))
        hidden = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Dense(5, "relu")(inputs))
        return keras.Model(inputs, [keras.layers.Dense(1)(hidden), keras.layers.Dense(1)(hidden)])

    def predict(callback: keras.callbacks.Callback) -> None:
        seen.append(np.hstack(callback.model(X.astype(np.float32))))

    settings = {"model": build, "hidden_layer_sizes": (128, 64), "ensemble_size": 2}
    for hook in ("on_epoch_end", "on_train_batch_end"):
        estimator = fit(acting(**{hook: predict}), **settings)
        np.testing.assert_allclose(seen[-1], estimator.predict(X), rtol=1e-4, atol=1e-5)


class Interrupting(keras.callbacks.Callback):
    """Ctrl-C in the given epoch, counted from 1."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch + 1 == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("members", [1, 6])
def test_an_interrupted_fit_keeps_the_model_of_the_last_complete_epoch(members: int) -> None:
    with pytest.warns(UserWarning, match="interrupted by the user after epoch 2"):
        estimator = fit(Interrupting(2), ensemble_size=members)
    shorter = fit(epochs=2, ensemble_size=members)
    assert (estimator.n_iter_, estimator.stop_reason_) == (2, "training was interrupted")
    assert {len(values) for values in estimator.history_.values()} == {2}
    np.testing.assert_allclose(estimator.predict(X), shorter.predict(X), rtol=1e-4)


def test_a_fit_interrupted_before_the_first_epoch_has_no_model() -> None:
    interrupt = acting(on_epoch_begin=lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    estimator = MultiTaskKerasRegressor(**BASE, callbacks=interrupt)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "network_")


@pytest.mark.parametrize("callbacks", [None, keras.callbacks.TerminateOnNaN(), keras.callbacks.History()])
def test_a_fit_that_diverges_reports_where_and_leaves_the_estimator_unchanged(callbacks: Any, capsys: Any) -> None:
    estimator = MultiTaskKerasRegressor(**{**BASE, "learning_rate": 1e25}, optimizer="sgd", callbacks=callbacks)
    with pytest.raises(TrainingDivergedError, match=r"epoch [12]: the loss of task 'y[01]' is not finite.*clipnorm"):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "network_")
    assert issubclass(TrainingDivergedError, ValueError)


def test_weights_that_the_last_step_ruined_are_not_kept() -> None:
    def smooth_until_derived(y_true: Any, y_pred: Any) -> Any:
        error = y_true - y_pred
        return keras.ops.mean(keras.ops.square(error) + keras.ops.sqrt(0.0 * error), axis=-1)

    with pytest.raises(TrainingDivergedError, match=r"epoch 1: the network's weights are not finite"):
        fit(loss=smooth_until_derived, epochs=1, batch_size=60)


@pytest.mark.parametrize("hook", ["on_test_begin", "on_test_end", "on_predict_begin", "on_predict_batch_end"])
def test_hooks_that_would_never_be_called_are_refused(hook: str) -> None:
    with pytest.raises(ValueError, match=r"Acting overrides a test or predict hook.*on_epoch_end"):
        fit(acting(**{hook: lambda self: None}))


def test_a_callback_that_resumes_fits_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match=r"BackupAndRestore resumes an interrupted fit.*warm_start"):
        fit(keras.callbacks.BackupAndRestore(str(tmp_path / "backup")))


def test_keras_callbacks_that_do_not_act_on_batches_do_not_slow_training_down(tmp_path: Any) -> None:
    idle = [keras.callbacks.CSVLogger(str(tmp_path / "log")), keras.callbacks.EarlyStopping(monitor="loss")]
    before = counters.snapshot().get("program_calls", 0)
    fit(idle)
    assert counters.snapshot()["program_calls"] - before == 4
    assert (tmp_path / "log").read_text().splitlines()[0].startswith("epoch,loss,y0_loss,y1_loss")


@pytest.mark.parametrize(("frequency", "batchwise"), [("epoch", False), (2, True)])
def test_tensorboard_and_checkpoints_act_on_batches_if_asked_to(frequency: Any, batchwise: bool, tmp_path: Any) -> None:
    board = keras.callbacks.TensorBoard(str(tmp_path), update_freq=frequency)
    saver = keras.callbacks.ModelCheckpoint(str(tmp_path / "x.keras"), save_freq=frequency)
    for callback in (board, saver):
        made = lambda callback=callback: KerasCallbacks([callback], keras.Sequential(), print, print)  # noqa: E731
        if callback is board and batchwise:
            # It also writes at the end of test batches, which do not exist here.
            with pytest.raises(ValueError, match="TensorBoard overrides a test or predict hook"):
                made()
        else:
            assert made().batchwise == batchwise
