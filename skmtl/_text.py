"""Detect numbers and missing values that were converted to text."""

from __future__ import annotations

import numpy as np

# Text of missing values after numpy or pandas convert a column to text.
_MISSING = ("nan", "NaN", "<NA>", "NaT")


def missing_as_text(labels: np.ndarray, *, plain: bool) -> list[str]:
    """Return labels that are missing values as text; with ``plain`` numpy strings, "None" is one too."""
    if labels.dtype.kind not in "OU":
        return []
    texts = (*_MISSING, "None") if plain else _MISSING
    return [str(label) for label in labels if isinstance(label, str) and label in texts]


def are_numbers_as_text(labels: np.ndarray) -> bool:
    """Return whether all labels are strings that parse as numbers."""
    if labels.dtype.kind not in "OU" or not all(isinstance(label, str) for label in labels):
        return False
    try:
        labels.astype(np.float64)
    except ValueError:
        return False
    return True
