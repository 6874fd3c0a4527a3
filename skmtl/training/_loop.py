"""The training loop: it runs chunks of epochs in the compiled program until training stops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from .._records import StopReason, TrainingResult
from ._begin import initial_state, numbers_of
from ._buckets import bucket
from ._epoch_state import EpochState
from ._program import Program, to_device
from ._rows import BatchOrder
from ._run import Part, Run, checked_result
from ._stepwise import run_epoch_by_steps, show, take_over
from ._tensors import Data, Numbers, Report, State

# Most row indices per call of the program (about a second of work), and most epochs per call with early stopping.
_MOST_INDICES = 1 << 20
_EPOCHS_PER_CHECK = 32


def run_members(run: Run, tensors: Data) -> TrainingResult:
    """Train the members of a fit; ``tensors`` holds the rows, with this run's own evaluation index."""
    train_parts(run, tensors)
    return checked_result(run)


def train_parts(run: Run, tensors: Data) -> None:
    """Train the members of a run, which may belong to several fits."""
    for _ in chunks_of(run, tensors):
        pass


def chunks_of(run: Run, tensors: Data) -> Iterator[bool]:
    """Train the members of a run, and yield after every chunk of epochs; `result_of` returns the result so far.

    If interrupted, training ends with the state after the last complete epoch.
    """
    plan, first = run.plan, run.parts[0]
    evaluates = any(len(rows) for rows in plan.evaluate)
    steps = set(plan.steps(first.numbers.batch_size))
    program = run.structure.program(
        len(plan.train), evaluates, first.numbers.n_criteria, len(run.parts), uneven=len(steps) > 1
    )
    orders = [_order(part) for part in run.parts]
    run.state = initial_state(program, run)
    fixed = numbers_of(run, orders[0].steps, plan, tensors, program.network.dtype)
    try:
        if run.callbacks is not None:
            show(run.callbacks, run.state)
            run.callbacks.begin(run.structure.optimizer.create(), run.rate, run.most_epochs, orders[0].steps)
            run.state = take_over(run.callbacks, run.state)
        yield from _loop(run, program, orders, tensors, fixed)
    except KeyboardInterrupt:
        if run.done == 0:
            raise
        for part in run.parts:
            part.stop = StopReason.INTERRUPTED
        run.state = first.history.last_state
    finally:
        run.over = True
        run.progress.over(run.group)


def _order(part: Part) -> BatchOrder:
    data, numbers = part.data, part.numbers
    return BatchOrder(
        data.plan.train, numbers.batch_size, numbers.shuffle, numbers.seed, part.first, data.sampling, part.offset
    )


def _loop(run: Run, program: Program, orders: Sequence[BatchOrder], tensors: Data, fixed: Numbers) -> Iterator[bool]:
    per_call, steps = _epochs_per_call(run, orders), orders[0].steps
    room = (per_call, bucket(steps))
    evaluated = fixed.eval_weight.numpy() > 0 if int(fixed.eval_steps) else None
    state = run.state
    while not run.over and not run.halt.is_set():
        number = 1 if run.watched else min(-(-per_call // run.progress.parts), _epochs_left(run))
        if run.callbacks is not None:
            run.callbacks.epoch_begin(run.done)
            state = take_over(run.callbacks, state)
            fixed = _callback_rate(run, fixed)
        index = _batches(run, orders, number, room)
        with run.structure.programs.dropped_on_error(program):
            if run.callbacks is not None and run.callbacks.batchwise:
                state, report = run_epoch_by_steps(program, run.callbacks, state, tensors, fixed, index[:, :steps])
            else:
                inputs = (to_device(index, np.int32), to_device(number, np.int32))
                state, report = program.run(state, tensors, fixed, *inputs)
        before = run.done
        _record(run, report, evaluated, state)
        if all(part.history.diverged for part in run.parts if not part.over):
            run.state = state
            return
        _observe(run, program, state, tensors, fixed)
        run.progress.update(run.group, run.parts[0].history, before, run.done)
        run.state = state = _after_epoch(run, state)
        active = state.active.numpy()
        for part, place in zip(run.parts, run.places, strict=True):
            ended = part.stop is StopReason.CALLBACK or part.history.diverged or not active[place].any()
            part.over = part.over or part.done >= part.numbers.epochs or ended
        run.over = all(part.over for part in run.parts)
        yield True
    _set_stop_reasons(run, state)
    if run.callbacks is not None:
        run.callbacks.end(run.parts[0].history.last_logs())
        run.state = _keep_callback_weights(state, take_over(run.callbacks, state))


def _epochs_left(run: Run) -> int:
    return max(part.numbers.epochs - part.done for part in run.parts if not part.over)


def _batches(run: Run, orders: Sequence[BatchOrder], number: int, room: tuple[int, int]) -> np.ndarray:
    """Return the rows of the next epochs' steps, (epochs, steps, members, batch); any rows for fits that are over."""
    if len(orders) == 1:
        return orders[0].epochs(number, room)
    size = orders[0].batch_size
    index = np.zeros((*room, run.places[-1].stop, size), dtype=np.int32)
    for part, place, order in zip(run.parts, run.places, orders, strict=True):
        if not part.over:
            index[:, :, place] = order.epochs(number, room)
    return index


def _record(run: Run, report: Report, evaluated: np.ndarray | None, state: State) -> None:
    """Add the epochs of each fit to its own history."""
    epochs = state.epoch.numpy()
    report = tf.nest.map_structure(np.asarray, report)
    for part, place in zip(run.parts, run.places, strict=True):
        taken = int(epochs[place.start]) - part.done
        if part.over or taken == 0:
            continue
        own = report if len(run.parts) == 1 else tf.nest.map_structure(lambda all_, p=place: all_[:, p], report)
        part.history.extend(own, taken, None if evaluated is None else evaluated[place], state)
        part.done += taken
    run.done = max(part.done for part in run.parts)


def _set_stop_reasons(run: Run, state: State) -> None:
    active = state.active.numpy()
    for part, place in zip(run.parts, run.places, strict=True):
        if part.stop is StopReason.EPOCHS_USED and not active[place].any():
            part.stop = StopReason.NO_IMPROVEMENT


def _epochs_per_call(run: Run, orders: Sequence[BatchOrder]) -> int:
    """Return the most epochs per call of the program: many small ones, but one with Keras callbacks or an observer.

    A watched run takes one epoch per call, and one with a progress line a few. These calls use the program that is
    compiled for many epochs, so that results have the same bits.
    """
    if run.callbacks is not None or run.observer is not None:
        return 1
    visits = run.places[-1].stop * orders[0].steps * orders[0].batch_size
    most = max(1, _MOST_INDICES // visits)
    if any(part.numbers.early_stopping for part in run.parts):
        # The order of rows is drawn in advance, in vain if training stops.
        most = min(most, _EPOCHS_PER_CHECK)
    return min(most, bucket(run.most_epochs))


def _callback_rate(run: Run, fixed: Numbers) -> Numbers:
    """Update the learning rate if a callback has set it."""
    rate = run.callbacks.rate if run.callbacks is not None else run.rate
    if np.isnan(rate) or rate == run.rate:
        return fixed
    run.rate = rate
    return fixed._replace(rate=tf.fill(fixed.rate.shape, tf.cast(rate, fixed.rate.dtype)))


def _after_epoch(run: Run, state: State) -> State:
    callbacks = run.callbacks
    if callbacks is None:
        return state
    (part,) = run.parts
    show(callbacks, state)
    callbacks.epoch_end(run.done - 1, part.history.last_logs())
    if callbacks.stop:
        part.stop = StopReason.CALLBACK
    return take_over(callbacks, state)


def _keep_callback_weights(before: State, after: State) -> State:
    """Keep weights that a callback sets at the very end (restored or averaged ones) instead of the best epoch's."""
    if after.flat is before.flat:
        return after
    return after._replace(best=[one._replace(flat=after.flat, frozen=after.frozen) for one in after.best])


def _observe(run: Run, program: Program, state: State, tensors: Data, fixed: Numbers) -> None:
    if run.observer is not None:
        (part,) = run.parts
        plan, numbers = part.data.plan, part.numbers
        run.observer(
            EpochState(
                program, state, tensors, fixed, plan.train, numbers.batch_size, numbers.seed, part.first, part.done
            )
        )
