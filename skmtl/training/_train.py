"""The loop: chunks of epochs through the compiled program, until something says stop."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from .._records import StopReason, TrainingNumbers, TrainingResult
from ..losses import LossGroup
from ..networks import Network
from ._buckets import bucket
from .._cache import ProgramCache
from ._callbacks import KerasCallbacks
from ._history import History
from ._optimizer import OptimizerRule
from ._program import Data, Numbers, Program, State, to_device
from ._rows import BatchOrder, RowPlan, evaluation_index
from ._stepwise import run_epoch_by_steps

PROGRAMS: ProgramCache[Program] = ProgramCache(32)

# Python is entered again after this many row visits, or indices, at the latest (about a second's work).
_MOST_INDICES = 1 << 20
_EVALUATION_ROWS = 1024


@dataclass(frozen=True)
class TrainingStructure:
    """What makes one compiled program; ``key`` None is compiled for this fit alone."""

    key: Hashable | None
    make_network: Callable[[], Network]
    groups: tuple[LossGroup, ...]
    optimizer: OptimizerRule
    task_names: tuple[str, ...]
    jit: bool

    def program(self) -> Program:
        """The program, from the cache where it is known."""
        key = None if self.key is None else (self.key, self.groups, self.optimizer, self.jit)
        return PROGRAMS.get(
            key,
            lambda: Program(self.make_network(), self.groups, self.optimizer, len(self.task_names), self.jit),
        )


@dataclass(frozen=True)
class TrainingData:
    """Encoded rows (padded with zeros to any length) and who uses which; start values of the network.

    ``inputs`` (rows, features), ``labels`` and ``weights`` (rows, tasks) float32; ``units`` and ``scale``
    (tasks,): 1 / the constant prediction's loss, and the targets' scale.
    """

    inputs: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    plan: RowPlan
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]
    optimizer_state: Sequence[np.ndarray] | None = None


@dataclass
class _Run:
    """One fit under way."""

    structure: TrainingStructure
    data: TrainingData
    numbers: TrainingNumbers
    callbacks: KerasCallbacks | None
    verbose: int
    history: History
    stop: StopReason = StopReason.EPOCHS_USED
    done: int = 0
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        rate = self.numbers.learning_rate
        self.rate = self.structure.optimizer.learning_rate if rate is None else rate


def train(
    structure: TrainingStructure,
    data: TrainingData,
    numbers: TrainingNumbers,
    callbacks: KerasCallbacks | None = None,
    verbose: int = 0,
) -> TrainingResult:
    """Train, and give back numpy weights: those of each member's best epoch where rows were held out."""
    run = _Run(structure, data, numbers, callbacks, verbose, History(structure.task_names, numbers.task_weights))
    program = structure.program()
    order = BatchOrder(data.plan.train, numbers.batch_size, numbers.shuffle, numbers.seed)
    tensors = _device_data(data, program.network.dtype)
    state = _initial_state(program, data)
    fixed = _numbers(run, order, tensors, program.network.dtype)
    if callbacks is not None:
        callbacks.begin(structure.optimizer.create(), run.rate, numbers.epochs, order.steps)
    try:
        state = _loop(run, program, order, state, tensors, fixed)
    except KeyboardInterrupt:
        if run.done == 0:
            raise
        run.stop = StopReason.INTERRUPTED
        warnings.warn(
            f"Training interrupted by the user after epoch {run.done}; the model is kept as it was then.", stacklevel=2
        )
        state = run.history.last_state
    run.history.check_finite()
    return _result(run, program, state)


def _loop(run: _Run, program: Program, order: BatchOrder, state: State, tensors: Data, fixed: Numbers) -> State:
    per_call = _epochs_per_call(run, order)
    room = (per_call, bucket(order.steps))
    evaluated = fixed.eval_weight.numpy() > 0 if int(fixed.eval_steps) else None
    while run.done < run.numbers.epochs:
        number = min(per_call, run.numbers.epochs - run.done)
        if run.callbacks is not None:
            run.callbacks.epoch_begin(run.done)
            fixed = _callback_rate(run, fixed)
        index = order.epochs(number, room)
        if run.callbacks is not None and run.callbacks.batchwise:
            state, report = run_epoch_by_steps(program, run.callbacks, state, tensors, fixed, index[:, : order.steps])
        else:
            state, report = program.run(state, tensors, fixed, to_device(index, np.int32), to_device(number, np.int32))
        taken = int(state.epoch) - run.done
        run.history.extend(report, taken, evaluated, state)
        run.done += taken
        if run.history.diverged:
            break
        _tell(run, taken)
        if run.callbacks is not None:
            state = _after_epoch(run, state)
        if run.stop is StopReason.CALLBACK or not bool(np.any(state.active.numpy())):
            break
    if run.stop is StopReason.EPOCHS_USED and not np.any(state.active.numpy()):
        run.stop = StopReason.NO_IMPROVEMENT
    if run.callbacks is not None and not run.history.diverged:
        run.callbacks.end(run.history.last_logs())
        state = _read_back(run, state)
    return state


def _epochs_per_call(run: _Run, order: BatchOrder) -> int:
    """Epochs between two visits to Python: many where they are tiny, one where something watches each."""
    if run.callbacks is not None:
        return 1
    visits = len(run.data.plan.train) * order.steps * order.batch_size
    most = max(1, _MOST_INDICES // visits)
    return min(most, bucket(run.numbers.epochs))


def _device_data(data: TrainingData, dtype: str) -> Data:
    largest = max(len(rows) for rows in data.plan.evaluate)
    size = min(_EVALUATION_ROWS, bucket(max(1, largest)))
    steps = bucket(-(-max(1, largest) // size))
    return Data(
        inputs=to_device(data.inputs, dtype),
        labels=to_device(data.labels, dtype),
        weights=to_device(data.weights, dtype),
        evaluation=to_device(evaluation_index(data.plan.evaluate, size, steps), np.int32),
    )


def _initial_state(program: Program, data: TrainingData) -> State:
    members = program.network.members
    state = program.update.initial_state() if data.optimizer_state is None else data.optimizer_state
    frozen = [tf.constant(value) for value in data.frozen]
    dtype = program.network.dtype
    flat = to_device(data.parameters, dtype)
    far = to_device(np.full(members, np.inf), dtype)
    none = tf.zeros((members,), tf.int32)
    return State(
        flat=flat,
        optimizer=[tf.constant(value) for value in state],
        frozen=frozen,
        best_flat=flat,
        best_frozen=frozen,
        best_loss=far,
        reference=far,
        wait=none,
        active=tf.ones((members,), tf.bool),
        best_epoch=none,
        epoch=tf.constant(0),
    )


def _numbers(run: _Run, order: BatchOrder, tensors: Data, single: str) -> Numbers:
    plan, weights, numbers = run.data.plan, run.data.weights, run.numbers
    trained = np.stack([weights[rows].sum(axis=0, dtype=np.float64) for rows in plan.train])
    evaluated = np.stack([weights[rows].sum(axis=0, dtype=np.float64) for rows in plan.evaluate])
    rows = np.array([len(rows) for rows in plan.train])
    held = np.array([len(rows) for rows in plan.evaluate])
    size = tensors.evaluation.shape[2]
    decay = run.structure.optimizer.weight_decay if numbers.weight_decay is None else numbers.weight_decay
    whole = np.int32
    return Numbers(
        rate=to_device(run.rate, single),
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
    )


def _callback_rate(run: _Run, fixed: Numbers) -> Numbers:
    """The learning rate as a callback may have set it."""
    rate = run.callbacks.rate if run.callbacks is not None else run.rate
    if np.isnan(rate) or rate == run.rate:
        return fixed
    run.rate = rate
    return fixed._replace(rate=tf.cast(rate, fixed.rate.dtype))


def _after_epoch(run: _Run, state: State) -> State:
    callbacks = run.callbacks
    if callbacks is None:
        return state
    callbacks.write(state.flat.numpy(), [value.numpy() for value in state.frozen])
    callbacks.epoch_end(run.done - 1, run.history.last_logs())
    if callbacks.stop:
        run.stop = StopReason.CALLBACK
    return _read_back(run, state)


def _read_back(run: _Run, state: State) -> State:
    """Take over weights that a callback changed (restored best weights, pruning, …)."""
    if run.callbacks is None:
        return state
    flat, frozen = run.callbacks.read()
    if not np.array_equal(flat, state.flat.numpy()):
        state = state._replace(flat=to_device(flat, state.flat.dtype.as_numpy_dtype))
        if not run.numbers.early_stopping:
            return state._replace(frozen=[tf.constant(value) for value in frozen])
    return state


def _tell(run: _Run, taken: int) -> None:
    if run.verbose > 0:
        for line in run.history.lines(run.done - taken, run.done, run.numbers.epochs):
            sys.stdout.write(line + "\n")


def _result(run: _Run, program: Program, state: State) -> TrainingResult:
    members = program.network.members
    held_out = any(len(rows) for rows in run.data.plan.evaluate)
    keep_best = run.numbers.early_stopping and held_out
    best = state.best_epoch.numpy() if held_out else np.full(members, run.done)
    flat, frozen = (state.best_flat, state.best_frozen) if keep_best else (state.flat, state.frozen)
    return TrainingResult(
        parameters=flat.numpy(),
        frozen=tuple(value.numpy() for value in frozen),
        optimizer_state=tuple(value.numpy() for value in state.optimizer),
        history=run.history.averages(),
        member_history=run.history.members(),
        n_epochs=run.done,
        best_epochs=best,
        stop=run.stop,
        held_out=tuple(run.data.plan.evaluate),
    )
