"""Training of several fits at a time: those of one structure are members of one program."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import tensorflow as tf

from .._records import TrainingResult
from ..exceptions import TrainingDivergedError
from ..networks._network import n_parameters
from ._history import History
from ._loop import Part, Run, checked_result, train_parts
from ._progress import Progress
from ._structure import TrainingData, TrainingJob, TrainingStructure
from ._tensors import Data
from ._train import GROUP, device_rows, groups_of, merged, part_of, with_evaluation

# Members side by side without XLA, where an operation costs much the same for one of them or for many.
_GROUP_UNCOMPILED = 16
# On a GPU a step takes the same time whatever its size, until memory ends: bytes for the members' numbers.
_GPU_BYTES = 1 << 30
_ARRAYS_A_MEMBER = 8
# Steps of all programs' runs from which on compiling with XLA pays.
_FEWEST_STEPS = 2000

Outcome = TrainingResult | TrainingDivergedError


@dataclass(frozen=True)
class _Piece:
    """Members of a fit that one run takes; ``job`` is the fit's number, ``table`` that of its rows."""

    job: int
    table: int
    number: int
    first: int
    data: TrainingData
    traits: Hashable


def train_together(
    jobs: Sequence[TrainingJob], done: Callable[[int], None] | None = None
) -> list[TrainingResult | TrainingDivergedError]:
    """Train all fits; each comes out as `train` gives it, but for rounding. One that diverged comes as its error.

    ``done`` is told, from the runs' threads, how many fits a run has brought to an end.
    """
    tables = _Tables(jobs)
    pieces = [piece for number, job in enumerate(jobs) for piece in _pieces(number, job, tables.of[number])]
    runs = [run for alike in _alike(jobs, pieces) for run in _runs(jobs, alike)]
    results: dict[tuple[int, int], Outcome] = {}
    halt = threading.Event()

    def train_one(chosen: _Chosen) -> None:
        run = chosen.run(jobs, tables, halt)
        train_parts(run, with_evaluation(tables.on_device(chosen.pieces[0].table), run.plan))
        for position, piece in enumerate(chosen.pieces):
            results[piece.job, piece.number] = _outcome(run, position)
        if done is not None:
            done(len(chosen.pieces))

    with ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(train_one, run) for run in runs]
        try:
            for future in futures:
                future.result()
        except BaseException:
            halt.set()
            for future in futures:
                future.cancel()
            raise
    return [_whole(job, number, results) for number, job in enumerate(jobs)]


class _Tables:
    """The fits' rows, each table once; those of the same columns lie on the device one below the other."""

    def __init__(self, jobs: Sequence[TrainingJob]) -> None:
        known: dict[Hashable, int] = {}
        self.of = [known.setdefault(_rows_key(job.data), len(known)) for job in jobs]
        data = [jobs[self.of.index(table)].data for table in range(len(known))]
        self._columns = [_columns(one) for one in data]
        self.offsets: list[int] = []
        below: dict[Hashable, list[TrainingData]] = defaultdict(list)
        for columns, one in zip(self._columns, data, strict=True):
            self.offsets.append(sum(len(other.labels) for other in below[columns]))
            below[columns].append(one)
        self._stacks = {columns: _below_each_other(some) for columns, some in below.items()}

    def on_device(self, table: int) -> Data:
        """The rows of a table and of all others of its columns."""
        return self._stacks[self._columns[table]]


def _columns(data: TrainingData) -> Hashable:
    return data.inputs.shape[1], data.labels.shape[1], data.parameters.dtype


def _below_each_other(tables: Sequence[TrainingData]) -> Data:
    each = [device_rows(data) for data in tables]
    if len(each) == 1:
        return each[0]
    joined = {name: tf.concat([getattr(one, name) for one in each], axis=0) for name in Data._fields[:-1]}
    return Data(**joined, evaluation=None)


def _rows_key(data: TrainingData) -> Hashable:
    sampled = 0 if data.sampling is None else id(data.sampling.draws)
    return id(data.inputs), id(data.labels), id(data.weights), sampled


def _pieces(number: int, job: TrainingJob, table: int) -> Iterator[_Piece]:
    data, numbers = job.data, job.numbers
    for group, members in enumerate(groups_of(data.members)):
        own = part_of(data, members, group, job.structure.separate)
        steps = max(-(-len(rows) // numbers.batch_size) for rows in own.plan.train)
        traits = (
            *replace(job.structure, jit=job.structure.jit and not job.may_compile).identity,
            job.may_compile, own.members, steps, numbers.batch_size, numbers.balancing, data.labels.shape[1],
            any(len(rows) for rows in own.plan.evaluate),
        )  # fmt: skip
        yield _Piece(number, table, group, members.start, own, traits)


def _alike(jobs: Sequence[TrainingJob], pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Pieces that one program can train, those that are likely to stop at the same time side by side."""
    alike: dict[Hashable, list[_Piece]] = defaultdict(list)
    for piece in pieces:
        alike[piece.traits].append(piece)
    return [sorted(group, key=lambda piece: _pace(jobs[piece.job])) for group in alike.values()]


def _pace(job: TrainingJob) -> tuple[float, ...]:
    numbers = job.numbers
    rate = job.structure.optimizer.learning_rate if numbers.learning_rate is None else numbers.learning_rate
    return (numbers.epochs, rate, numbers.patience, numbers.tol, numbers.weight_decay or 0.0)


@dataclass(frozen=True)
class _Chosen:
    """What one run trains; a program of ``fits`` fits is filled up with some of no epochs."""

    structure: TrainingStructure
    pieces: Sequence[_Piece]
    fits: int
    most_epochs: int

    def run(self, jobs: Sequence[TrainingJob], tables: _Tables, halt: threading.Event) -> Run:
        """The run, ready to begin."""
        parts = [self._part(jobs[piece.job], piece, tables.offsets[piece.table]) for piece in self.pieces]
        last = parts[-1]
        idle = replace(last.numbers, epochs=0)
        parts += [Part(last.data, idle, last.history, last.first, last.offset)] * (self.fits - len(parts))
        return Run(self.structure, parts, Progress(), halt=halt, most_epochs=self.most_epochs)

    def _part(self, job: TrainingJob, piece: _Piece, offset: int) -> Part:
        history = History(job.structure.task_names, job.numbers.task_weights)
        return Part(piece.data, job.numbers, history, piece.first, offset)


def _runs(jobs: Sequence[TrainingJob], pieces: Sequence[_Piece]) -> Iterator[_Chosen]:
    """Runs of one program, all of as many fits."""
    first = jobs[pieces[0].job]
    epochs = [jobs[piece.job].numbers.epochs for piece in pieces]
    steps = max(-(-len(rows) // first.numbers.batch_size) for rows in pieces[0].data.plan.train)
    structure = first.structure
    if first.may_compile:
        structure = replace(structure, jit=structure.jit or steps * sum(epochs) >= _FEWEST_STEPS)
    fits = min(len(pieces), _fits_a_run(structure, pieces[0].data.members))
    for start in range(0, len(pieces), fits):
        yield _Chosen(structure, pieces[start : start + fits], fits, max(epochs))


def _fits_a_run(structure: TrainingStructure, members: int) -> int:
    """How many fits a program takes: the same on every machine without a GPU."""
    if tf.config.list_logical_devices("GPU"):
        size = n_parameters(structure.make_network(members)) * 4 * _ARRAYS_A_MEMBER
        most = max(1, _GPU_BYTES // max(1, size))
    else:
        most = GROUP if structure.jit else _GROUP_UNCOMPILED
    return max(1, most // members)


def _outcome(run: Run, position: int) -> Outcome:
    try:
        return checked_result(run, position)
    except TrainingDivergedError as error:
        return error


def _whole(job: TrainingJob, number: int, results: dict[tuple[int, int], Outcome]) -> Outcome:
    """A fit's result of all its pieces."""
    parts = [results[number, group] for group in range(len(groups_of(job.data.members)))]
    errors = [part for part in parts if isinstance(part, TrainingDivergedError)]
    if errors:
        return errors[0]
    return merged([part for part in parts if isinstance(part, TrainingResult)], job.structure.separate)
