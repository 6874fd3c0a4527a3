"""Keras callbacks around the compiled loop: their hooks, with a model whose weights are in step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_REFUSED_HOOKS = ("on_test_batch_begin", "on_test_batch_end", "on_predict_batch_begin", "on_predict_batch_end")


class KerasCallbacks:
    """The caller's callbacks and the model they see.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Fresh copies, owned by this fit.
    model : keras.Model
        What the callbacks get as ``self.model``.
    write, read : callable
        Put flat parameters and frozen values into the model, and take them out again.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        write: Callable[[np.ndarray, Sequence[np.ndarray]], None],
        read: Callable[[], tuple[np.ndarray, list[np.ndarray]]],
    ) -> None:
        self._list = keras.callbacks.CallbackList(list(callbacks), add_history=False, add_progbar=False)
        self.model = model
        self.write = write
        self.read = read
        self.batchwise = any(_overrides(callback, _BATCH_HOOKS) for callback in callbacks)
        for callback in callbacks:
            if _overrides(callback, _REFUSED_HOOKS):
                raise ValueError(
                    f"The callback {type(callback).__name__} overrides a hook on test or predict batches; "
                    "skmtl evaluates inside the compiled loop and has no such batches. Use on_epoch_end."
                )

    def begin(self, optimizer: keras.optimizers.Optimizer, rate: float, epochs: int, steps: int) -> None:
        """Before the first epoch; the model gets an optimizer whose learning rate callbacks may set."""
        self.model.compile(optimizer=optimizer, jit_compile=False)
        self.rate = rate
        self.model.stop_training = False
        self._list.set_model(self.model)
        self._list.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
        self._list.on_train_begin()

    @property
    def rate(self) -> float:
        """Learning rate, as the callbacks left it; NaN where a schedule of the optimizer's rules."""
        optimizer = self.model.optimizer
        if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return float("nan")
        return float(np.asarray(optimizer.learning_rate))

    @rate.setter
    def rate(self, value: float) -> None:
        optimizer = self.model.optimizer
        if not isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            optimizer.learning_rate = value

    @property
    def stop(self) -> bool:
        """Whether a callback asked to stop."""
        return bool(self.model.stop_training)

    def epoch_begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""
        self._list.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """After an epoch, with its losses."""
        self._list.on_epoch_end(epoch, logs)

    def batch_begin(self, batch: int) -> None:
        """Before a batch."""
        self._list.on_train_batch_begin(batch, {})

    def batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """After a batch, with its losses."""
        self._list.on_train_batch_end(batch, logs)

    def end(self, logs: dict[str, float]) -> None:
        """After the last epoch."""
        self._list.on_train_end(logs)


def _overrides(callback: keras.callbacks.Callback, hooks: Sequence[str]) -> bool:
    for hook in hooks:
        method = getattr(type(callback), hook)
        if (
            method is not getattr(keras.callbacks.Callback, hook)
            and method.__module__ != "keras.src.callbacks.callback"
        ):
            return not _is_idle(callback)
    return False


def _is_idle(callback: keras.callbacks.Callback) -> bool:
    """Keras' own callbacks that override batch hooks but were not asked to act on batches."""
    frequency = getattr(callback, "save_freq", None)
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return frequency == "epoch"
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq == "epoch" and not callback._stop_batch
    if isinstance(callback, keras.callbacks.LambdaCallback):
        return True
    return False
