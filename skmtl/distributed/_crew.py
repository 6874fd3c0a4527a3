"""Who does the work: this process alone, or workers in other processes (`_ray`)."""

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


class Crew(Protocol):
    """Workers, and what they can be asked to do."""

    n_workers: int

    def each(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """Return what ``work`` returns for each worker's shard of the rows."""

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:
        """Train together."""


class Alone:
    """One worker: the process itself."""

    n_workers = 1

    def each(self, work: Callable[[Source, int, int | None], T], source: Source) -> list[T]:
        """Return what ``work`` returns for all rows."""
        return [work(source, 0, source.n_rows)]

    def train(self, job: Job, built: BuiltNetwork) -> TrainingResult:
        """Train in this process."""
        from ..training._progress import progress_of
        from ..training._workers import ALONE

        fit = job.fit
        with progress_of(int(fit.settings["verbose"]), fit.numbers.epochs, [range(fit.share.members)]) as progress:
            return train_on(job, ALONE, progress, built)


def shards(n_rows: int, n_workers: int) -> tuple[int, ...]:
    """Return the rows at which the workers' shards begin and end, (n_workers + 1,), as evenly spaced as possible."""
    return tuple(np.linspace(0, n_rows, n_workers + 1).round().astype(int).tolist())


def spans(source: Source, n_workers: int) -> list[tuple[int, Any]]:
    """Return the first row of each shard and the row after its last."""
    ends = shards(source.n_rows or 0, n_workers)
    return list(zip(ends[:-1], ends[1:], strict=True))
