"""Logarithms of probabilities, in whatever form these come."""

from __future__ import annotations

from typing import Any

import numpy as np


def logarithms(proba: Any) -> Any:
    """Those of an array, or of each in a list; None stays None."""
    if isinstance(proba, list):
        return [logarithms(part) for part in proba]
    if proba is None:
        return None
    with np.errstate(divide="ignore"):
        return np.log(proba)
