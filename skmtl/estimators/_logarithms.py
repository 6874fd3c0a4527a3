"""Logarithms of class probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np


def logarithms(proba: Any) -> Any:
    """Return the logarithms of an array, or of each array in a list; None stays None."""
    if isinstance(proba, list):
        return [logarithms(part) for part in proba]
    if proba is None:
        return None
    with np.errstate(divide="ignore"):
        return np.log(proba)
