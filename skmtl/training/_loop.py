"""The loop: chunks of epochs through the compiled program, until something says stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from .._records import BestWeights, StopReason, TrainingNumbers, TrainingResult
from ._buckets import bucket
from ._callbacks import KerasCallbacks
from ._history import History, averages
from ._moment import Moment, Observer
from ._program import Program, to_device
from ._progress import Progress
from ._rows import BatchOrder
from ._stepwise import run_epoch_by_steps, show, take_over
from ._structure import TrainingData, TrainingStructure
from ._tensors import Best, Carry, Data, Numbers, State

# Python is entered again after this many row visits, or indices, at the latest (about a second's work).
_MOST_INDICES = 1 << 20


@dataclass
class Run:
    """Some members' fit under way; ``first`` is the number of the first of them, ``group`` that of the run itself.

    ``state`` is that after the last whole epoch, ``over`` whether it was the last one of all. A ``watched`` run
    gives way after every epoch.
    """

    structure: TrainingStructure
    data: TrainingData
    numbers: TrainingNumbers
    callbacks: KerasCallbacks | None
    progress: Progress
    history: History
    first: int = 0
    group: int = 0
    watched: bool = False
    halt: threading.Event = field(default_factory=threading.Event)
    observer: Observer | None = None
    stop: StopReason = StopReason.EPOCHS_USED
    done: int = 0
    over: bool = False
    state: State = field(init=False)
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        rate = self.numbers.learning_rate
        self.rate = self.structure.optimizer.learning_rate if rate is None else rate


def run_members(run: Run, tensors: Data) -> TrainingResult:
    """Train the run's members to the end; ``tensors`` holds the rows, with this run's own evaluation index."""
    for _ in chunks_of(run, tensors):
        pass
    return checked_result(run)


def chunks_of(run: Run, tensors: Data) -> Iterator[bool]:
    """Train the run's members, giving way after every chunk of epochs; what there is by then is `result_of` it.

    Interrupted, it ends with what there is after the last whole epoch.
    """
    evaluates = any(len(rows) for rows in run.data.plan.evaluate)
    program = run.structure.program(run.data.members, evaluates, run.numbers.n_judges)
    numbers, data = run.numbers, run.data
    order = BatchOrder(
        data.plan.train, numbers.batch_size, numbers.shuffle, numbers.seed, run.first, sampling=data.sampling
    )
    run.state = _initial_state(program, run)
    fixed = _numbers(run, order, tensors, program.network.dtype)
    try:
        if run.callbacks is not None:
            show(run.callbacks, run.state)
            run.callbacks.begin(run.structure.optimizer.create(), run.rate, run.numbers.epochs, order.steps)
            run.state = take_over(run.callbacks, run.state)
        yield from _loop(run, program, order, tensors, fixed)
    except KeyboardInterrupt:
        if run.done == 0:
            raise
        run.stop = StopReason.INTERRUPTED
        run.state = run.history.last_state
    finally:
        run.over = True
        run.progress.over(run.group)


def _loop(run: Run, program: Program, order: BatchOrder, tensors: Data, fixed: Numbers) -> Iterator[bool]:
    per_call = _epochs_per_call(run, order)
    room = (per_call, bucket(order.steps))
    evaluated = fixed.eval_weight.numpy() > 0 if int(fixed.eval_steps) else None
    state = run.state
    while not run.over and not run.halt.is_set():
        number = 1 if run.watched else min(-(-per_call // run.progress.parts), run.numbers.epochs - run.done)
        if run.callbacks is not None:
            run.callbacks.epoch_begin(run.done)
            state = take_over(run.callbacks, state)
            fixed = _callback_rate(run, fixed)
        index = order.epochs(number, room)
        with run.structure.programs.dropped_on_error(program):
            if run.callbacks is not None and run.callbacks.batchwise:
                state, report = run_epoch_by_steps(
                    program, run.callbacks, state, tensors, fixed, index[:, : order.steps]
                )
            else:
                inputs = (to_device(index, np.int32), to_device(number, np.int32))
                state, report = program.run(state, tensors, fixed, *inputs)
        taken = int(state.epoch) - run.done
        run.history.extend(report, taken, evaluated, state)
        run.done += taken
        if run.history.diverged:
            run.state = state
            return
        _observe(run, program, state, tensors, fixed)
        run.progress.update(run.group, run.history, run.done - taken, run.done)
        run.state = state = _after_epoch(run, state)
        active = bool(np.any(state.active.numpy()))
        run.over = run.done >= run.numbers.epochs or run.stop is StopReason.CALLBACK or not active
        yield True
    if run.stop is StopReason.EPOCHS_USED and not np.any(state.active.numpy()):
        run.stop = StopReason.NO_IMPROVEMENT
    if run.callbacks is not None:
        run.callbacks.end(run.history.last_logs())
        run.state = _keep_what_was_set(state, take_over(run.callbacks, state))


def _epochs_per_call(run: Run, order: BatchOrder) -> int:
    """Most epochs between two visits to Python: many where they are tiny, one with Keras callbacks or an observer.

    A watched run takes one at a time in the room of many, a run with a line of progress a few: in the program
    compiled for all of them, so that the bits are the same.
    """
    if run.callbacks is not None or run.observer is not None:
        return 1
    visits = len(run.data.plan.train) * order.steps * order.batch_size
    most = max(1, _MOST_INDICES // visits)
    return min(most, bucket(run.numbers.epochs))


def _initial_state(program: Program, run: Run) -> State:
    data, members = run.data, program.network.members
    state = program.update.initial_state(data.parameters) if data.optimizer_state is None else data.optimizer_state[0]
    frozen = [tf.constant(value) for value in data.frozen]
    dtype = program.network.dtype
    flat = to_device(data.parameters, dtype)
    far = to_device(np.full(members, np.inf), dtype)
    none = tf.zeros((members,), tf.int32)
    return State(
        flat=flat,
        optimizer=[tf.constant(value) for value in state],
        frozen=frozen,
        balancing=_initial_carry(program, run),
        best=[Best(flat, frozen, loss=far, reference=far, wait=none, epoch=none) for _ in range(run.numbers.n_judges)],
        active=tf.ones((members,), tf.bool),
        epoch=tf.constant(0),
    )


def _initial_carry(program: Program, run: Run) -> Carry:
    """What the balancing method starts from: what it remembered where training goes on."""
    carry = program.gradient.start(run.numbers.seed, run.first)
    if run.data.balancing is not None:
        carry = carry._replace(method={name: run.data.balancing[name] for name in carry.method})
    return tf.nest.map_structure(tf.constant, carry)


def _numbers(run: Run, order: BatchOrder, tensors: Data, single: str) -> Numbers:
    plan, weights, numbers = run.data.plan, run.data.weights, run.numbers
    trained = np.stack([weights[rows].sum(axis=0, dtype=np.float64) for rows in plan.train])
    evaluated = np.stack([weights[rows].sum(axis=0, dtype=np.float64) for rows in plan.evaluate])
    rows = np.array([len(rows) for rows in plan.train])
    held = np.array([len(rows) for rows in plan.evaluate])
    size = tensors.evaluation.shape[2]
    decay = run.structure.optimizer.weight_decay if numbers.weight_decay is None else numbers.weight_decay
    whole = np.int32
    judges = np.ones((1, evaluated.shape[1])) if numbers.judges is None else numbers.judges
    return Numbers(
        rate=to_device(run.rate, single),
        horizon=to_device(numbers.epochs * order.steps if numbers.cosine else 0, single),
        begun=to_device(0, whole),
        decay=to_device(decay, single),
        task_weights=to_device(numbers.task_weights, single),
        units=to_device(run.data.units, single),
        scale=to_device(run.data.scale, single),
        train_share=to_device(trained / rows[:, None], single),
        train_rows=to_device(rows, whole),
        eval_weight=to_device(evaluated, single),
        eval_rows=to_device(held, whole),
        steps=to_device(order.steps, whole),
        eval_steps=to_device(-(-int(held.max()) // size), whole),
        tol=to_device(numbers.tol, single),
        patience=to_device(numbers.patience, whole),
        stopping=to_device(numbers.early_stopping and held.max() > 0, np.bool_),
        judges=to_device(judges, single),
        by_others=to_device(numbers.judged_by_others, np.bool_),
        closing=to_device(True, np.bool_),
        balancing={name: to_device(value, np.float32) for name, value in numbers.balancing},
    )


def _callback_rate(run: Run, fixed: Numbers) -> Numbers:
    """The learning rate as a callback may have set it."""
    rate = run.callbacks.rate if run.callbacks is not None else run.rate
    if np.isnan(rate) or rate == run.rate:
        return fixed
    run.rate = rate
    return fixed._replace(rate=tf.cast(rate, fixed.rate.dtype))


def _after_epoch(run: Run, state: State) -> State:
    callbacks = run.callbacks
    if callbacks is None:
        return state
    show(callbacks, state)
    callbacks.epoch_end(run.done - 1, run.history.last_logs())
    if callbacks.stop:
        run.stop = StopReason.CALLBACK
    return take_over(callbacks, state)


def _keep_what_was_set(before: State, after: State) -> State:
    """Weights that a callback put in at the very end (restored, averaged) are those it wants kept."""
    if after.flat is before.flat:
        return after
    return after._replace(best=[one._replace(flat=after.flat, frozen=after.frozen) for one in after.best])


def checked_result(run: Run) -> TrainingResult:
    """What the run came to; raises where it diverged."""
    result = result_of(run)
    for parameters in (result.parameters, *(one.parameters for one in result.other_bests)):
        run.history.check_finite(parameters)
    return result


def _observe(run: Run, program: Program, state: State, tensors: Data, fixed: Numbers) -> None:
    if run.observer is not None:
        plan, numbers = run.data.plan, run.numbers
        run.observer(
            Moment(program, state, tensors, fixed, plan.train, numbers.batch_size, numbers.seed, run.first, run.done)
        )


def result_of(run: Run) -> TrainingResult:
    """What the run comes to if it ends here."""
    return what_is_kept(
        run.state,
        run.history,
        run.numbers.early_stopping,
        tuple(run.data.plan.evaluate),
        any(len(rows) for rows in run.data.plan.evaluate),
        run.done,
        StopReason.INTERRUPTED if run.halt.is_set() else run.stop,
    )


def what_is_kept(
    state: State,
    history: History,
    stops_early: bool,
    held_out: tuple[np.ndarray, ...],
    any_held_out: bool,
    n_epochs: int,
    stop: StopReason,
) -> TrainingResult:
    """What a state and its record come to: the weights of each member's best epoch, where it was to be found."""
    best = state.best[0].epoch.numpy() if any_held_out else np.full(len(held_out), n_epochs)
    kept = [
        BestWeights(one.flat.numpy(), tuple(value.numpy() for value in one.frozen))
        for one in (state.best if stops_early and any_held_out else [state] * len(state.best))
    ]
    members = history.members()
    return TrainingResult(
        parameters=kept[0].parameters,
        frozen=kept[0].frozen,
        optimizer_state=(tuple(value.numpy() for value in state.optimizer),),
        history=averages(members),
        member_history=members,
        n_epochs=n_epochs,
        best_epochs=best,
        stop=stop,
        held_out=held_out,
        balancing={name: value.numpy() for name, value in state.balancing.method.items()},
        cosines=history.balancing.cosines(),
        other_bests=tuple(kept[1:]),
    )
