"""Where the work runs: in this process, or on workers elsewhere (`_ray`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from .._records import TrainingResult
from ._sources import Source
from ._work import Job, train_on

if TYPE_CHECKING:
    from ..fitting._networks import BuiltNetwork

T = TypeVar("T")


class Executor(Protocol):
    """A set of workers that read rows and train."""

    n_workers: int

    def map_shards(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """Call ``work`` on each worker's shard of the rows."""

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:
        """Train one network on all workers."""


class LocalExecutor:
    """One worker: this process."""

    n_workers = 1

    def map_shards(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """Call ``work`` on all rows."""
        return [work(source, 0, source.n_rows)]

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:
        """Train in this process."""
        from ..training._progress import progress_of
        from ..training._workers import ALONE

        fit = job.fit
        with progress_of(int(fit.settings["verbose"]), fit.numbers.epochs, [range(fit.share.members)]) as progress:
            return train_on(job, ALONE, progress, built)


def shard_bounds(n_rows: int, n_workers: int) -> tuple[int, ...]:
    """Row numbers at which the workers' shards begin and end, (n_workers + 1,); shards are as equal as possible."""
    return tuple(np.linspace(0, n_rows, n_workers + 1).round().astype(int).tolist())


def shard_ranges(source: Source, n_workers: int) -> list[tuple[int, Any]]:
    """First row of each shard, and the one after its last."""
    bounds = shard_bounds(source.n_rows or 0, n_workers)
    return list(zip(bounds[:-1], bounds[1:], strict=True))
