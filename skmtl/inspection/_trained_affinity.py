"""Measure affinities while networks train, on true and on permuted labels."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..estimators._base import BaseMultiTask
from ..model_selection._progress import Done
from ..targets import TargetColumns
from ._baselines import seeded

if TYPE_CHECKING:
    from ..training._epoch_state import EpochState

# As in the reference implementation of TAG, every tenth step is measured.
_STEPS_APART = 10
_MOST_BATCHES = 8
# A single network's successive steps are correlated: its standard error comes from the means of this many blocks.
_BLOCKS = 10


@dataclass(frozen=True)
class Measured:
    """Affinities (tasks, tasks), averaged over training; NaN for tasks without common rows.

    ``negative`` is the share of measurements below 0, ``epochs`` the number of epochs measured, and ``count`` the
    number of measurements of all members.
    """

    values: np.ndarray
    std_error: np.ndarray
    negative: np.ndarray
    epochs: int
    count: int


class _Recorder:
    """Measures every member at the end of every epoch."""

    def __init__(self, lookahead: bool) -> None:
        self.lookahead = lookahead
        self._lock = threading.Lock()
        self._members: dict[int, list[np.ndarray]] = {}

    def __call__(self, epoch_state: EpochState) -> None:
        from ..training._task_probe import probe_of

        steps = max(len(rows) for rows in epoch_state.train) / epoch_state.batch_size
        number = int(np.clip(np.ceil(steps / _STEPS_APART), 1, _MOST_BATCHES))
        probed = probe_of(epoch_state.program, self.lookahead)(epoch_state, number)
        values = probed.cosines if probed.lookahead is None else probed.lookahead
        with self._lock:
            for member in range(values.shape[1]):
                self._members.setdefault(epoch_state.first + member, []).append(values[:, member])

    def result(self, best_epochs: np.ndarray) -> Measured:
        """Average over the training of each member up to its best epoch."""
        members = [np.concatenate(self._members[m][: max(1, best)]) for m, best in enumerate(best_epochs.tolist())]
        means = np.stack([nan_mean(values) for values in members])
        seen = sum((~np.isnan(values)).sum(axis=0) for values in members)
        below = sum((values < 0).sum(axis=0) for values in members)
        return Measured(
            values=nan_mean(means),
            std_error=_error(means if len(means) > 1 else _block_means(members[0])),
            negative=np.where(seen > 0, below / np.maximum(seen, 1), np.nan),
            epochs=int(best_epochs.max()),
            count=sum(len(values) for values in members),
        )


def measure(network: BaseMultiTask, X: Any, y: Any, lookahead: bool) -> Measured:
    """Fit the network and measure affinities while it trains."""
    recorder = _Recorder(lookahead)
    network._fit_observed(X, y, recorder)
    return recorder.result(np.atleast_1d(network.best_epoch_))


def measure_permuted(
    network: BaseMultiTask,
    X: Any,
    y: Any,
    columns: TargetColumns,
    lookahead: bool,
    *,
    epochs: int,
    n_permutations: int,
    seed: int,
    done: Done,
) -> np.ndarray:
    """Measure on permuted labels, (permutations, tasks, tasks), over a fixed number of epochs.

    Early stopping would end too soon, since permuted labels cannot be learnt.
    """
    draws = []
    for number in range(1, n_permutations + 1):
        copy = seeded(network, number, seed).set_params(early_stopping=False, epochs=epochs)
        shuffled = permuted(y, columns, np.random.default_rng([seed, number]))
        draws.append(measure(copy, X, shuffled, lookahead).values)
        done(1)
    return np.stack(draws)


def permuted(y: Any, columns: TargetColumns, rng: np.random.Generator) -> Any:
    """Permute the labels of each task among the rows that have one; missing labels stay where they are."""
    orders = list(label_orders(columns, rng))
    if isinstance(y, pd.DataFrame):
        parts = {
            name: y.iloc[order, i].array for i, (name, order) in enumerate(zip(columns.names, orders, strict=True))
        }
        return pd.DataFrame(parts, index=y.index)
    return np.stack([y[order, i] for i, order in enumerate(orders)], axis=1)


def label_orders(columns: TargetColumns, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield for each task the row from which each row takes its label."""
    for observed in columns.observed:
        order, rows = np.arange(columns.n_samples), np.flatnonzero(observed)
        order[rows] = rng.permutation(rows)
        yield order


def nan_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean of the known values over the first axis, NaN without any."""
    count = (~np.isnan(values)).sum(axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan)


def _error(means: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over the first axis, NaN for fewer than two known values."""
    count = (~np.isnan(means)).sum(axis=0)
    squares = np.nansum(np.square(means - nan_mean(means)), axis=0)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1) / np.maximum(count, 1)), np.nan)


def _block_means(values: np.ndarray) -> np.ndarray:
    return np.stack([nan_mean(block) for block in np.array_split(values, min(_BLOCKS, len(values)))])
