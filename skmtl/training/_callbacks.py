"""Keras callbacks around the compiled loop: their hooks, and a model that shows the current weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

Weights = tuple[np.ndarray, list[np.ndarray]]

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_REFUSED_HOOKS = tuple(
    f"on_{phase}_{event}" for phase in ("test", "predict") for event in ("begin", "end", "batch_begin", "batch_end")
)


class KerasCallbacks:
    """The caller's callbacks and the model they see.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        Fresh copies, owned by this fit.
    model : keras.Model
        The model that the callbacks get as ``self.model``.
    write, read : callable
        Write flat parameters and frozen values into the model, and read them from it.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        model: keras.Model,
        write: Callable[[np.ndarray, Sequence[np.ndarray]], None],
        read: Callable[[], Weights],
    ) -> None:
        self._list = keras.callbacks.CallbackList(list(callbacks), add_history=False, add_progbar=False)
        self.model = model
        self._write = write
        self._read = read
        self._written: Weights | None = None
        self._shown: Weights | None = None
        self.batchwise = any(_overrides(callback, _BATCH_HOOKS) for callback in callbacks)
        for callback in callbacks:
            _check(callback)

    def write(self, flat: np.ndarray, frozen: Sequence[np.ndarray]) -> None:
        """Show these weights to the callbacks."""
        self._write(flat, frozen)
        self._written, self._shown = (flat, list(frozen)), self._read()

    def read(self) -> Weights:
        """Return the weights as the callbacks left them.

        If they changed nothing, these are exactly the weights that were written: the model may have a lower precision
        than training.
        """
        flat, frozen = self._read()
        if self._written is None or self._shown is None:
            return flat, frozen
        written, shown = self._written, self._shown
        if np.array_equal(flat, shown[0], equal_nan=True):
            flat = written[0]
        same = all(np.array_equal(now, then) for now, then in zip(frozen, shown[1], strict=True))
        return flat, written[1] if same else frozen

    def begin(self, optimizer: keras.optimizers.Optimizer, rate: float, epochs: int, steps: int) -> None:
        """Call the hooks before the first epoch; the model gets an optimizer whose learning rate callbacks may set."""
        self.model.compile(optimizer=optimizer, jit_compile=False)
        # A checkpoint of a model whose optimizer has no variables cannot be loaded.
        optimizer.build(self.model.trainable_variables)
        self.rate = rate
        self.model.stop_training = False
        self._list.set_model(self.model)
        self._list.set_params({"epochs": epochs, "steps": steps, "verbose": 0})
        self._list.on_train_begin()

    @property
    def rate(self) -> float:
        """The learning rate as the callbacks left it; NaN if the optimizer has a schedule."""
        if self._has_schedule:
            return float("nan")
        now = self._shown_rate()
        # The optimizer keeps it in float32: if unchanged, return the exact value that was set.
        return self._given_rate if now == self._first_rate else now

    @rate.setter
    def rate(self, value: float) -> None:
        if not self._has_schedule:
            self.model.optimizer.learning_rate = value
            self._given_rate, self._first_rate = value, self._shown_rate()

    @property
    def _has_schedule(self) -> bool:
        return isinstance(self.model.optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule)

    def _shown_rate(self) -> float:
        return float(np.asarray(self.model.optimizer.learning_rate))

    @property
    def stop(self) -> bool:
        """Whether a callback asked training to stop."""
        return bool(self.model.stop_training)

    def epoch_begin(self, epoch: int) -> None:
        """Call the hooks before an epoch, counted from 0."""
        self._list.on_epoch_begin(epoch, {})

    def epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Call the hooks after an epoch, with its losses."""
        self._list.on_epoch_end(epoch, logs)

    def batch_begin(self, batch: int) -> None:
        """Call the hooks before a batch."""
        self._list.on_train_batch_begin(batch, {})

    def batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Call the hooks after a batch, with its losses."""
        self._list.on_train_batch_end(batch, logs)

    def end(self, logs: dict[str, float]) -> None:
        """Call the hooks after the last epoch."""
        self._list.on_train_end(logs)


def _check(callback: keras.callbacks.Callback) -> None:
    """Refuse callbacks that the compiled loop cannot serve."""
    name = type(callback).__name__
    if isinstance(callback, keras.callbacks.BackupAndRestore):
        raise ValueError(
            f"The callback {name} resumes an interrupted fit, which skmtl does not support: use ModelCheckpoint to "
            "save weights, and warm_start=True to continue from a fit."
        )
    if _overrides(callback, _REFUSED_HOOKS):
        raise ValueError(
            f"The callback {name} overrides a test or predict hook, but skmtl evaluates inside the compiled loop, "
            "which does not call these. Use on_epoch_end."
        )


def _overrides(callback: keras.callbacks.Callback, hooks: Sequence[str]) -> bool:
    """Whether a callback's class, or the callback itself (LambdaCallback), defines one of the hooks."""
    if _is_idle(callback):
        return False
    own = (getattr(getattr(callback, hook), "__func__", getattr(callback, hook)) for hook in hooks)
    return any(method is not getattr(keras.callbacks.Callback, hook) for method, hook in zip(own, hooks, strict=True))


def _is_idle(callback: keras.callbacks.Callback) -> bool:
    """Whether it is one of Keras' callbacks that override batch hooks, but is not set to act on batches."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return callback.save_freq == "epoch"
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq == "epoch" and not callback._stop_batch
    return False
