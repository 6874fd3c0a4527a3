"""Training of all members: in groups, on as many threads as there are processors."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

import numpy as np

from .._arrays import aligned_zeros
from .._records import BestWeights, GradientCosines, StopReason, TrainingNumbers, TrainingResult
from ._buckets import bucket
from ._callbacks import KerasCallbacks
from ._epoch_state import Observer
from ._history import History, averages
from ._loop import chunks_of, run_members
from ._program import to_device
from ._progress import progress_of
from ._rows import RowPlan, evaluation_index
from ._run import Part, Run, checked_result, result_of
from ._sampling import RowSampling
from ._structure import TrainingData, TrainingStructure
from ._tensors import Data

# Members per program. A step of small matrices keeps one processor busy, so groups run on several processors. The size
# is the same on every machine, because it affects the last bits of the result.
GROUP = 4
_EVALUATION_ROWS = 1024


class EpochWatch(Protocol):
    """An observer of the training of all members together, called between epochs."""

    def begin(self) -> None:
        """Begin an epoch."""

    def end(self, result: Callable[[], TrainingResult]) -> bool:
        """End an epoch; ``result`` returns the result if training ends here, and returning True ends it."""


def train(
    structure: TrainingStructure,
    data: TrainingData,
    numbers: TrainingNumbers,
    callbacks: KerasCallbacks | None = None,
    verbose: int = 0,
    watch: EpochWatch | None = None,
    observer: Observer | None = None,
) -> TrainingResult:
    """Train all members, and return numpy weights: those of each member's best epoch if rows were held out.

    ``observer`` is called after every epoch of every group of members, from the thread of the group.
    """
    parts = groups_of(data.members, together=callbacks is not None)
    halt = threading.Event()
    with progress_of(verbose, numbers.epochs, parts) as progress:
        runs = [
            Run(
                structure=structure,
                parts=[
                    Part(
                        data=part_of(data, part, number, structure.separate),
                        numbers=numbers,
                        history=History(structure.task_names, numbers.task_weights),
                        first=part.start,
                    )
                ],
                callbacks=callbacks,
                progress=progress,
                group=number,
                watched=watch is not None,
                halt=halt,
                observer=observer,
            )
            for number, part in enumerate(parts)
        ]
        result = _run_all(runs, device_rows(data), halt, watch)
        progress.ended(result.stop)
    if result.stop is StopReason.INTERRUPTED:
        warnings.warn(
            f"Training interrupted by the user after epoch {result.n_epochs}; the model is kept as it was then.",
            stacklevel=2,
        )
    return result


def groups_of(members: int, together: bool = False) -> list[range]:
    """Return the members of each group; groups are as equal in size as possible."""
    number = 1 if together else -(-members // GROUP)
    bounds = np.linspace(0, members, number + 1).round().astype(int).tolist()
    return [range(start, stop) for start, stop in zip(bounds[:-1], bounds[1:], strict=True)]


def part_of(data: TrainingData, part: range, number: int, separate: bool) -> TrainingData:
    """Return a group's part of everything that differs between members; the rows themselves are shared."""
    members = slice(part.start, part.stop)
    if separate:
        width = len(data.frozen) // data.members
        frozen = list(data.frozen[part.start * width : part.stop * width])
    else:
        # A group has one random state, which differs between groups.
        frozen = [value + number if value.dtype.kind in "iu" else value for value in data.frozen]
    return replace(
        data,
        plan=RowPlan(data.plan.train[members], data.plan.evaluate[members]),
        parameters=data.parameters[members],
        frozen=frozen,
        optimizer_state=None if data.optimizer_state is None else [data.optimizer_state[number]],
        balancing=None if data.balancing is None else {k: value[members] for k, value in data.balancing.items()},
    )


def device_rows(data: TrainingData) -> Data:
    """Copy the rows to the device, once for all groups."""
    dtype = data.parameters.dtype
    labels = _without_gaps(data.labels, data.weights)
    inputs, labels, weights = (to_device(rows, dtype) for rows in (data.inputs, labels, data.weights))
    learning = weights if data.sampling is None else to_device(_per_draw(data.weights, data.sampling), dtype)
    return Data(inputs, labels, weights, learning, evaluation=None)


def _per_draw(weights: np.ndarray, sampling: RowSampling) -> np.ndarray:
    """Divide label weights by how often rows are drawn, so that training still minimises the mean over the labels."""
    shared = aligned_zeros(weights.shape, weights.dtype)
    drawn = len(sampling.draws)
    shared[:drawn] = weights[:drawn] / sampling.draws[:, None]
    return shared


def _without_gaps(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Replace missing labels by an observed label of the same task.

    A loss may be undefined for the value of a missing label, and its gradient would then be NaN times zero.
    """
    observed = labels[(weights > 0).argmax(axis=0), np.arange(labels.shape[1])]
    filled = aligned_zeros(labels.shape, labels.dtype)
    filled[...] = np.where(weights > 0, labels, np.nan_to_num(observed))
    return filled


def with_evaluation(rows: Data, plan: RowPlan) -> Data:
    """Add the index of the rows that each member of a run holds out."""
    largest = max(1, max(len(held) for held in plan.evaluate))
    size = min(_EVALUATION_ROWS, bucket(largest))
    index = evaluation_index(plan.evaluate, size, bucket(-(-largest // size)))
    return rows._replace(evaluation=to_device(index, np.int32))


def _run_all(runs: Sequence[Run], rows: Data, halt: threading.Event, watch: EpochWatch | None) -> TrainingResult:
    tensors = [with_evaluation(rows, run.plan) for run in runs]
    if watch is not None:
        return _run_in_step(runs, tensors, halt, watch)
    if len(runs) == 1:
        return run_members(runs[0], tensors[0])
    with ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) as pool:
        futures = [pool.submit(run_members, run, own) for run, own in zip(runs, tensors, strict=True)]
        return merged(_collect(futures, halt), runs[0].structure.separate)


def _run_in_step(
    runs: Sequence[Run], tensors: Sequence[Data], halt: threading.Event, watch: EpochWatch
) -> TrainingResult:
    """Train all groups epoch by epoch, each waiting for the others, and call ``watch`` in between."""
    chunks = [chunks_of(run, own) for run, own in zip(runs, tensors, strict=True)]
    separate = runs[0].structure.separate

    def so_far() -> TrainingResult:
        return replace(merged([result_of(run) for run in runs], separate), stop=StopReason.CALLBACK)

    with ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) as pool:
        # A single run stays on this thread, which receives Ctrl-C.
        each = map if len(runs) == 1 else pool.map
        try:
            while going := [run for run in runs if not run.over]:
                watch.begin()
                completed = list(each(lambda run: next(chunks[run.group], False), going))
                if not all(completed):
                    # Diverged, or interrupted in a Keras callback.
                    halt.set()
                    break
                if watch.end(so_far):
                    for run in going:
                        run.parts[0].stop, run.over = StopReason.CALLBACK, True
            for rest in chunks:
                next(rest, None)
        except KeyboardInterrupt:
            halt.set()
            if any(run.done == 0 for run in runs):
                raise
    return merged([checked_result(run) for run in runs], separate)


def _collect(futures: Sequence[Future[TrainingResult]], halt: threading.Event) -> list[TrainingResult]:
    """Return the results of all groups; after an error or interruption, the others stop at the end of their chunk."""
    try:
        return [future.result() for future in futures]
    except KeyboardInterrupt:
        halt.set()
        results = [future.result() for future in futures]
        if any(result.n_epochs == 0 for result in results):
            raise
        return results
    except BaseException:
        halt.set()
        raise


def merged(results: Sequence[TrainingResult], separate: bool) -> TrainingResult:
    """Merge the results of all groups; a group that stopped early has no losses after that."""
    if len(results) == 1:
        return results[0]
    first, epochs = results[0], max(result.n_epochs for result in results)
    members = {
        name: np.concatenate([_lengthened(result.member_history[name], epochs) for result in results], axis=1)
        for name in first.member_history
    }
    cosines = [result.cosines for result in results if result.cosines is not None]
    stops = [result.stop for result in results]
    strongest = (StopReason.INTERRUPTED, StopReason.CALLBACK, StopReason.EPOCHS_USED)
    return TrainingResult(
        parameters=np.concatenate([result.parameters for result in results]),
        frozen=_frozen(results, separate),
        optimizer_state=tuple(state for result in results for state in result.optimizer_state),
        history=averages(members),
        member_history=members,
        n_epochs=epochs,
        best_epochs=np.concatenate([result.best_epochs for result in results]),
        stop=next((stop for stop in strongest if stop in stops), stops[0]),
        held_out=tuple(held for result in results for held in result.held_out),
        balancing={k: np.concatenate([result.balancing[k] for result in results]) for k in first.balancing},
        cosines=GradientCosines.together(cosines) if cosines else None,
        other_bests=tuple(
            BestWeights(np.concatenate([one.parameters for one in each]), _frozen(each, separate))
            for each in zip(*(result.other_bests for result in results), strict=True)
        ),
    )


def _frozen(groups: Sequence[TrainingResult | BestWeights], separate: bool) -> tuple[np.ndarray, ...]:
    """Return the frozen values of all members if each has its own, else those of the first group."""
    return tuple(value for group in groups for value in group.frozen) if separate else groups[0].frozen


def _lengthened(series: np.ndarray, epochs: int) -> np.ndarray:
    missing = np.full((epochs - len(series), series.shape[1]), np.nan)
    return np.concatenate([series, missing])
