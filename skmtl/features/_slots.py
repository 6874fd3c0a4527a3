"""Codes of categories to what the network sees: one-hot columns, or rows of a table of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NO_SLOT = -1


@dataclass(frozen=True)
class CategorySlots:
    """Where each level of each categorical column goes.

    Attributes
    ----------
    lookup : tuple of ndarray of shape (n_levels + 2,), intp
        Per column, the slot of each level, then that of an unseen and of a missing one; -1 is none (zeros).
        Slots are one-hot columns, or rows of the embeddings' table, which all embedded columns share.
    embedded : tuple of bool
        Which columns are embedded.
    n_one_hot, n_rows : int
        Number of one-hot columns, and of rows of the table; rounded up, so that tables with some levels more
        or less are encoded to the same shape.
    """

    lookup: tuple[np.ndarray, ...]
    embedded: tuple[bool, ...]
    n_one_hot: int
    n_rows: int

    @classmethod
    def fit(
        cls, codes: np.ndarray, n_levels: Sequence[int], one_hot_max_size: int | None, beside: int = 0
    ) -> CategorySlots:
        """Lay out the columns of ``codes`` (n_samples, n_columns), float64 with NaN for missing and -1 for unseen.

        ``one_hot_max_size`` is the largest number of slots of a one-hot column; None is no bound. ``beside`` columns
        of indicators are rounded up together with the one-hot columns.
        """
        counts = [level_counts(column, size) for column, size in zip(codes.T, n_levels, strict=True)]
        return cls.of_counts(counts, one_hot_max_size, beside)

    @classmethod
    def of_counts(cls, counts: Sequence[np.ndarray], one_hot_max_size: int | None, beside: int = 0) -> CategorySlots:
        """The same from how often each level of each column occurs; see `level_counts`."""
        lookup, embedded, totals = [], [], {False: 0, True: 0}
        for column in counts:
            slots = _slots(column)
            count = int(slots.max(initial=NO_SLOT)) + 1
            embed = one_hot_max_size is not None and count > one_hot_max_size
            lookup.append(np.where(slots == NO_SLOT, NO_SLOT, slots + totals[embed]))
            embedded.append(embed)
            totals[embed] += count
        n_one_hot = rounded_up(beside + totals[False]) - beside
        return cls(tuple(lookup), tuple(embedded), n_one_hot, rounded_up(totals[True]))

    @property
    def n_embedded(self) -> int:
        """Number of columns that are embedded."""
        return sum(self.embedded)

    def encode(self, codes: np.ndarray, one_hot: np.ndarray, rows: np.ndarray) -> None:
        """Fill the one-hot columns and the rows' numbers, zeros as they come, from codes (n_rows, n_columns)."""
        place, everyone = 0, np.arange(len(codes))
        for column, slots, embed in zip(codes.T, self.lookup, self.embedded, strict=True):
            slot = slots[_entries(column, len(slots) - 2)]
            if embed:
                rows[:, place] = slot
                place += 1
            else:
                known = slot != NO_SLOT
                one_hot[everyone[known], slot[known]] = 1.0


def rounded_up(count: int) -> int:
    """The next multiple of 8, of a quarter of the power of two below where that is more."""
    step = max(8, (1 << max(count, 1).bit_length() - 1) // 4)
    return -(-count // step) * step


def _entries(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """Entries of a lookup: codes, then unseen, then missing."""
    known = (codes >= 0) & (codes < n_levels)
    return np.where(np.isnan(codes), n_levels + 1, np.where(known, codes, n_levels)).astype(np.intp)


def level_counts(codes: np.ndarray, n_levels: int) -> np.ndarray:
    """How often each level occurs among the codes, then an unseen one, then a missing one, (n_levels + 2,)."""
    return np.bincount(_entries(codes, n_levels), minlength=n_levels + 2)


def _slots(counts: np.ndarray) -> np.ndarray:
    """Slots of one column with these counts of levels, counted from 0.

    Levels that a single row has are, to all other rows, levels never seen: where there are several they share a
    slot, which is that of unseen levels too. A missing cell where none was missing counts as unseen.
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
