"""An epoch in single steps, for callbacks that act on batches."""

from __future__ import annotations

import logging

import numpy as np
import tensorflow as tf

from ._callbacks import KerasCallbacks
from ._program import Program, to_device
from ._tensors import Data, Numbers, Report, State

logger = logging.getLogger("skmtl")


def run_epoch_by_steps(
    program: Program, callbacks: KerasCallbacks, state: State, data: Data, numbers: Numbers, index: np.ndarray
) -> tuple[State, Report]:
    """Run one epoch over ``index`` (1, steps, members, batch) with the callbacks' batch hooks around every step.

    If a callback asks to stop, the epoch ends there, and its losses are those of the batches so far.
    """
    logger.info("A callback acts on batches: training runs step by step, which is slower.")
    before, rows, size = state, numbers.train_rows.numpy(), index.shape[3]
    one, none = to_device(1, np.int32), to_device(0, np.int32)
    # The program counts one step per epoch here.
    before_epoch = int(state.epoch[0]) * (index.shape[1] - 1)
    sums, penalties, used = 0.0, 0.0, np.zeros(len(rows))
    record: dict[str, np.ndarray] = {}
    show(callbacks, state)
    for step in range(index.shape[1]):
        left = np.clip(rows - step * size, 0, size)
        callbacks.batch_begin(step)
        state = take_over(callbacks, state)
        single = numbers._replace(
            steps=one, begun=to_device(before_epoch + step, np.int32),
            eval_steps=none, eval_rows=tf.zeros_like(numbers.eval_rows), train_rows=to_device(left, np.int32),
            stopping=tf.zeros_like(numbers.stopping), closing=tf.constant(False),
        )  # fmt: skip
        batch = to_device(index[:, step : step + 1], np.int32)
        state, report = program.run(state, data, single, batch, one)
        share = left / rows
        sums = sums + report.train[0].numpy() * share[:, None]
        penalties, used = penalties + report.penalty[0].numpy() * share, used + share
        record = {name: record.get(name, 0.0) + values[:1].numpy() for name, values in report.balancing.items()}
        # A step is not an epoch: restore everything that counts epochs.
        state = state._replace(best=before.best, epoch=before.epoch, active=before.active)
        show(callbacks, state)
        callbacks.batch_end(step, {"loss": float(np.mean(report.train[0].numpy()))})
        state = take_over(callbacks, state)
        if callbacks.stop:
            sums, penalties = sums / used[:, None], penalties / used
            break
    carry = program.gradient.epoch_end(tf.constant(sums, program.dtype), numbers, state.balancing)
    idle = numbers._replace(steps=none, closing=tf.constant(False))
    state, report = program.run(state._replace(balancing=carry), data, idle, to_device(index[:, :1], np.int32), one)
    finite = np.isfinite(sums).all(axis=1)
    state = state._replace(active=tf.logical_and(state.active, tf.constant(finite)))
    return state, Report(np.asarray(sums)[None], report.evaluation, np.asarray(penalties)[None], record)


def show(callbacks: KerasCallbacks, state: State) -> None:
    """Write the state's weights into the model that the callbacks see."""
    callbacks.write(state.flat.numpy(), [value.numpy() for value in state.frozen])


def take_over(callbacks: KerasCallbacks, state: State) -> State:
    """Return the state with weights and random states as the callbacks left them."""
    flat, frozen = callbacks.read()
    if not np.array_equal(flat, state.flat.numpy(), equal_nan=True):
        state = state._replace(flat=to_device(flat, state.flat.dtype.as_numpy_dtype))
    kept = [
        old if np.array_equal(new, old.numpy()) else tf.constant(new, old.dtype)
        for new, old in zip(frozen, state.frozen, strict=True)
    ]
    return state._replace(frozen=kept)
