"""Encode category codes as one-hot columns or as row numbers of an embedding table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NO_SLOT = -1


@dataclass(frozen=True)
class CategorySlots:
    """Slots (one-hot columns or rows of the embedding table) of the levels of each categorical column.

    Attributes
    ----------
    lookup : tuple of ndarray of shape (n_levels + 2,), intp
        For each column, the slots of its levels, then those of an unseen and of a missing level; -1 means no slot
        (zeros). Slots are one-hot columns, or rows of the embedding table that all embedded columns share.
    embedded : tuple of bool
        Which columns are embedded.
    n_one_hot, n_rows : int
        Numbers of one-hot columns and of rows of the embedding table, rounded up so that data with a few levels
        more or less are encoded to the same shape.
    """

    lookup: tuple[np.ndarray, ...]
    embedded: tuple[bool, ...]
    n_one_hot: int
    n_rows: int

    @classmethod
    def fit(
        cls, codes: np.ndarray, n_levels: Sequence[int], one_hot_max_size: int | None, n_indicators: int = 0
    ) -> CategorySlots:
        """Assign slots to the columns of ``codes`` (n_samples, n_columns): float64, NaN if missing, -1 if unseen.

        A column with more than ``one_hot_max_size`` slots is embedded; None embeds none. The number of one-hot
        columns is rounded up together with ``n_indicators`` missing-value indicators.
        """
        counts = [level_counts(column, size) for column, size in zip(codes.T, n_levels, strict=True)]
        return cls.of_counts(counts, one_hot_max_size, n_indicators)

    @classmethod
    def of_counts(
        cls, counts: Sequence[np.ndarray], one_hot_max_size: int | None, n_indicators: int = 0
    ) -> CategorySlots:
        """Assign slots from the counts of each column's levels; see `level_counts`."""
        lookup, embedded, totals = [], [], {False: 0, True: 0}
        for column in counts:
            slots = _slots(column)
            count = int(slots.max(initial=NO_SLOT)) + 1
            embed = one_hot_max_size is not None and count > one_hot_max_size
            lookup.append(np.where(slots == NO_SLOT, NO_SLOT, slots + totals[embed]))
            embedded.append(embed)
            totals[embed] += count
        n_one_hot = rounded_up(n_indicators + totals[False]) - n_indicators
        return cls(tuple(lookup), tuple(embedded), n_one_hot, rounded_up(totals[True]))

    @property
    def n_embedded(self) -> int:
        """Number of embedded columns."""
        return sum(self.embedded)

    def encode(self, codes: np.ndarray, one_hot: np.ndarray, rows: np.ndarray) -> None:
        """Write one-hot columns and row numbers into zero-initialised arrays, from codes (n_rows, n_columns)."""
        place, all_rows = 0, np.arange(len(codes))
        for column, slots, embed in zip(codes.T, self.lookup, self.embedded, strict=True):
            slot = slots[_entries(column, len(slots) - 2)]
            if embed:
                rows[:, place] = slot
                place += 1
            else:
                has_slot = slot != NO_SLOT
                one_hot[all_rows[has_slot], slot[has_slot]] = 1.0


def rounded_up(count: int) -> int:
    """Round up to a multiple of 8, or of a quarter of the next lower power of two if that is larger."""
    step = max(8, (1 << max(count, 1).bit_length() - 1) // 4)
    return -(-count // step) * step


def _entries(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Return positions in a lookup: codes, then unseen, then missing."""
    seen = (codes >= 0) & (codes < n_levels)
    return np.where(np.isnan(codes), n_levels + 1, np.where(seen, codes, n_levels)).astype(np.intp)


def level_counts(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Count each level among the codes, then unseen and missing ones, (n_levels + 2,)."""
    return np.bincount(_entries(codes, n_levels), minlength=n_levels + 2)


def _slots(counts: np.ndarray) -> np.ndarray:
    """Assign slots, numbered from 0, to the levels of one column with these counts.

    A level that occurs in a single row looks unseen to all other rows. If there are several such levels, they share
    a slot with unseen levels. A missing cell counts as unseen if the column had no missing cell in training.
    """
    n_levels = len(counts) - 2
    levels, missing = counts[:n_levels], counts[n_levels + 1] > 0
    rare = levels == 1
    if rare.sum() < 2:
        rare[:] = False
    kept = (levels > 0) & ~rare
    slots = np.full(n_levels + 2, NO_SLOT, dtype=np.intp)
    slots[:n_levels][kept] = np.arange(kept.sum())
    count = int(kept.sum())
    if rare.any():
        slots[:n_levels][rare] = slots[n_levels] = count
        count += 1
    slots[n_levels + 1] = count if missing else slots[n_levels]
    return slots
