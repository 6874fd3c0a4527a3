"""Strings that stand for something else: numbers and missing values written as text."""

from __future__ import annotations

import numpy as np

# What missing values become where numpy or pandas turn a column into text.
_MISSING = ("nan", "NaN", "<NA>", "NaT")


def missing_as_text(labels: np.ndarray, *, plain: bool) -> list[str]:
    """Labels that are missing values written as text; numpy's ``plain`` strings cannot hold None either."""
    if labels.dtype.kind not in "OU":
        return []
    words = (*_MISSING, "None") if plain else _MISSING
    return [str(label) for label in labels if isinstance(label, str) and label in words]


def are_numbers_as_text(labels: np.ndarray) -> bool:
    """Whether all labels are strings that read as numbers."""
    if labels.dtype.kind not in "OU" or not all(isinstance(label, str) for label in labels):
        return False
    try:
        labels.astype(np.float64)
    except ValueError:
        return False
    return True
