"""The loop: chunks of epochs through the compiled program, until something says stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from .._records import BestWeights, StopReason, TrainingNumbers, TrainingResult
from ._buckets import bucket
from ._callbacks import KerasCallbacks
from ._history import History, averages
from ._moment import Moment, Observer
from ._program import Program, to_device
from ._progress import Progress
from ._rows import BatchOrder, RowPlan
from ._stepwise import run_epoch_by_steps, show, take_over
from ._structure import TrainingData, TrainingStructure
from ._tensors import Best, Carry, Data, Numbers, Report, State

# Python is entered again after this many row visits, or indices, at the latest (about a second's work).
_MOST_INDICES = 1 << 20
_EPOCHS_BEFORE_A_LOOK = 32
# More epochs than anybody waits, and an int32.
LONGEST = 2**31 - 1


@dataclass
class Part:
    """Some members of one fit, as a run trains them: their data, their numbers and the record of it.

    ``first`` is the number of the first of them in the fit; ``offset`` says where the fit's rows begin among those of
    all. A part of no epochs fills a program up.
    """

    data: TrainingData
    numbers: TrainingNumbers
    history: History
    first: int = 0
    offset: int = 0
    stop: StopReason = StopReason.EPOCHS_USED
    done: int = 0

    def __post_init__(self) -> None:
        self.over = self.numbers.epochs == 0


@dataclass
class Run:
    """Members under training in one program: those of a fit, or of several; ``group`` is the run's number.

    ``state`` is that after the last whole epoch, ``over`` whether it was the last one of all. A ``watched`` run
    gives way after every epoch. ``most_epochs`` is what any run of the same program may take.
    """

    structure: TrainingStructure
    parts: Sequence[Part]
    progress: Progress
    callbacks: KerasCallbacks | None = None
    group: int = 0
    watched: bool = False
    halt: threading.Event = field(default_factory=threading.Event)
    observer: Observer | None = None
    most_epochs: int = 0
    done: int = 0
    over: bool = False
    state: State = field(init=False)
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.rate = rate_of(self.structure, self.parts[0].numbers)
        self.most_epochs = max(self.most_epochs, *(part.numbers.epochs for part in self.parts))
        stops = np.cumsum([part.data.members for part in self.parts]).tolist()
        self.places = [slice(start, stop) for start, stop in zip([0, *stops[:-1]], stops, strict=True)]

    @property
    def plan(self) -> RowPlan:
        """Which of all rows each member uses."""
        shifted = [part.data.plan.shifted(part.offset) for part in self.parts]
        return RowPlan(*(tuple(rows for plan in shifted for rows in side(plan)) for side in (_trained, _held)))


def run_members(run: Run, tensors: Data) -> TrainingResult:
    """Train the members of a fit to the end; ``tensors`` holds the rows, with this run's own evaluation index."""
    train_parts(run, tensors)
    return checked_result(run)


def train_parts(run: Run, tensors: Data) -> None:
    """Train the run's members to the end."""
    for _ in chunks_of(run, tensors):
        pass


def chunks_of(run: Run, tensors: Data) -> Iterator[bool]:
    """Train the run's members, giving way after every chunk of epochs; what there is by then is `result_of` it.

    Interrupted, it ends with what there is after the last whole epoch.
    """
    plan, first = run.plan, run.parts[0]
    evaluates = any(len(rows) for rows in plan.evaluate)
    steps = {-(-len(rows) // first.numbers.batch_size) for rows in plan.train}
    program = run.structure.program(
        len(plan.train), evaluates, first.numbers.n_judges, len(run.parts), uneven=len(steps) > 1
    )
    orders = [_order(part) for part in run.parts]
    run.state = _initial_state(program, run)
    fixed = _numbers(run, orders[0].steps, plan, tensors, program.network.dtype)
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
    _say_why(run, state)
    if run.callbacks is not None:
        run.callbacks.end(run.parts[0].history.last_logs())
        run.state = _keep_what_was_set(state, take_over(run.callbacks, state))


def _epochs_left(run: Run) -> int:
    return max(part.numbers.epochs - part.done for part in run.parts if not part.over)


def _batches(run: Run, orders: Sequence[BatchOrder], number: int, room: tuple[int, int]) -> np.ndarray:
    """Rows of the next epochs' steps, (epochs, steps, members, batch); of fits that are over, any."""
    if len(orders) == 1:
        return orders[0].epochs(number, room)
    size = orders[0].batch_size
    index = np.zeros((*room, run.places[-1].stop, size), dtype=np.int32)
    for part, place, order in zip(run.parts, run.places, orders, strict=True):
        if not part.over:
            index[:, :, place] = order.epochs(number, room)
    return index


def _record(run: Run, report: Report, evaluated: np.ndarray | None, state: State) -> None:
    """Each fit's epochs in its own record."""
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


def _say_why(run: Run, state: State) -> None:
    active = state.active.numpy()
    for part, place in zip(run.parts, run.places, strict=True):
        if part.stop is StopReason.EPOCHS_USED and not active[place].any():
            part.stop = StopReason.NO_IMPROVEMENT


def _epochs_per_call(run: Run, orders: Sequence[BatchOrder]) -> int:
    """Most epochs between two visits to Python: many where they are tiny, one with Keras callbacks or an observer.

    A watched run takes one at a time in the room of many, a run with a line of progress a few: in the program
    compiled for all of them, so that the bits are the same.
    """
    if run.callbacks is not None or run.observer is not None:
        return 1
    visits = run.places[-1].stop * orders[0].steps * orders[0].batch_size
    most = max(1, _MOST_INDICES // visits)
    if any(part.numbers.early_stopping for part in run.parts):
        # The order of rows is drawn beforehand, for nothing where training stops.
        most = min(most, _EPOCHS_BEFORE_A_LOOK)
    return min(most, bucket(run.most_epochs))


def _initial_state(program: Program, run: Run) -> State:
    members = program.network.members
    first = run.parts[0].data
    parameters = _joined([part.data.parameters for part in run.parts])
    # Only a lone fit goes on from the state of an earlier one.
    state = program.update.initial_state(parameters) if first.optimizer_state is None else first.optimizer_state[0]
    frozen = [tf.constant(value) for value in first.frozen]
    if len(run.parts) > 1:
        frozen = [tf.constant(np.stack(values)) for values in zip(*(p.data.frozen for p in run.parts), strict=True)]
    dtype = program.network.dtype
    flat = to_device(parameters, dtype)
    far = to_device(np.full(members, np.inf), dtype)
    none = tf.zeros((members,), tf.int32)
    best = Best(flat, frozen, loss=far, reference=far, wait=none, epoch=none)
    return State(
        flat=flat,
        optimizer=[tf.constant(value) for value in state],
        frozen=frozen,
        balancing=_initial_carry(program, run),
        best=[best for _ in range(run.parts[0].numbers.n_judges)],
        active=tf.ones((members,), tf.bool),
        epoch=none,
    )


def _initial_carry(program: Program, run: Run) -> Carry:
    """What the balancing method starts from: what it remembered where training goes on."""
    starts = []
    for part in run.parts:
        carry = program.gradient.start(part.numbers.seed, part.first, part.data.members)
        if part.data.balancing is not None:
            carry = carry._replace(method={name: part.data.balancing[name] for name in carry.method})
        starts.append(carry)
    return tf.nest.map_structure(lambda *values: tf.constant(_joined(values)), *starts)


def _joined(values: Sequence[np.ndarray]) -> np.ndarray:
    return values[0] if len(values) == 1 else np.concatenate(values)


def _numbers(run: Run, steps: int, plan: RowPlan, tensors: Data, single: str) -> Numbers:
    """The numbers of all members, each those of its fit."""
    first, structure = run.parts[0].numbers, run.structure
    each = [(part.numbers, part.data) for part in run.parts]
    trained, evaluated = (
        np.concatenate([_label_weights(part.data.weights, rows(part.data.plan)) for part in run.parts])
        for rows in (_trained, _held)
    )
    rows = np.array([len(rows) for rows in plan.train])
    held = np.array([len(rows) for rows in plan.evaluate])
    size = tensors.evaluation.shape[2]
    whole = np.int32
    n_tasks = evaluated.shape[1]
    judges = np.ones((1, n_tasks)) if first.judges is None else first.judges

    def of_members(values: Sequence[Any], dtype: Any) -> tf.Tensor:
        counts = [data.members for _, data in each]
        return to_device(np.repeat(np.asarray(values), counts, axis=0), dtype)

    return Numbers(
        rate=of_members([rate_of(structure, numbers) for numbers, _ in each], single),
        horizon=of_members([numbers.epochs * steps if numbers.cosine else 0 for numbers, _ in each], single),
        begun=to_device(0, whole),
        decay=of_members([decay_of(structure, numbers) for numbers, _ in each], single),
        task_weights=of_members([numbers.task_weights for numbers, _ in each], single),
        units=of_members([data.units for _, data in each], single),
        scale=of_members([data.scale for _, data in each], single),
        train_share=to_device(trained / rows[:, None], single),
        train_rows=to_device(rows, whole),
        eval_weight=to_device(evaluated, single),
        eval_rows=to_device(held, whole),
        epochs=of_members([numbers.epochs for numbers, _ in each], whole),
        steps=to_device(steps, whole),
        eval_steps=to_device(-(-int(held.max()) // size), whole),
        tol=of_members([numbers.tol for numbers, _ in each], single),
        patience=of_members([min(numbers.patience, LONGEST) for numbers, _ in each], whole),
        stopping=of_members([numbers.early_stopping and _holds_out(data) for numbers, data in each], np.bool_),
        judges=to_device(judges, single),
        by_others=to_device(first.judged_by_others, np.bool_),
        closing=to_device(True, np.bool_),
        balancing={name: to_device(value, np.float32) for name, value in first.balancing},
    )


def _trained(plan: RowPlan) -> tuple[np.ndarray, ...]:
    return plan.train


def _held(plan: RowPlan) -> tuple[np.ndarray, ...]:
    return plan.evaluate


def _label_weights(weights: np.ndarray, rows: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of the weights of each member's labels, (members, tasks)."""
    return np.stack([weights[chosen].sum(axis=0, dtype=np.float64) for chosen in rows])


def _holds_out(data: TrainingData) -> bool:
    return any(len(rows) for rows in data.plan.evaluate)


def rate_of(structure: TrainingStructure, numbers: TrainingNumbers) -> float:
    return structure.optimizer.learning_rate if numbers.learning_rate is None else numbers.learning_rate


def decay_of(structure: TrainingStructure, numbers: TrainingNumbers) -> float:
    return structure.optimizer.weight_decay if numbers.weight_decay is None else numbers.weight_decay


def _callback_rate(run: Run, fixed: Numbers) -> Numbers:
    """The learning rate as a callback may have set it."""
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


def _keep_what_was_set(before: State, after: State) -> State:
    """Weights that a callback put in at the very end (restored, averaged) are those it wants kept."""
    if after.flat is before.flat:
        return after
    return after._replace(best=[one._replace(flat=after.flat, frozen=after.frozen) for one in after.best])


def checked_result(run: Run, number: int = 0) -> TrainingResult:
    """What a part of the run came to; raises where it diverged."""
    result = result_of(run, number)
    for parameters in (result.parameters, *(one.parameters for one in result.other_bests)):
        run.parts[number].history.check_finite(parameters)
    return result


def _observe(run: Run, program: Program, state: State, tensors: Data, fixed: Numbers) -> None:
    if run.observer is not None:
        (part,) = run.parts
        plan, numbers = part.data.plan, part.numbers
        run.observer(
            Moment(program, state, tensors, fixed, plan.train, numbers.batch_size, numbers.seed, part.first, part.done)
        )


def result_of(run: Run, number: int = 0) -> TrainingResult:
    """What a part of the run comes to if it ends here."""
    part = run.parts[number]
    return what_is_kept(
        run.state,
        part.history,
        part.numbers.early_stopping,
        tuple(part.data.plan.evaluate),
        _holds_out(part.data),
        part.done,
        StopReason.INTERRUPTED if run.halt.is_set() else part.stop,
        None if len(run.parts) == 1 else (run.places[number], number),
    )


def what_is_kept(
    state: State,
    history: History,
    stops_early: bool,
    held_out: tuple[np.ndarray, ...],
    any_held_out: bool,
    n_epochs: int,
    stop: StopReason,
    of_several: tuple[slice, int] | None = None,
) -> TrainingResult:
    """What a state and its record come to: the weights of each member's best epoch, where it was to be found.

    ``of_several`` says where the fit's members lie in the state, and which fit it is, where others are trained in it.
    """
    place, number = (slice(None), 0) if of_several is None else of_several
    # Of several fits those that are over have their last weights among the best ones.
    alone = of_several is None
    keep_best = not alone or (stops_early and any_held_out)
    best = state.best[0].epoch.numpy()[place] if any_held_out else np.full(len(held_out), n_epochs)
    kept = [
        BestWeights(
            one.flat.numpy()[place], tuple(value.numpy() if alone else value.numpy()[number] for value in one.frozen)
        )
        for one in (state.best if keep_best else [state] * len(state.best))
    ]
    members = history.members()
    return TrainingResult(
        parameters=kept[0].parameters,
        frozen=kept[0].frozen,
        # Of several fits none is trained further.
        optimizer_state=(tuple(value.numpy() for value in state.optimizer),) if alone else (),
        history=averages(members),
        member_history=members,
        n_epochs=n_epochs,
        best_epochs=best,
        stop=stop,
        held_out=held_out,
        balancing={name: value.numpy()[place] for name, value in state.balancing.method.items()},
        cosines=history.balancing.cosines(),
        other_bests=tuple(kept[1:]),
    )
