"""Columns of y to numbers and back, with what was learnt in the first fit: tasks and their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._arrays import unmasked
from .._records import EncodedTargets, Kind, Task
from ._columns import TargetColumns, holds_times
from ._remarks import warn_of_odd_classes
from ._types import ColumnLabels, ColumnType, as_objects, families


@dataclass(frozen=True)
class TargetEncoder:
    """What the tasks are: their kinds, the classes of the classifications, and the form y came in.

    ``types`` are the dtypes of y's columns, and ``labels`` its columns where it was a table.
    """

    tasks: tuple[Task, ...]
    classes: tuple[np.ndarray | None, ...]
    one_dimensional: bool
    types: tuple[ColumnType, ...]
    labels: ColumnLabels | None = None

    @property
    def is_frame(self) -> bool:
        """Whether y was a table."""
        return self.labels is not None

    @property
    def table_names(self) -> list[str] | None:
        """Names of the tasks where y was a table, None where nobody named them."""
        return [task.name for task in self.tasks] if self.is_frame else None

    @property
    def single_precision(self) -> bool:
        """Whether all columns of y held numbers of 32 bits."""
        return all(column.single_precision for column in self.types)

    @classmethod
    def fit(
        cls,
        columns: TargetColumns,
        kinds: Sequence[Kind],
        classes: Sequence[Any] | None = None,
        *,
        more_to_come: bool = False,
    ) -> TargetEncoder:
        """Learn tasks from the columns; ``classes`` (one entry a task) replaces what the labels say.

        With ``more_to_come`` a regression may be without labels.
        """
        tasks: list[Task] = []
        found: list[np.ndarray | None] = []
        for i, (name, kind) in enumerate(zip(columns.names, kinds, strict=True)):
            present = columns.values[i][columns.observed[i]]
            waits = more_to_come if kind == "regression" else classes is not None
            if len(present) == 0 and not waits:
                raise ValueError(
                    f"Task {name!r} has no label at all: every entry of its column is missing. "
                    "Leave the column out, or give it labels."
                )
            if kind == "regression":
                tasks.append(Task(name, "regression"))
                found.append(None)
                continue
            labels = _unique(name, present) if classes is None else _given_classes(name, classes[i])
            if classes is None:
                warn_of_odd_classes(name, labels, len(present), columns.types[i])
            tasks.append(Task(name, "classification", tuple(as_objects(labels).tolist())))
            found.append(labels)
        return cls(tuple(tasks), tuple(found), columns.one_dimensional, columns.types, columns.labels)

    def check_columns(self, columns: TargetColumns) -> None:
        """Refuse a y of other tasks, or of the same in another order: no column is taken for another one."""
        names = [task.name for task in self.tasks]
        if len(columns.names) != len(names):
            raise ValueError(f"y has {len(columns.names)} tasks, but this estimator was fitted with {len(names)}.")
        if self.is_frame and columns.is_frame and list(columns.names) != names:
            raise ValueError(
                f"The columns of y should be those seen in fit, in the same order: {names}, got {list(columns.names)}."
            )

    def encode(self, columns: TargetColumns, sample_weight: np.ndarray | None) -> EncodedTargets:
        """Values and weights, (n_samples, n_tasks) float64; ``sample_weight`` is None, (n,) or (n, n_tasks)."""
        self.check_columns(columns)
        shape = (columns.n_samples, len(self.tasks))
        values, weights = np.zeros(shape), np.zeros(shape)
        for i, task in enumerate(self.tasks):
            observed, classes = columns.observed[i], self.classes[i]
            present = columns.values[i][observed]
            values[observed, i] = (
                quantities(task.name, present) if classes is None else _codes(task.name, present, classes)
            )
            weights[observed, i] = 1.0
        if sample_weight is not None:
            weights *= sample_weight.reshape(shape[0], -1)
            # What has no weight takes no part in anything, however large it is.
            values[weights == 0] = 0.0
        return EncodedTargets(values, weights)

    def decode_labels(self, codes: np.ndarray, task: int) -> np.ndarray:
        """Class labels of a task from class codes."""
        labels = self.classes[task]
        if labels is None:
            raise ValueError(f"Task {self.tasks[task].name!r} is a regression and has no classes.")
        return labels[codes]

    def table(self, columns: Sequence[np.ndarray], index: pd.Index) -> pd.DataFrame:
        """Predicted values or labels as a table like y: its columns, each of its own type."""
        if self.labels is None:
            raise ValueError("y was no table.")
        parts = zip(columns, self.types, self.classes, strict=True)
        series = [kind.series(values, index, quantities=known is None) for values, kind, known in parts]
        return pd.concat(series, axis=1).set_axis(self.labels.index(), axis=1)


def quantities(name: str, present: np.ndarray) -> np.ndarray:
    """Labels of a regression as float64.

    Raises
    ------
    ValueError
        Where they are no numbers, or not finite ones.
    """
    if holds_times(present):
        raise ValueError(
            f"Task {name!r} is a regression, but its column holds dates or times: turn them into numbers first, "
            "as days since a start."
        )
    try:
        numbers = present.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Task {name!r} is a regression, but its labels are not numbers: {error}.") from error
    except OverflowError:
        numbers = np.array([np.inf])
    if not np.isfinite(numbers).all():
        raise ValueError(f"Input y contains infinity or a value too large for dtype('float64') in task {name!r}.")
    return numbers


def _check_labels(name: str, labels: np.ndarray) -> None:
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError(f"Input y contains infinity or a value too large for dtype('float64') in task {name!r}.")
    kinds = {type(label).__name__ for label in labels} if labels.dtype == object else set()
    if len(kinds - {"str_"}) > 1:
        raise ValueError(f"Task {name!r} mixes labels of types {sorted(kinds)}; use one type for all its classes.")
    if labels.dtype.kind == "f" and (labels != np.trunc(labels)).any():
        raise ValueError(
            f"Unknown label type: continuous. Task {name!r} is a classification, but its labels are numbers with "
            "fractions: it looks like a regression."
        )


def _unique(name: str, present: np.ndarray) -> np.ndarray:
    _check_labels(name, present)
    try:
        return np.unique(present)
    except TypeError as error:
        raise ValueError(f"Task {name!r} has labels that cannot be sorted: {error}.") from error


def _given_classes(name: str, classes: Any) -> np.ndarray:
    labels = np.asarray(unmasked(classes))
    if labels.dtype.kind in "US":
        cells = np.asarray(classes, dtype=object)
        labels = labels if isinstance(classes, np.ndarray) and classes.dtype.kind in "US" else cells
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"classes of task {name!r} should be a 1-D list of labels, got {classes!r}.")
    return _unique(name, labels)


def _codes(name: str, present: np.ndarray, classes: np.ndarray) -> np.ndarray:
    _check_labels(name, present)
    check_same_family(name, present, classes)
    codes = np.searchsorted(classes, present)
    codes = np.minimum(codes, len(classes) - 1)
    unknown = classes[codes] != present
    if unknown.any():
        raise ValueError(
            f"Task {name!r} has labels {np.unique(present[unknown]).tolist()} that are not among its classes "
            f"{classes.tolist()}: the first fit (or `classes=` of the first partial_fit) has to name every label "
            "that comes later, also in validation rows."
        )
    return codes


def check_same_family(name: str, labels: np.ndarray, classes: np.ndarray) -> None:
    """Refuse labels of a type that no class can equal: 1 is not "1".

    Raises
    ------
    ValueError
        Where strings are compared with numbers, say.
    """
    given, known = families(labels), families(classes)
    if known and not given <= known:
        raise ValueError(
            f"Task {name!r} has labels of another type than its classes: {shown(labels)} ({', '.join(sorted(given))}) "
            f"beside {shown(classes)} ({', '.join(sorted(known))}). Convert y to the type that it had in fit."
        )


def shown(labels: np.ndarray, most: int = 5) -> str:
    """The first few labels, for messages."""
    listing = ", ".join(repr(label) for label in as_objects(labels[:most]).tolist())
    return f"[{listing}{', …' if len(labels) > most else ''}]"
