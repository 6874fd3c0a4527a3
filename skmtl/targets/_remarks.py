"""Warnings about columns of y that are probably not what they seem."""

from __future__ import annotations

import warnings

import numpy as np

from .._text import are_numbers_as_text, missing_as_text
from ._types import ColumnType

# As many labels as scikit-learn wants before it says anything of their number.
_FEWEST = 20


def warn_of_odd_classes(name: str, classes: np.ndarray, n_labels: int, column: ColumnType) -> None:
    """Warn of as many classes as a quantity would have, and of missing labels that became text."""
    if n_labels > _FEWEST and len(classes) > round(0.5 * n_labels):
        warnings.warn(
            f"Task {name!r} has {len(classes)} classes among {n_labels} labels: more than half of its labels are "
            f"different, so it could be a regression.{_hint(classes)}",
            UserWarning,
            stacklevel=2,
        )
    if missing := missing_as_text(classes, plain=column.name.startswith("<U")):
        warnings.warn(
            f"Task {name!r} has the class {missing[0]!r}, which looks like a missing label that became text. Pass a "
            "DataFrame, or an array of objects, where NaN and None stay missing.",
            UserWarning,
            stacklevel=2,
        )


def _hint(classes: np.ndarray) -> str:
    if are_numbers_as_text(classes):
        return (
            " They are numbers written as text, as numpy makes them where it joins numbers and strings in one array: "
            "pass a DataFrame, whose columns keep their own types."
        )
    return ""
