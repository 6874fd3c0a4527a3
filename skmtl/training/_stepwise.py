"""An epoch in single steps, for callbacks that want to act on batches."""

from __future__ import annotations

import logging

import numpy as np
import tensorflow as tf

from ._callbacks import KerasCallbacks
from ._program import Data, Numbers, Program, Report, State, to_device

logger = logging.getLogger("skmtl")


def run_epoch_by_steps(
    program: Program, callbacks: KerasCallbacks, state: State, data: Data, numbers: Numbers, index: np.ndarray
) -> tuple[State, Report]:
    """One epoch over ``index`` (1, steps, members, batch) with the callbacks' batch hooks around every step."""
    logger.info("A callback acts on batches: training runs step by step, which is slower.")
    before, rows, size = state, numbers.train_rows.numpy(), index.shape[3]
    one, none = to_device(1, np.int32), to_device(0, np.int32)
    sums, penalties = 0.0, 0.0
    for step in range(index.shape[1]):
        left = np.clip(rows - step * size, 0, size)
        callbacks.batch_begin(step)
        single = numbers._replace(
            steps=one, eval_steps=none, eval_rows=tf.zeros_like(numbers.eval_rows),
            train_rows=to_device(left, np.int32), stopping=tf.constant(False),
        )  # fmt: skip
        batch = to_device(index[:, step : step + 1], np.int32)
        state, report = program.run(state, data, single, batch, one)
        share = (left / rows)[:, None]
        sums, penalties = sums + report.train[0].numpy() * share, penalties + report.penalty[0].numpy() * share[:, 0]
        state = _as_before(state, before)
        state = _show_batch(callbacks, state, step, float(np.mean(report.train[0].numpy())))
    idle = numbers._replace(steps=none)
    state, report = program.run(state, data, idle, to_device(index[:, :1], np.int32), one)
    finite = np.isfinite(sums).all(axis=1)
    state = state._replace(active=tf.logical_and(state.active, tf.constant(finite)))
    return state, Report(np.asarray(sums)[None], report.evaluation, np.asarray(penalties)[None])


def _as_before(state: State, before: State) -> State:
    """A step is no epoch: what counts epochs stays as it was."""
    return state._replace(wait=before.wait, epoch=before.epoch, active=before.active)


def _show_batch(callbacks: KerasCallbacks, state: State, step: int, loss: float) -> State:
    callbacks.write(state.flat.numpy(), [value.numpy() for value in state.frozen])
    callbacks.batch_end(step, {"loss": loss})
    flat, _ = callbacks.read()
    if np.array_equal(flat, state.flat.numpy()):
        return state
    return state._replace(flat=to_device(flat, state.flat.dtype.as_numpy_dtype))
