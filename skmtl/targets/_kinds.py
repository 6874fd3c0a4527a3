"""Which tasks are regressions and which classifications, where the caller mixes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._names import proposal
from .._records import Kind
from ._columns import TargetColumns, holds_times
from ._types import ColumnType, as_numbers

KINDS: tuple[Kind, ...] = ("regression", "classification")


def infer_kinds(columns: TargetColumns, task_types: Mapping[str, str] | None) -> tuple[Kind, ...]:
    """Kind of each task: as ``task_types`` says, else from the column.

    Strings, categories and booleans are classes, and so are whole numbers that take at most two values
    (a 0/1 label that has missing entries arrives as floats); all other numbers are quantities.
    """
    given: dict[str, Kind] = {}
    for name, kind in (task_types or {}).items():
        if str(name) not in columns.names:
            hint = proposal(str(name), columns.names)
            raise ValueError(f"task_types names the task {name!r}, which y does not have.{hint}")
        found = next((known for known in KINDS if known == kind), None)
        if found is None:
            raise ValueError(f"task_types gives the task {name!r} the type {kind!r}.{proposal(str(kind), KINDS)}")
        given[str(name)] = found
    parts = zip(columns.names, columns.values, columns.observed, columns.types, strict=True)
    return tuple(
        given[name] if name in given else "classification" if _is_category(kind) else _infer(name, values[observed])
        for name, values, observed, kind in parts
    )


def _is_category(column: ColumnType) -> bool:
    """Whether the container says that a column holds categories, also where these are numbers."""
    return column.name == "category" or column.name.startswith("dictionary<")


def _infer(name: str, present: np.ndarray) -> Kind:
    if holds_times(present):
        raise ValueError(
            f"Task {name!r} holds dates or times: turn them into numbers for a regression, or name it in task_types "
            "as a classification."
        )
    numbers = as_numbers(present)
    if numbers is None:
        return "classification"
    if not np.isfinite(numbers).all():
        return "regression"
    # Two values can be told apart on a short prefix in all but degenerate columns.
    if len(np.unique(numbers[:1000])) > 2 or len(values := np.unique(numbers)) > 2:
        return "regression"
    return "classification" if (values == np.trunc(values)).all() else "regression"
