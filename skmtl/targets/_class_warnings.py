"""Warnings about classes that look like quantities or missing values."""

from __future__ import annotations

import warnings

import numpy as np

from .._text import are_numbers_as_text, missing_as_text
from ._types import ColumnType

# scikit-learn, too, warns about the number of classes only for more labels than this.
_MIN_LABELS = 20


def warn_about_suspicious_classes(name: str, classes: np.ndarray, n_labels: int, column: ColumnType) -> None:
    """Warn if a task has as many classes as a quantity would, or if missing labels became text."""
    if n_labels > _MIN_LABELS and len(classes) > round(0.5 * n_labels):
        warnings.warn(
            f"Task {name!r} has {len(classes)} classes among {n_labels} labels. With more classes than half the number "
            f"of labels, it could be a regression.{_hint(classes)}",
            UserWarning,
            stacklevel=2,
        )
    if missing := missing_as_text(classes, plain=column.name.startswith("<U")):
        warnings.warn(
            f"Task {name!r} has the class {missing[0]!r}, which looks like a missing label converted to text. Pass a "
            "DataFrame or an object array, in which NaN and None stay missing.",
            UserWarning,
            stacklevel=2,
        )


def _hint(classes: np.ndarray) -> str:
    if are_numbers_as_text(classes):
        return (
            " The labels are numbers stored as text, as happens when numpy puts numbers and strings into one array. "
            "Pass a DataFrame, whose columns keep their types."
        )
    return ""
