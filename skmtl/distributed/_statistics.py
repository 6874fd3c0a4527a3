"""Statistics of all rows, computed in one pass over each shard and then merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._records import EncodedTargets
from .._row_hash import BINS, row_bins, row_hash
from ..features._slots import level_counts
from ._reader import ReadRows

# Limits of the sample from which quantiles are computed. With 200,000 rows, a quantile's rank is off by less than
# 0.0036 with a probability of 99 % (Dvoretzky, Kiefer and Wolfowitz, 1956; Massart, 1990).
SAMPLE_CELLS, SAMPLE_ROWS = 1 << 24, 200_000
# Makes the sample independent of the hashes that choose held-out rows.
_SAMPLE_SALT = 0x5A3D


def _mean(values: np.ndarray, weight: np.ndarray | None, mass: np.ndarray) -> np.ndarray:
    """Weighted mean over rows, (n_columns,); 0 for columns whose total weight ``mass`` is 0."""
    if weight is None:
        return values.mean(axis=0, dtype=np.float64)
    total = weight @ values if weight.ndim == 1 else np.einsum("ij,ij->j", weight, values)
    return total / np.where(mass > 0, mass, 1.0)


@dataclass
class Moments:
    """Moments of columns, each (n_columns,).

    Total weight ``mass``, weighted mean, weighted sum of squared deviations, minimum, maximum, and whether values are
    missing.
    """

    mass: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    low: np.ndarray
    high: np.ndarray
    gaps: np.ndarray

    @classmethod
    def none(cls, columns: int) -> Moments:
        """Moments of no rows."""
        mass, mean, squares = (np.zeros(columns) for _ in range(3))
        return cls(mass, mean, squares, np.full(columns, np.inf), np.full(columns, -np.inf), np.zeros(columns, bool))

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> Moments:
        """Moments of values (n, n_columns), NaN if missing, with weights (n,) or (n, n_columns)."""
        if weights.ndim == 1 and not np.isnan(values.sum(axis=0)).any():
            gaps, ends = np.zeros(values.shape[1], bool), (values.min(axis=0), values.max(axis=0))
            mass = np.full(values.shape[1], weights.sum())
            weight = None if np.ptp(weights) == 0 else weights
        else:
            gap = np.isnan(values)
            weight = np.where(gap, 0.0, weights.reshape(len(values), -1))
            seen = weight > 0
            ends = np.where(seen, values, np.inf).min(axis=0), np.where(seen, values, -np.inf).max(axis=0)
            gaps, values, mass = gap.any(axis=0), np.where(seen, values, 0.0), weight.sum(axis=0)
        # Squares may overflow float64; the moments of such columns are not used (see `_prepare._LARGEST`).
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _mean(values, weight, mass)
            away = values - mean
            squares = _mean(np.square(away, out=away), weight, mass) * mass
        low, high = (end.astype(np.float64) for end in ends)
        return cls(mass, mean, squares, low, high, gaps)

    def add(self, other: Moments) -> None:
        """Add the moments of other rows (Chan, Golub and LeVeque, 1983)."""
        mass = self.mass + other.mass
        share = other.mass / np.where(mass > 0, mass, 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            away = other.mean - self.mean
            self.squares = self.squares + other.squares + away**2 * self.mass * share
            self.mean = self.mean + away * share
        self.mass = mass
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        self.gaps = self.gaps | other.gaps

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviations."""
        return np.sqrt(self.squares / np.where(self.mass > 0, self.mass, 1.0))


class Sample(NamedTuple):
    """The rows with the smallest hashes: the same rows however they are divided into shards."""

    hashes: np.ndarray
    numbers: np.ndarray
    X: np.ndarray
    values: np.ndarray
    weights: np.ndarray

    def smallest(self, size: int) -> Sample:
        """The ``size`` rows with the smallest hashes."""
        if len(self.hashes) <= size:
            return self
        chosen = np.argpartition(self.hashes, size)[:size]
        return Sample(*(part[chosen] for part in self))

    def ordered(self) -> Sample:
        """The sample in the order of row numbers."""
        order = np.argsort(self.numbers)
        return Sample(*(part[order] for part in self))


class Statistics:
    """Statistics of the rows added so far.

    Attributes
    ----------
    numeric : Moments
        Moments of the numeric columns, weighted by the rows' mean weights.
    codes : list of ndarray
        Counts of each categorical column's levels, then of unknown levels and of missing values.
    tasks : Moments
        Moments of the labels.
    classes : list of ndarray
        Total weight of each class, per task; empty for a regression.
    largest : ndarray of shape (n_tasks,)
        Largest label weight of each task.
    rows_by_bin, weight_by_bin : ndarray of shape (BINS,) and (BINS, n_tasks)
        Number of rows in each bin, and total weight of their labels.
    """

    def __init__(self, n_features: int, categories: tuple[int, ...], sizes: list[int], n_classes: list[int]) -> None:
        self.categories = list(categories)
        self.numbers = [position for position in range(n_features) if position not in categories]
        self.numeric = Moments.none(len(self.numbers))
        self.codes = [np.zeros(size + 2, dtype=np.int64) for size in sizes]
        self.tasks = Moments.none(len(n_classes))
        self.classes = [np.zeros(size) for size in n_classes]
        self.largest = np.zeros(len(n_classes))
        self.rows_by_bin = np.zeros(BINS, dtype=np.int64)
        self.weight_by_bin = np.zeros((BINS, len(n_classes)))
        self.equal_weights: tuple[float, float] = (np.inf, -np.inf)
        self.stop = 0
        self.sample_size = max(1, min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, n_features)))
        self._samples: list[Sample] = []
        self._kept = 0
        self._bound = np.uint64(2**64 - 1)

    @property
    def rows(self) -> int:
        """Number of rows that have a label with a positive weight."""
        return int(self.rows_by_bin.sum())

    def add(self, read: ReadRows, seed: int) -> None:
        """Add rows; ``seed`` is that of the bins."""
        if len(read.numbers) == 0:
            return
        targets, bins = read.targets, row_bins(read.numbers, seed)
        weights = row_means(targets)
        self.equal_weights = (
            min(self.equal_weights[0], weights.min()),
            max(self.equal_weights[1], weights.max()),
        )
        plain = read.X if not self.categories else read.X[:, self.numbers]
        self.numeric.add(Moments.of(plain, weights))
        for counts, column in zip(self.codes, self.categories, strict=True):
            counts += level_counts(read.X[:, column], len(counts) - 2)
        self.tasks.add(Moments.of(targets.values, targets.weights))
        for task, mass in enumerate(self.classes):
            if len(mass):
                codes = targets.values[:, task].astype(np.intp)
                mass += np.bincount(codes, weights=targets.weights[:, task], minlength=len(mass))
        self.largest = np.maximum(self.largest, targets.weights.max(axis=0))
        self.rows_by_bin += np.bincount(bins, minlength=BINS)
        for task in range(len(self.largest)):
            self.weight_by_bin[:, task] += np.bincount(bins, weights=targets.weights[:, task], minlength=BINS)
        self._add_to_sample(read)

    def merge(self, other: Statistics) -> None:
        """Add the statistics of other rows."""
        low, high = self.equal_weights
        self.equal_weights = min(low, other.equal_weights[0]), max(high, other.equal_weights[1])
        self.numeric.add(other.numeric)
        self.tasks.add(other.tasks)
        self.codes = [mine + theirs for mine, theirs in zip(self.codes, other.codes, strict=True)]
        self.classes = [mine + theirs for mine, theirs in zip(self.classes, other.classes, strict=True)]
        self.largest = np.maximum(self.largest, other.largest)
        self.rows_by_bin = self.rows_by_bin + other.rows_by_bin
        self.weight_by_bin = self.weight_by_bin + other.weight_by_bin
        self.stop = max(self.stop, other.stop)
        self._samples += other._samples
        self._kept += other._kept
        self._prune()

    def sample(self) -> Sample:
        """A random sample of the rows, in their order; all rows if there are at most ``sample_size``."""
        self._prune()
        return self._samples[0].ordered()

    @property
    def sample_is_complete(self) -> bool:
        """Whether the sample has all rows."""
        return self.rows <= self.sample_size

    def _add_to_sample(self, read: ReadRows) -> None:
        hashes = row_hash(read.numbers, _SAMPLE_SALT)
        chosen = np.flatnonzero(hashes <= self._bound)
        if len(chosen) == 0:
            return
        parts = (hashes, read.numbers, read.X, read.targets.values, read.targets.weights)
        self._samples.append(Sample(*(part[chosen] for part in parts)))
        self._kept += len(chosen)
        if self._kept > 2 * self.sample_size:
            self._prune()

    def _prune(self) -> None:
        if not self._samples:
            return
        columns = zip(*self._samples, strict=True)
        merged = Sample(*(np.concatenate(column) for column in columns)).smallest(self.sample_size)
        self._samples, self._kept = [merged], len(merged.hashes)
        if self._kept == self.sample_size:
            self._bound = merged.hashes.max()


def row_means(targets: EncodedTargets) -> np.ndarray:
    """Mean weight of each row's labels, (n,)."""
    return targets.weights.sum(axis=1) / np.maximum(targets.observed.sum(axis=1), 1)
