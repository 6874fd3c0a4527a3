"""Sampling of rows by task, so that tasks with few rows of their own can be seen more often."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class RowSampling(NamedTuple):
    """Expected draws of each row per epoch, 1 on average, and the row's stratum: its rarest task with a label.

    Both are (rows,). Rows of a stratum are drawn equally often, and spread evenly over the batches.
    """

    draws: np.ndarray
    stratum: np.ndarray


def plan_sampling(weights: np.ndarray, exponent: float) -> RowSampling:
    """Return draws proportional to n ** (exponent - 1), with n the number of labels of a row's rarest task.

    A task with rows of its own is then drawn in proportion to n ** exponent. ``weights`` (rows, tasks) are 0 for
    missing labels; rows without any label are drawn like those of the largest task.
    """
    observed = weights > 0
    counts = observed.sum(axis=0)
    rarity = np.where(observed, counts, counts.max() + 1)
    stratum = np.where(observed.any(axis=1), rarity.argmin(axis=1), weights.shape[1])
    draws = np.minimum(rarity.min(axis=1), counts.max()).astype(float) ** (exponent - 1.0)
    return RowSampling(draws / draws.mean(), stratum)


class SampledOrder:
    """Random orders of as many draws as there are rows, with every stratum spread evenly over the batches."""

    def __init__(self, rows: np.ndarray, sampling: RowSampling, batch_size: int) -> None:
        names, own = np.unique(sampling.stratum[rows], return_inverse=True)
        self._strata = [rows[own == number] for number in range(len(names))]
        expected = np.bincount(own, sampling.draws[rows])
        self._edges = np.cumsum(expected) * (len(rows) / expected.sum())
        self._edges[-1] = len(rows)
        self._places = _dealt(len(rows), batch_size)

    def epoch(self, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers of an epoch."""
        # Randomised rounding: the mean over epochs is the expected number.
        counts = np.diff(np.floor(self._edges + rng.random()), prepend=0.0).astype(int)
        drawn = [_repeated(self._strata[s], counts[s], rng) for s in rng.permutation(len(counts))]
        order = np.empty(len(self._places), dtype=np.int32)
        order[self._places] = np.concatenate(drawn)
        return order


def _repeated(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``count`` rows in random order, none again before all have been drawn."""
    passes = [rng.permutation(rows) for _ in range(-(-count // len(rows)))]
    return np.concatenate([rows[:0], *passes])[:count]


def _dealt(n_rows: int, batch_size: int) -> np.ndarray:
    """Return places that deal consecutive draws to one batch after another; a short last batch gets fewer."""
    places = np.arange(n_rows)
    sizes = np.minimum(batch_size, n_rows - places // batch_size * batch_size)
    return np.argsort((places % batch_size + 0.5) / sizes, kind="stable")
