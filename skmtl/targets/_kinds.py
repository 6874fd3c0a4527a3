"""Infer which tasks are regressions and which are classifications."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._names import proposal
from .._records import Kind
from ._columns import TargetColumns, holds_times
from ._types import ColumnType, as_numbers

KINDS: tuple[Kind, ...] = ("regression", "classification")


def infer_kinds(columns: TargetColumns, task_types: Mapping[str, str] | None) -> tuple[Kind, ...]:
    """Return the kind of each task, from ``task_types`` or inferred from the column.

    Strings, categories and booleans are classes, and so are whole numbers with at most two different values (a 0/1
    label with missing entries arrives as floats). All other numbers are quantities.
    """
    given: dict[str, Kind] = {}
    for name, kind in (task_types or {}).items():
        if str(name) not in columns.names:
            hint = proposal(str(name), columns.names)
            raise ValueError(f"task_types names the task {name!r}, which y does not have.{hint}")
        matching = next((known for known in KINDS if known == kind), None)
        if matching is None:
            raise ValueError(f"task_types gives the task {name!r} the type {kind!r}.{proposal(str(kind), KINDS)}")
        given[str(name)] = matching
    parts = zip(columns.names, columns.values, columns.observed, columns.types, strict=True)
    return tuple(
        given[name] if name in given else "classification" if _is_category(kind) else _infer(name, values[observed])
        for name, values, observed, kind in parts
    )


def _is_category(column: ColumnType) -> bool:
    """Whether the column has a categorical dtype, even if its categories are numbers."""
    return column.name == "category" or column.name.startswith("dictionary<")


def _infer(name: str, present: np.ndarray) -> Kind:
    if holds_times(present):
        raise ValueError(
            f"Task {name!r} holds dates or times: convert them to numbers for a regression, or declare the task a "
            "classification in task_types."
        )
    numbers = as_numbers(present)
    if numbers is None:
        return "classification"
    if not np.isfinite(numbers).all():
        return "regression"
    # Almost every quantity has more than two values among its first thousand: check these before all.
    if len(np.unique(numbers[:1000])) > 2 or len(values := np.unique(numbers)) > 2:
        return "regression"
    return "classification" if (values == np.trunc(values)).all() else "regression"
