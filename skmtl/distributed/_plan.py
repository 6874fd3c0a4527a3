"""Plan a fit: read statistics of all rows, and divide rows and steps among the workers."""

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
from ._executor import Executor, shard_bounds
from ._prepare import Fit, prepare_fit
from ._reader import Columns, Reader, weights_by_class
from ._scan import ScanResult, encoder_of, levels_of, scan_for
from ._sources import Source
from ._statistics import Statistics
from ._work import Job, statistics_of

if TYPE_CHECKING:
    from ..fitting._networks import BuiltNetwork

# Limits of a window of rows on the device: bytes, most rows, fewest rows.
_WINDOW_BYTES, _MOST_ROWS, _FEWEST_ROWS = 1 << 25, 1 << 17, 1 << 10


@dataclass(frozen=True)
class Plan:
    """A job, its initial network, and the first rows of the data."""

    job: Job
    built: BuiltNetwork
    head: pa.Table


@dataclass(frozen=True)
class Split:
    """Numbers of training rows, (workers, members), and weights of training and held-out labels, (members, tasks).

    Weights are relative to the largest weight of each task.
    """

    rows: np.ndarray
    trained: np.ndarray
    held: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[Statistics], fit: Fit, share: HeldShare) -> Split:
        """Split each worker's rows; ``share`` says which are held out."""
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
    executor: Executor,
    window: int | str,
) -> Plan:
    """Read statistics of all rows, and divide the work among the workers."""
    n_workers = executor.n_workers
    _, head = next(source.chunks(columns.names, 0, None), (0, None))
    if head is None:
        raise ValueError("data has no rows.")
    reader = _make_reader(estimator, source, head, columns, executor)
    seeds = draw_seeds(settings)
    parts = executor.map_shards(partial(statistics_of, reader, seed=seeds["rows"]), source)
    statistics = merge_statistics(parts, reader)
    if statistics.rows == 0:
        raise ValueError("y has no label with a positive weight: there is nothing to learn from.")
    validation_statistics = None
    if validation is not None:
        measure = partial(statistics_of, reader.without_class_weights(), seed=0)
        validation_statistics = merge_statistics(executor.map_shards(measure, validation), reader)
        if validation_statistics.rows == 0:
            raise ValueError("validation has no label with a positive weight: there is nothing to validate on.")
    fit, built = prepare_fit(settings, reader, statistics, validation_statistics is not None, seeds)
    fit, split = _hold_out(fit, parts, settings["early_stopping"])
    held_weight, largest = split.held, fit.largest
    if validation_statistics is not None:
        largest = np.where(validation_statistics.largest > 0, validation_statistics.largest.max(), 1.0)
        weight = validation_statistics.weight_by_bin.sum(axis=0) / largest * (fit.network.scaling.scale != 0)
        held_weight = np.tile(weight, (fit.share.members, 1))
    labelled = np.array([part.rows for part in parts])
    if fit.numbers.batch_size < n_workers:
        raise ValueError(
            f"batch_size={fit.numbers.batch_size} rows cannot be shared by n_workers={n_workers}: each worker needs "
            "at least one row per batch."
        )
    from ..training._windows import Schedule

    rows = _window_rows(window, fit)
    schedule = Schedule.of(labelled, split.rows, fit.numbers.batch_size, rows)
    validation_shards = () if validation_statistics is None else shard_bounds(validation_statistics.stop, n_workers)
    job = Job(
        fit=fit,
        source=source,
        shards=shard_bounds(statistics.stop, n_workers),
        schedule=schedule,
        train_share=split.trained / np.maximum(split.rows.sum(axis=0), 1)[:, None],
        held_weight=held_weight,
        validation=validation,
        validation_shards=validation_shards,
        largest_of_validation=largest,
        storage=None,
    )
    return Plan(job, built, head)


def _make_reader(estimator: Any, source: Source, head: pa.Table, columns: Columns, executor: Executor) -> Reader:
    """Make the reader, after scanning labels and categories if the estimator needs it."""
    scan, result = scan_for(estimator, head, columns), ScanResult()
    if scan.columns:
        for part in executor.map_shards(scan.run, source):
            result.add(part)
    encoder = encoder_of(estimator, result, columns, head)
    class_weight = weights_by_class(getattr(estimator, "class_weight", None), result.labels, encoder)
    levels = levels_of(result, scan, columns)
    return Reader(columns, encoder, levels, class_weight, type(estimator).__name__)


def merge_statistics(parts: Sequence[Statistics], reader: Reader) -> Statistics:
    """Merge the statistics of all shards."""
    merged = Statistics(
        len(reader.columns.features),
        reader.levels.columns,
        [len(levels) for levels in reader.levels.levels],
        [len(task.classes) for task in reader.encoder.tasks],
    )
    for part in parts:
        merged.merge(part)
    return merged


def _hold_out(fit: Fit, parts: Sequence[Statistics], early_stopping: Any) -> tuple[Fit, Split]:
    """Split the rows; hold none out if a member would get no held-out row, or a task no training label."""
    split = Split.of(parts, fit, fit.share)
    if not fit.share.any:
        return fit, split
    varies = fit.network.scaling.scale != 0
    if split.held.any(axis=1).all() and (split.trained > 0)[:, varies].all():
        return fit, split
    if early_stopping is True:
        raise ValueError(
            f"early_stopping=True holds out {fit.share.fraction:.0%} of the rows, but there are too few: a task would "
            "lose its last label, or no row would be held out. Set early_stopping=False, or use more rows."
        )
    nothing = HeldShare(fit.share.members, 0.0)
    fit = replace(fit, share=nothing, numbers=replace(fit.numbers, early_stopping=False))
    return fit, Split.of(parts, fit, nothing)


def _window_rows(window: int | str, fit: Fit) -> int:
    """Number of rows in a window."""
    if window != "auto":
        if isinstance(window, bool) or not isinstance(window, int | np.integer) or window < 1:
            raise ValueError(f'window should be a number of rows >= 1, or "auto", got {window!r}.')
        return int(window)
    network = fit.network
    row_bytes = (network.features.n_outputs + 2 * len(network.tasks)) * np.dtype(fit.settings["dtype"]).itemsize
    return int(np.clip(_WINDOW_BYTES // row_bytes, _FEWEST_ROWS, _MOST_ROWS))
