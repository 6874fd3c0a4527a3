"""Rows drawn by their task: where tasks have rows of their own, small ones are seen as often as is wanted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class RowSampling(NamedTuple):
    """How often each row is to be drawn in an epoch, 1 on average, and the rarest task that it has a label of.

    Both are (rows,); rows of the same stratum are drawn alike, and dealt out evenly to the batches.
    """

    draws: np.ndarray
    stratum: np.ndarray


def plan_sampling(weights: np.ndarray, exponent: float) -> RowSampling:
    """Chances proportional to n ** (exponent - 1), n the number of labels of the rarest task that a row has.

    A task with rows of its own is then drawn in proportion to n ** exponent. ``weights`` (rows, tasks) are zero
    where there is no label; rows without any are drawn like those of the largest task.
    """
    observed = weights > 0
    counts = observed.sum(axis=0)
    rarity = np.where(observed, counts, counts.max() + 1)
    stratum = np.where(observed.any(axis=1), rarity.argmin(axis=1), weights.shape[1])
    draws = np.minimum(rarity.min(axis=1), counts.max()).astype(float) ** (exponent - 1.0)
    return RowSampling(draws / draws.mean(), stratum)


class SampledOrder:
    """Orders of as many draws as there are rows, in which every full batch has its share of every stratum."""

    def __init__(self, rows: np.ndarray, sampling: RowSampling, batch_size: int) -> None:
        names, own = np.unique(sampling.stratum[rows], return_inverse=True)
        self._strata = [rows[own == number] for number in range(len(names))]
        expected = np.bincount(own, sampling.draws[rows])
        self._edges = np.cumsum(expected) * (len(rows) / expected.sum())
        self._edges[-1] = len(rows)
        self._places = _dealt(len(rows), batch_size)

    def epoch(self, rng: np.random.Generator) -> np.ndarray:
        """Row numbers of an epoch."""
        # Rounded to whole draws so that their mean over epochs is what is expected.
        counts = np.diff(np.floor(self._edges + rng.random()), prepend=0.0).astype(int)
        drawn = [_repeated(self._strata[s], counts[s], rng) for s in rng.permutation(len(counts))]
        order = np.empty(len(self._places), dtype=np.int32)
        order[self._places] = np.concatenate(drawn)
        return order


def _repeated(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` of the rows in random order: no row again before all have been drawn."""
    passes = [rng.permutation(rows) for _ in range(-(-count // len(rows)))]
    return np.concatenate([rows[:0], *passes])[:count]


def _dealt(n_rows: int, batch_size: int) -> np.ndarray:
    """Places of an order, so that neighbours go to one batch after another; a short last batch has its turn less."""
    places = np.arange(n_rows)
    sizes = np.minimum(batch_size, n_rows - places // batch_size * batch_size)
    return np.argsort((places % batch_size + 0.5) / sizes, kind="stable")
