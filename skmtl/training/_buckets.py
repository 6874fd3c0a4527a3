"""Rounding of sizes, so that folds of nearly equal size share one compiled program."""

from __future__ import annotations


def bucket(size: int) -> int:
    """Round up to the next of eight steps per octave, which adds at most an eighth."""
    if size <= 16:
        return max(1, size)
    step = 1 << max(0, (size - 1).bit_length() - 4)
    return -(-size // step) * step
