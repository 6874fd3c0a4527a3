"""Choose rows by a hash of their numbers, independent of how they are split into files, chunks or shards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Fractions of the rows are rounded to multiples of 1 / BINS.
BINS = 1 << 13


def row_hash(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return a uniform 64-bit number per row number (the mixing of SplitMix64; Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) + np.uint64(2 * seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def row_bins(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return the bin of each row number, 0 to ``BINS`` - 1."""
    return (row_hash(numbers, seed) >> np.uint64(51)).astype(np.int32)


@dataclass(frozen=True)
class HeldShare:
    """Bins of rows that each member holds out: adjacent ones, which together cover as many as possible."""

    members: int
    fraction: float

    @property
    def any(self) -> bool:
        """Whether anything is held out."""
        return self.fraction > 0

    def table(self) -> np.ndarray:
        """Return whether each member holds each bin out, (BINS, members) bool."""
        bins = np.arange(BINS)
        bounds = np.round(np.arange(self.members + 1) * self.fraction * BINS).astype(int)
        held = [(bins - low) % BINS < high - low for low, high in zip(bounds[:-1], bounds[1:], strict=True)]
        return np.stack(held, axis=1)
