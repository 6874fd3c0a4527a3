"""Training of several fits in one program: fits of the same structure become members side by side."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import tensorflow as tf

from .._records import TrainingResult
from ..exceptions import TrainingDivergedError
from ..networks._network import n_parameters
from ._history import History
from ._loop import train_parts
from ._progress import Progress
from ._run import Part, Run, checked_result
from ._structure import TrainingData, TrainingJob, TrainingStructure
from ._tensors import Data
from ._train import GROUP, device_rows, groups_of, merged, part_of, with_evaluation

# Members per program with XLA: the first of these that leaves the fewest places empty. The folds of a candidate, which
# stop at about the same time, are often five.
_GROUPS = (5, 4, 6, 3)
# Members per program without XLA, where an operation takes about as long for many members as for one.
_GROUP_UNCOMPILED = 16
# On a GPU, the time of a step hardly depends on its size: bytes for the members' arrays, and arrays per member.
_GPU_BYTES = 1 << 30
_ARRAYS_PER_MEMBER = 8
# Steps of all fits of a structure from which XLA pays off.
_FEWEST_STEPS = 2000
# Smaller rows, in bytes, are copied to every run that uses them, so that all runs of a program have the same shapes.
_FEW_BYTES = 1 << 24

Outcome = TrainingResult | TrainingDivergedError


@dataclass
class _Piece:
    """Members of a fit that one run trains; ``done`` is their result and the seconds it took."""

    job: TrainingJob
    first: int
    data: TrainingData
    done: Future[tuple[Outcome, float]] = field(default_factory=Future)


@dataclass(frozen=True)
class Fit:
    """A fit that is trained together with others."""

    job: TrainingJob
    pieces: Sequence[_Piece]

    def result(self) -> tuple[Outcome, float]:
        """Return the result of `train` up to rounding, or its error, and the fit's share of the training seconds."""
        outcomes, seconds = zip(*(piece.done.result() for piece in self.pieces), strict=True)
        for outcome in outcomes:
            if isinstance(outcome, TrainingDivergedError):
                return outcome, sum(seconds)
        return merged(outcomes, self.job.structure.separate), sum(seconds)


class Together:
    """Trains submitted fits on all processors, in runs of as many fits as one program takes.

    Parameters
    ----------
    done : callable, default=None
        Called with the number of fits that a run has finished, from the thread of the run.
    """

    def __init__(self, done: Callable[[int], None] | None = None) -> None:
        self._done = done
        self._halt = threading.Event()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)
        self._waiting: dict[Hashable, list[_Piece]] = defaultdict(list)
        self._programs: dict[Hashable, tuple[TrainingStructure, int]] = {}
        self._rows = _DeviceRows()
        self._runs: list[Future[None]] = []

    def __enter__(self) -> Together:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is not None:
            self._halt.set()
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def submit(self, job: TrainingJob, expected: int) -> Fit:
        """Train a fit as soon as enough of its kind wait; ``expected`` is the number of these, with this one."""
        pieces = []
        for group, members in enumerate(groups_of(job.data.members)):
            piece = _Piece(job, members.start, part_of(job.data, members, group, job.structure.separate))
            pieces.append(piece)
            kind = _kind(piece)
            if kind not in self._programs:
                structure = _with_compile_choice(job, expected)
                self._programs[kind] = structure, _fits_per_run(structure, piece.data.members, expected)
            self._waiting[kind].append(piece)
            if len(self._waiting[kind]) == self._programs[kind][1]:
                self._begin(kind)
        return Fit(job, pieces)

    def flush(self) -> None:
        """Begin to train the fits that still wait for more of their kind."""
        for kind in [kind for kind, pieces in self._waiting.items() if pieces]:
            self._begin(kind)

    def settle(self) -> None:
        """Begin to train everything, wait until it is done, and free the rows on the device."""
        self.flush()
        wait(self._runs)
        self._runs.clear()
        self._rows.forget()

    def _begin(self, kind: Hashable) -> None:
        # One decision for all runs of a kind, so that the last run, with fewer fits, uses the same program.
        structure, fits = self._programs[kind]
        self._runs.append(self._pool.submit(self._train, structure, self._waiting.pop(kind), fits))

    def _train(self, structure: TrainingStructure, pieces: Sequence[_Piece], fits: int) -> None:
        """Train pieces in a program for ``fits`` fits; unused places are filled with fits of no epochs."""
        start = time.perf_counter()
        try:
            rows, offsets = self._rows.of(pieces, fits)
            run = Run(structure, list(_parts(pieces, offsets, fits)), Progress(), halt=self._halt,
                      most_epochs=max(piece.job.numbers.epochs for piece in pieces))  # fmt: skip
            train_parts(run, with_evaluation(rows, run.plan))
            outcomes = [_outcome(run, position) for position in range(len(pieces))]
        except BaseException as error:
            for piece in pieces:
                piece.done.set_exception(error)
            return
        seconds = (time.perf_counter() - start) / len(pieces)
        for piece, outcome in zip(pieces, outcomes, strict=True):
            piece.done.set_result((outcome, seconds))
        if self._done is not None:
            self._done(len(pieces))


def _kind(piece: _Piece) -> Hashable:
    """Return what pieces must have in common to be members of one run."""
    job, data = piece.job, piece.data
    structure = replace(job.structure, jit=job.structure.jit and not job.may_compile)
    return (
        structure.identity,
        data.members,
        max(data.plan.steps(job.numbers.batch_size)),
        job.numbers.batch_size,
        job.numbers.balancing,
        data.inputs.shape,
        data.labels.shape,
        any(len(rows) for rows in data.plan.evaluate),
        _rows_key(data) if data.inputs.nbytes > _FEW_BYTES else None,
    )


def _with_compile_choice(job: TrainingJob, expected: int) -> TrainingStructure:
    """Return the structure, with XLA if there are enough fits for it to pay off."""
    if job.structure.jit or not job.may_compile:
        return job.structure
    steps = max(job.data.plan.steps(job.numbers.batch_size)) * job.numbers.epochs
    return replace(job.structure, jit=steps * expected >= _FEWEST_STEPS)


def _fits_per_run(structure: TrainingStructure, members: int, expected: int) -> int:
    """Return the number of fits per program, which is the same on every machine without a GPU."""
    if tf.config.list_logical_devices("GPU"):
        size = n_parameters(structure.make_network(members)) * 4 * _ARRAYS_PER_MEMBER
        most = max(1, _GPU_BYTES // max(1, size))
    elif not structure.jit:
        most = _GROUP_UNCOMPILED
    else:
        most = GROUP if members > 1 else min(_GROUPS, key=lambda size: -expected % size)
    return min(expected, max(1, most // members))


def _parts(pieces: Sequence[_Piece], offsets: Sequence[int], fits: int) -> Iterator[Part]:
    for piece, offset in zip(pieces, offsets, strict=True):
        history = History(piece.job.structure.task_names, piece.job.numbers.task_weights)
        part = Part(piece.data, piece.job.numbers, history, piece.first, offset)
        yield part
    idle = Part(part.data, replace(part.numbers, epochs=0), part.history, part.first, part.offset)
    yield from [idle] * (fits - len(pieces))


def _outcome(run: Run, position: int) -> Outcome:
    try:
        return checked_result(run, position)
    except TrainingDivergedError as error:
        return error


class _DeviceRows:
    """Rows on the device: small tables are copied for each run, and large ones are shared by all runs."""

    def __init__(self) -> None:
        self._many: dict[Hashable, Data] = {}
        self._lock = threading.Lock()

    def of(self, pieces: Sequence[_Piece], fits: int) -> tuple[Data, list[int]]:
        """Return the rows of a run's fits, one below the other, and where those of each begin."""
        first = pieces[0].data
        if first.inputs.nbytes > _FEW_BYTES:
            with self._lock:
                if _rows_key(first) not in self._many:
                    self._many[_rows_key(first)] = device_rows(first)
                return self._many[_rows_key(first)], [0] * len(pieces)
        each = [device_rows(piece.data) for piece in pieces]
        if fits == 1:
            return each[0], [0]
        each += [each[-1]] * (fits - len(pieces))
        joined = {name: tf.concat([getattr(one, name) for one in each], axis=0) for name in Data._fields[:-1]}
        return Data(**joined, evaluation=None), [len(first.labels) * position for position in range(len(pieces))]

    def forget(self) -> None:
        """Free the rows that were kept."""
        with self._lock:
            self._many.clear()


def _rows_key(data: TrainingData) -> Hashable:
    sampled = 0 if data.sampling is None else id(data.sampling.draws)
    return id(data.inputs), id(data.labels), id(data.weights), sampled
