"""The work of one worker: encode the rows of its shard, and train on them with the other workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._ahead import ahead
from .._records import EncodedTargets, TrainingResult
from .._row_hash import BINS, row_bins
from ._checkpoint import FileCheckpoints, fingerprint
from ._prepare import Fit
from ._reader import Reader
from ._sources import Source
from ._statistics import Statistics

if TYPE_CHECKING:
    from ..fitting._networks import BuiltNetwork
    from ..training._progress import Progress
    from ..training._windows import Rows, Schedule
    from ..training._workers import Workers


@dataclass(frozen=True)
class Job:
    """A fit as every worker receives it.

    ``shards`` and ``validation_shards`` are the row numbers at which the workers' shards begin and end,
    (workers + 1,). ``train_share`` and ``held_weight`` are those of `StreamData`. ``storage`` is the folder for
    checkpoints.
    """

    fit: Fit
    source: Source
    shards: tuple[int, ...]
    schedule: Schedule
    train_share: np.ndarray
    held_weight: np.ndarray
    validation: Source | None
    validation_shards: tuple[int, ...]
    largest_of_validation: np.ndarray
    storage: Path | None

    def fingerprint(self) -> str:
        """Hash that identifies the fit."""
        network, numbers = self.fit.network, self.fit.numbers
        return fingerprint(
            network.parameters,
            network.scaling.shift,
            network.scaling.scale,
            repr(replace(numbers, task_weights=numbers.task_weights.tolist())),
            self.shards,
            self.schedule.rows,
            self.schedule.batches,
            self.held_weight,
        )


def statistics_of(reader: Reader, source: Source, start: int, stop: int | None, seed: int) -> Statistics:
    """Statistics of a shard's rows."""
    columns = reader.columns
    statistics = Statistics(
        len(columns.features),
        reader.levels.columns,
        [len(levels) for levels in reader.levels.levels],
        [len(task.classes) for task in reader.encoder.tasks],
    )
    chunks = source.chunks(columns.names, start, stop)
    for rows, end in ahead((reader.read(table, first), first + table.num_rows) for first, table in chunks):
        statistics.add(rows, seed)
        statistics.stop = end
    return statistics


def train_on(job: Job, workers: Workers, progress: Progress, built: BuiltNetwork | None = None) -> TrainingResult:
    """Train on a worker's shard; all workers return the same network."""
    from ..fitting._training import is_compiled, structure_of
    from ..training._stream import StreamData, StreamRun, train_stream

    fit = job.fit
    settings, network, numbers = fit.settings, fit.network, fit.numbers
    built = fit.build() if built is None else built
    steps = job.schedule.steps * numbers.epochs
    jit = workers.count == 1 and is_compiled(settings, built, numbers.batch_size, steps)
    structure = replace(structure_of(settings, built, network, fit.balance, jit), workers=workers, streamed=True)
    encode = Encoder(fit, built.objective.modes)
    start, stop = job.shards[workers.rank : workers.rank + 2]
    held = fit.share.table() if fit.share.any else np.zeros((BINS, fit.share.members), bool)
    with encode.spool(start, stop, held) as spool:
        data = StreamData(
            chunks=lambda epoch: encode.epoch(job.source, start, stop, epoch, workers.rank),
            schedule=job.schedule,
            held=held,
            spool=spool,
            validation=None if job.validation is None else lambda: encode.validation(job, workers.rank),
            none=encode.none,
            units=1.0 / network.units,
            # Only losses of positive quantities are computed in the caller's units.
            scale=np.where([rule.positive for rule in built.objective.rules], network.scaling.divisor, 1.0),
            train_share=job.train_share,
            held_weight=job.held_weight,
            parameters=built.parameters,
            frozen=built.frozen,
        )
        checkpoints = None
        if job.storage is not None:
            checkpoints = FileCheckpoints(job.storage, job.fingerprint(), writes=workers.rank == 0)
        return train_stream(StreamRun(structure, data, numbers, progress, checkpoints))


class Encoder:
    """Encodes tables to the network's inputs, labels and weights."""

    def __init__(self, fit: Fit, modes: Any) -> None:
        from ..training._windows import Rows

        self.fit = fit
        self.modes = modes
        self.dtype = fit.settings["dtype"]
        network = fit.network
        self.none = Rows.none(network.features.n_outputs, len(network.tasks), self.dtype)
        one = np.ones((1, len(network.tasks)))
        self.fill = self._labels(EncodedTargets(fit.fill[None], one))

    def spool(self, start: int, stop: int, held: np.ndarray) -> Any:
        """Open the file that keeps held-out rows; None if no rows are held out."""
        from contextlib import closing, nullcontext

        from ..training._spool import Spool

        if not held.any():
            return nullcontext()
        return closing(Spool(start, stop, self.fit.seeds["rows"], np.asarray(held.any(axis=1)), self.none))

    def epoch(self, source: Source, start: int, stop: int, epoch: int, rank: int) -> Iterator[Rows]:
        """Yield a shard's rows in the order of an epoch."""
        numbers = self.fit.numbers
        rng = np.random.default_rng([numbers.seed, epoch, rank, 1]) if numbers.shuffle else None
        for first, table in source.chunks(self.fit.reader.columns.names, start, stop, rng):
            yield self._encode(self.fit.reader, table, first, self.fit.largest)

    def validation(self, job: Job, rank: int) -> Iterator[Rows]:
        """Yield a worker's shard of the validation rows."""
        if job.validation is None:
            return
        reader, (start, stop) = self.fit.reader.without_class_weights(), job.validation_shards[rank : rank + 2]
        for first, table in job.validation.chunks(reader.columns.names, start, stop):
            yield self._encode(reader, table, first, job.largest_of_validation)

    def _encode(self, reader: Reader, table: Any, first: int, largest: np.ndarray) -> Rows:
        from ..training._windows import Rows

        X, targets, numbers = reader.read(table, first)
        network = self.fit.network
        weights = targets.weights / largest * (network.scaling.scale != 0)
        labels = np.where(targets.observed, self._labels(targets), self.fill)
        return Rows(
            network.features.transform(X, dtype=np.dtype(self.dtype)),
            labels.astype(self.dtype, copy=False),
            weights.astype(self.dtype),
            numbers,
            row_bins(numbers, self.fit.seeds["rows"]),
        )

    def _labels(self, targets: EncodedTargets) -> np.ndarray:
        from ..fitting._training import network_labels

        return network_labels(targets, self.fit.network.scaling, self.modes, len(targets.values), self.dtype)
