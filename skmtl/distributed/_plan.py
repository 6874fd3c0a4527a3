"""From columns to a job for the workers: what has to be read beforehand, and how rows and steps are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .._row_hash import HeldShare
from ..fitting._fit import draw_seeds
from ..fitting._input import Settings
from ._crew import Crew, shards
from ._prepare import Fit, prepare_fit
from ._reader import Columns, Reader, weights_by_class
from ._sources import Source
from ._statistics import Statistics
from ._words import Words, encoder_of, levels_of, search_for
from ._work import Job, statistics_of

if TYPE_CHECKING:
    from ..fitting._networks import BuiltNetwork

# A window of rows on the device has at most so many bytes, and rows.
_WINDOW_BYTES, _MOST_ROWS, _FEWEST_ROWS = 1 << 25, 1 << 17, 1 << 10


@dataclass(frozen=True)
class Plan:
    """A job, the network that it begins with, and the first rows of all."""

    job: Job
    built: BuiltNetwork
    head: pa.Table


@dataclass(frozen=True)
class Shares:
    """Rows that members train on, (workers, members), and weights of labels to train on and held out, (members, tasks).

    Weights are in units of the tasks' largest.
    """

    rows: np.ndarray
    trained: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[Statistics], fit: Fit, share: HeldShare) -> Shares:
        """What ``share`` leaves of each worker's rows."""
        held = share.table() if share.any else np.zeros((len(parts[0].rows_by_bin), share.members), bool)
        scale = (fit.network.scaling.scale != 0) / fit.largest
        weight = sum(part.weight_by_bin for part in parts) * scale
        return cls(
            np.stack([part.rows_by_bin @ ~held for part in parts]),
            (~held).T.astype(np.float64) @ weight,
            held.T.astype(np.float64) @ weight,
        )


def plan_fit(
    estimator: Any,
    settings: Settings,
    source: Source,
    validation: Source | None,
    columns: Columns,
    crew: Crew,
    window: int | str,
) -> Plan:
    """Read what has to be known of all rows, and share out the work."""
    _, head = next(source.chunks(columns.names, 0, None), (0, None))
    if head is None:
        raise ValueError("data has no rows.")
    reader = _reader(estimator, source, head, columns, crew)
    seeds = draw_seeds(settings)
    parts = crew.each(partial(statistics_of, reader, seed=seeds["rows"]), source)
    together = merged(parts, reader)
    if together.rows == 0:
        raise ValueError("y has no label with a positive weight: there is nothing to learn from.")
    others = None
    if validation is not None:
        found = crew.each(partial(statistics_of, reader.without_class_weights(), seed=0), validation)
        others = merged(found, reader)
        if others.rows == 0:
            raise ValueError("validation has no label with a positive weight: there is nothing to validate on.")
    fit, built = prepare_fit(settings, reader, together, others is not None, seeds)
    fit, shares = _held_out(fit, parts, settings["early_stopping"])
    held_weight, largest = shares.held, fit.largest
    if others is not None:
        largest = np.where(others.largest > 0, others.largest.max(), 1.0)
        weight = others.weight_by_bin.sum(axis=0) / largest * (fit.network.scaling.scale != 0)
        held_weight = np.tile(weight, (fit.share.members, 1))
    labelled = np.array([part.rows for part in parts])
    if fit.numbers.batch_size < crew.n_workers:
        raise ValueError(
            f"batch_size={fit.numbers.batch_size} rows cannot be shared by n_workers={crew.n_workers}: give each a row "
            "at least."
        )
    from ..training._windows import Schedule

    rows = _window(window, fit)
    schedule = Schedule.of(labelled, shares.rows, fit.numbers.batch_size, rows)
    job = Job(
        fit=fit,
        source=source,
        shards=shards(together.stop, crew.n_workers),
        schedule=schedule,
        train_share=shares.trained / np.maximum(shares.rows.sum(axis=0), 1)[:, None],
        held_weight=held_weight,
        validation=validation,
        validation_shards=() if others is None else shards(others.stop, crew.n_workers),
        largest_of_validation=largest,
        storage=None,
    )
    return Plan(job, built, head)


def _reader(estimator: Any, source: Source, head: pa.Table, columns: Columns, crew: Crew) -> Reader:
    """What rows are read with, after a look at labels and categories where there are any."""
    search, words = search_for(estimator, head, columns), Words()
    if search.columns:
        for found in crew.each(search.of, source):
            words.add(found)
    encoder = encoder_of(estimator, words, columns, head)
    class_weight = weights_by_class(getattr(estimator, "class_weight", None), words.labels, encoder)
    levels = levels_of(words, search, columns)
    return Reader(columns, encoder, levels, class_weight, type(estimator).__name__)


def merged(parts: Sequence[Statistics], reader: Reader) -> Statistics:
    """Statistics of all shards."""
    together = Statistics(
        len(reader.columns.features),
        reader.levels.columns,
        [len(levels) for levels in reader.levels.levels],
        [len(task.classes) for task in reader.encoder.tasks],
    )
    for part in parts:
        together.merge(part)
    return together


def _held_out(fit: Fit, parts: Sequence[Statistics], early_stopping: Any) -> tuple[Fit, Shares]:
    """Leave out no rows where a member would have none to judge by, or a task none to learn from."""
    shares = Shares.of(parts, fit, fit.share)
    if not fit.share.any:
        return fit, shares
    varies = fit.network.scaling.scale != 0
    if shares.held.any(axis=1).all() and (shares.trained > 0)[:, varies].all():
        return fit, shares
    if early_stopping is True:
        raise ValueError(
            f"early_stopping=True holds {fit.share.fraction:.0%} of the rows out, but of so few none can be spared "
            "without losing the last label of a task. Set early_stopping=False, or give more rows."
        )
    nothing = HeldShare(fit.share.members, 0.0)
    fit = replace(fit, share=nothing, numbers=replace(fit.numbers, early_stopping=False))
    return fit, Shares.of(parts, fit, nothing)


def _window(window: int | str, fit: Fit) -> int:
    """Rows of a window."""
    if window != "auto":
        if isinstance(window, bool) or not isinstance(window, int | np.integer) or window < 1:
            raise ValueError(f'window should be a number of rows >= 1, or "auto", got {window!r}.')
        return int(window)
    network = fit.network
    row = (network.features.n_outputs + 2 * len(network.tasks)) * np.dtype(fit.settings["dtype"]).itemsize
    return int(np.clip(_WINDOW_BYTES // row, _FEWEST_ROWS, _MOST_ROWS))
