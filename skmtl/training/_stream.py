"""Training on rows that come a window at a time, on one worker or several."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from .._ahead import ahead
from .._records import StopReason, TrainingNumbers, TrainingResult
from ._begin import LONGEST, decay_of
from ._buckets import bucket
from ._history import History
from ._program import Program, to_device
from ._progress import Progress
from ._rows import evaluation_index
from ._run import rate_of, result_of_state
from ._spool import Spool
from ._structure import TrainingStructure
from ._tensors import Best, Data, Numbers, Report, State, Stream
from ._windows import Rows, Schedule, Window, Windows

_EVALUATION_ROWS = 1024


class Checkpoints(Protocol):
    """Storage for the state at the end of an epoch."""

    def load(self) -> Sequence[np.ndarray] | None:
        """Return the arrays that were saved last, or None."""

    def save(self, epoch: int, arrays: Sequence[np.ndarray]) -> None:
        """Save the arrays in place of the previous ones."""


@dataclass(frozen=True)
class StreamData:
    """A worker's rows, the schedule of all workers, and statistics over all rows.

    ``chunks`` returns the rows of an epoch; ``held`` says which bins of rows each member holds out, (bins, members);
    ``validation`` returns other rows to evaluate on. ``train_share`` is the mean weight of a row, ``held_weight`` the
    weight of all held-out labels, (members, tasks); the others are as in `TrainingData`.
    """

    chunks: Callable[[int], Iterable[Rows]]
    schedule: Schedule
    held: np.ndarray
    spool: Spool | None
    validation: Callable[[], Iterable[Rows]] | None
    none: Rows
    units: np.ndarray
    scale: np.ndarray
    train_share: np.ndarray
    held_weight: np.ndarray
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]

    @property
    def evaluates(self) -> bool:
        """Whether any rows are held out."""
        return self.spool is not None or self.validation is not None


@dataclass
class StreamRun:
    """A fit in progress; ``state`` is the state after the last complete epoch."""

    structure: TrainingStructure
    data: StreamData
    numbers: TrainingNumbers
    progress: Progress
    checkpoints: Checkpoints | None = None
    stop: StopReason = StopReason.EPOCHS_USED
    reports: list[Report] = field(default_factory=list)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        members = len(self.data.parameters)
        workers = self.structure.workers
        # Held-out rows are evaluated separately, since workers have different numbers of windows of them.
        uneven = not self.data.schedule.counts(self.data.schedule.steps - 1, 1).all()
        self.program: Program = self.structure.program(members, False, self.numbers.n_criteria, uneven=uneven)
        self.windows = Windows(self.data.schedule, workers.rank, self.data.held, self.data.none)
        self.history = History(self.structure.task_names, self.numbers.task_weights)
        self.fixed = self._numbers()
        evaluated = self.data.held_weight > 0
        self.evaluated = evaluated if self.data.evaluates else None
        self.state = self._initial_state()

    @property
    def done(self) -> int:
        """Number of epochs so far."""
        return int(self.state.epoch[0])

    @property
    def over(self) -> bool:
        """Whether training is over."""
        return self.done >= self.numbers.epochs or not np.any(self.state.active.numpy())

    def _numbers(self) -> Numbers:
        data, numbers, dtype = self.data, self.numbers, self.program.network.dtype
        members, integer = len(self.data.parameters), np.int32
        steps, n_tasks = data.schedule.steps, len(data.units)
        criteria = np.ones((1, n_tasks)) if numbers.criteria is None else numbers.criteria

        def each(value: Any, kind: Any) -> tf.Tensor:
            return to_device(np.repeat(np.asarray(value)[None], members, axis=0), kind)

        return Numbers(
            rate=each(rate_of(self.structure, numbers), dtype),
            horizon=each(numbers.epochs * steps if numbers.cosine else 0, dtype),
            begun=to_device(0, integer),
            decay=each(decay_of(self.structure, numbers), dtype),
            task_weights=each(numbers.task_weights, dtype),
            units=each(data.units, dtype),
            scale=each(data.scale, dtype),
            train_share=to_device(data.train_share, dtype),
            train_rows=to_device(np.zeros(members), integer),
            # The losses of all windows are summed before they are divided.
            eval_weight=to_device(np.ones((members, n_tasks)), dtype),
            eval_rows=to_device(np.zeros(members), integer),
            steps=to_device(0, integer),
            eval_steps=to_device(0, integer),
            epochs=each(numbers.epochs, integer),
            tol=each(numbers.tol, dtype),
            patience=each(min(numbers.patience, LONGEST), integer),
            stopping=each(numbers.early_stopping and data.evaluates, np.bool_),
            criteria=to_device(criteria, dtype),
            by_others=to_device(False, np.bool_),
            closing=to_device(False, np.bool_),
            balancing={name: to_device(value, np.float32) for name, value in numbers.balancing},
            stream=Stream(
                to_device(np.zeros((data.schedule.room, members)), integer), to_device(data.schedule.total, integer)
            ),
        )

    def _initial_state(self) -> State:
        data, dtype, members = self.data, self.program.network.dtype, len(self.data.parameters)
        flat = to_device(data.parameters, dtype)
        frozen = own_noise([tf.constant(value) for value in data.frozen], self.structure.workers.rank)
        infinite, none = to_device(np.full(members, np.inf), dtype), tf.zeros((members,), tf.int32)
        return State(
            flat=flat,
            optimizer=[tf.constant(value) for value in self.program.update.initial_state(data.parameters)],
            frozen=frozen,
            balancing=tf.nest.map_structure(tf.constant, self.program.gradient.start(self.numbers.seed, 0)),
            best=[Best(flat, frozen, loss=infinite, reference=infinite, wait=none, epoch=none)]
            * self.numbers.n_criteria,
            active=tf.ones((members,), tf.bool),
            epoch=none,
        )


def train_stream(run: StreamRun) -> TrainingResult:
    """Train a network, from the last checkpoint if there is one."""
    _resume(run)
    try:
        with run.structure.programs.dropped_on_error(run.program):
            while not run.over and not run.history.diverged:
                _epoch(run)
    except KeyboardInterrupt:
        if run.done == 0:
            raise
        run.stop = StopReason.INTERRUPTED
        warnings.warn(
            f"Training interrupted by the user after epoch {run.done}; the model is kept as it was then.", stacklevel=2
        )
    finally:
        run.progress.over(0)
    if run.stop is StopReason.EPOCHS_USED and not np.any(run.state.active.numpy()):
        run.stop = StopReason.NO_IMPROVEMENT
    run.progress.ended(run.stop)
    none_held = (np.zeros(0, dtype=np.intp),) * len(run.data.parameters)
    result = result_of_state(
        run.state, run.history, run.numbers.early_stopping, none_held, run.data.evaluates, run.done, run.stop
    )
    run.history.check_finite(result.parameters)
    return result


def _epoch(run: StreamRun) -> None:
    numbers, data, state, members = run.numbers, run.data, run.state, len(run.data.parameters)
    chunks = data.chunks(run.done)
    if data.spool is not None:
        chunks = _spooled(chunks, data.spool)
    rng = None
    if numbers.shuffle:
        rng = np.random.default_rng([numbers.seed, run.done, run.structure.workers.rank])
    sums: Any = 0.0
    penalties: Any = 0.0
    record: dict[str, np.ndarray] = {}
    for window in ahead(run.windows.of(chunks, rng)):
        rows, fixed = _device_rows(window.rows, members), _numbers_of(run, window)
        batches, one = to_device(window.batches, np.int32), to_device(1, np.int32)
        with run.structure.workers.listening():
            after, report = run.program.run(state, rows, fixed, batches, one)
        sums, penalties = sums + report.train[0].numpy(), penalties + report.penalty[0].numpy()
        record = {name: record.get(name, 0.0) + values[:1].numpy() for name, values in report.balancing.items()}
        # A window is not an epoch: restore everything that counts epochs.
        state = after._replace(best=state.best, epoch=state.epoch, active=state.active)
    if data.spool is not None:
        data.spool.complete = True
    evaluation = _evaluate(run, state)
    train, evaluation_sums = tf.constant(sums), tf.constant(evaluation.astype(sums.dtype))
    carry = run.program.gradient.epoch_end(train, run.fixed._replace(closing=tf.constant(True)), state.balancing)
    fixed = run.fixed._replace(
        eval_weight=to_device(data.held_weight, run.program.network.dtype),
        eval_rows=to_device(data.held_weight.any(axis=1), np.int32),
    )
    state = run.program.check_criteria(state._replace(balancing=carry), fixed, train, evaluation_sums)
    _record(run, state, Report(sums[None], evaluation[None], penalties[None], record))
    if run.checkpoints is not None and not run.history.diverged:
        run.checkpoints.save(run.done, _arrays(run))


def _record(run: StreamRun, state: State, report: Report) -> None:
    epochs = len(report.train)
    run.history.extend(report, epochs, run.evaluated, state)
    run.reports.append(report)
    run.state = state
    run.progress.update(0, run.history, run.done - epochs, run.done)


def _spooled(chunks: Iterable[Rows], spool: Spool) -> Iterator[Rows]:
    for rows in chunks:
        spool.write(rows)
        yield rows


def _numbers_of(run: StreamRun, window: Window) -> Numbers:
    schedule, integer = run.data.schedule, np.int32
    counts = schedule.counts(window.first, schedule.room)
    return run.fixed._replace(
        steps=to_device(window.steps, integer),
        # The program assumes that an epoch has as many steps as the window.
        begun=to_device(run.done * (schedule.steps - window.steps) + window.first, integer),
        train_rows=to_device(window.left, integer),
        stream=Stream(to_device(counts, integer), to_device(schedule.total, integer)),
    )


def _device_rows(rows: Rows, members: int) -> Data:
    inputs, labels, weights = (to_device(part, part.dtype) for part in rows[:3])
    return Data(inputs, labels, weights, weights, tf.zeros((1, members, 1), tf.int32))


def _evaluate(run: StreamRun, state: State) -> np.ndarray:
    """Return mean losses on held-out rows, over all workers, (members, tasks); zeros if there are none."""
    data, members = run.data, len(run.data.parameters)
    sums = np.zeros(data.held_weight.shape)
    if not data.evaluates:
        return sums
    for rows, index, held in ahead(_held_out(run)):
        fixed = run.fixed._replace(
            eval_rows=to_device(held, np.int32), eval_steps=to_device(-(-int(held.max()) // index.shape[2]), np.int32)
        )
        device = _device_rows(rows, members)._replace(evaluation=to_device(index, np.int32))
        sums += run.program.evaluate(state, device, fixed).numpy()
    return run.structure.workers.total(sums) / np.maximum(data.held_weight, 1e-30)


def _held_out(run: StreamRun) -> Iterator[tuple[Rows, np.ndarray, np.ndarray]]:
    """Yield a worker's held-out rows a window at a time, with each member's index of them and their number."""
    data, members = run.data, len(run.data.parameters)
    size = max(run.windows.room_rows, _EVALUATION_ROWS)
    for rows in data.spool.read(size) if data.spool is not None else data.validation() if data.validation else ():
        by_all = np.ones((len(rows.bins), members), bool)
        out = data.held[rows.bins] if data.spool is not None else by_all
        own = [np.flatnonzero(out[:, member]) for member in range(members)]
        padded = run.windows.padded(rows)
        steps = bucket(-(-len(padded.inputs) // _EVALUATION_ROWS))
        yield padded, evaluation_index(own, _EVALUATION_ROWS, steps), np.array([len(rows) for rows in own])


def own_noise(frozen: Sequence[tf.Tensor], rank: int) -> list[tf.Tensor]:
    """Return the states of random generators for a worker; they differ between workers, as between groups."""
    return [value + rank if value.dtype.is_integer else value for value in frozen]


def _arrays(run: StreamRun) -> list[np.ndarray]:
    """Return everything that training continues from as plain arrays: the state, then the history."""
    state = [np.asarray(value) for value in tf.nest.flatten(run.state)]
    reports = [tf.nest.flatten(report) for report in run.reports]
    return state + [np.concatenate(column) for column in zip(*reports, strict=True)]


def _resume(run: StreamRun) -> None:
    arrays = None if run.checkpoints is None else run.checkpoints.load()
    if arrays is None:
        return
    size = len(tf.nest.flatten(run.state))
    state: State = tf.nest.pack_sequence_as(run.state, [tf.constant(value) for value in arrays[:size]])
    state = state._replace(frozen=own_noise(state.frozen, run.structure.workers.rank))
    shape = Report((), (), (), run.program.gradient.empty_record())
    report: Report = tf.nest.pack_sequence_as(
        shape._replace(train=0, evaluation=0, penalty=0), [np.asarray(value) for value in arrays[size:]]
    )
    _record(run, state, report)
