"""Sizes rounded up, so that folds of nearly equal size share one compiled program."""

from __future__ import annotations


def bucket(size: int) -> int:
    """Round up to the next of eight steps an octave: at most an eighth more than asked for."""
    if size <= 16:
        return max(1, size)
    step = 1 << max(0, (size - 1).bit_length() - 4)
    return -(-size // step) * step
