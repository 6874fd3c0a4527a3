"""Encode the columns of y as numbers and decode predictions, with the tasks and classes learnt in the first fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._arrays import unmasked
from .._records import EncodedTargets, Kind, Task
from ._class_warnings import warn_about_suspicious_classes
from ._columns import TargetColumns, holds_times
from ._types import ColumnLabels, ColumnType, as_objects, families


@dataclass(frozen=True)
class TargetEncoder:
    """Encoder of targets: the tasks' kinds and classes, and the form of the original y.

    ``types`` are the dtypes of y's columns; ``labels`` are its column labels if it was a table, else None.
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
        """Names of the tasks if y was a table, else None."""
        return [task.name for task in self.tasks] if self.is_frame else None

    @property
    def single_precision(self) -> bool:
        """Whether the quantities of all columns are predicted as 32-bit floats."""
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
        """Learn the tasks from the columns; ``classes`` (one entry per task) overrides the classes in the labels.

        With ``more_to_come`` (partial_fit), a regression may have no labels yet.
        """
        tasks: list[Task] = []
        task_classes: list[np.ndarray | None] = []
        for i, (name, kind) in enumerate(zip(columns.names, kinds, strict=True)):
            present = columns.values[i][columns.observed[i]]
            may_be_empty = more_to_come if kind == "regression" else classes is not None
            if len(present) == 0 and not may_be_empty:
                raise ValueError(
                    f"Task {name!r} has no label at all: every entry of its column is missing. "
                    "Leave the column out, or provide labels."
                )
            if kind == "regression":
                tasks.append(Task(name, "regression"))
                task_classes.append(None)
                continue
            labels = _unique(name, present) if classes is None else _given_classes(name, classes[i])
            if classes is None:
                warn_about_suspicious_classes(name, labels, len(present), columns.types[i])
            tasks.append(Task(name, "classification", tuple(as_objects(labels).tolist())))
            task_classes.append(labels)
        return cls(tuple(tasks), tuple(task_classes), columns.one_dimensional, columns.types, columns.labels)

    def check_columns(self, columns: TargetColumns) -> None:
        """Raise if y has other tasks than in fit, or the same in another order, so that no columns are mixed up."""
        names = [task.name for task in self.tasks]
        if len(columns.names) != len(names):
            raise ValueError(f"y has {len(columns.names)} tasks, but this estimator was fitted with {len(names)}.")
        if self.is_frame and columns.is_frame and list(columns.names) != names:
            raise ValueError(
                f"The columns of y should be those seen in fit, in the same order: {names}, got {list(columns.names)}."
            )

    def encode(self, columns: TargetColumns, sample_weight: np.ndarray | None) -> EncodedTargets:
        """Return values and weights, (n_samples, n_tasks) float64; ``sample_weight`` is None, (n,) or (n, n_tasks)."""
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
            # Labels without weight must have no effect, however large they are.
            values[weights == 0] = 0.0
        return EncodedTargets(values, weights)

    def decode_labels(self, codes: np.ndarray, task: int) -> np.ndarray:
        """Convert class codes of a task to class labels."""
        labels = self.classes[task]
        if labels is None:
            raise ValueError(f"Task {self.tasks[task].name!r} is a regression and has no classes.")
        return labels[codes]

    def table(self, columns: Sequence[np.ndarray], index: pd.Index) -> pd.DataFrame:
        """Return predicted values or labels as a table like y, with its column labels and dtypes."""
        if self.labels is None:
            raise ValueError("y was not a table.")
        parts = zip(columns, self.types, self.classes, strict=True)
        series = [kind.series(values, index, quantities=classes is None) for values, kind, classes in parts]
        return pd.concat(series, axis=1).set_axis(self.labels.index(), axis=1)


def quantities(name: str, present: np.ndarray) -> np.ndarray:
    """Convert labels of a regression to float64.

    Raises
    ------
    ValueError
        If the labels are not finite numbers.
    """
    if holds_times(present):
        raise ValueError(
            f"Task {name!r} is a regression, but its column holds dates or times: convert them to numbers first, "
            "for example to days since a start date."
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
            f"Unknown label type: continuous. Task {name!r} is a classification, but its labels are not whole "
            "numbers, so it is probably a regression."
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
            f"{classes.tolist()}: the first fit (or `classes=` of the first partial_fit) must include every label "
            "that occurs later, also in validation rows."
        )
    return codes


def check_same_family(name: str, labels: np.ndarray, classes: np.ndarray) -> None:
    """Raise if labels have a type that no class can be equal to: 1 is not "1".

    Raises
    ------
    ValueError
        If the types differ, for example strings and numbers.
    """
    given, expected = families(labels), families(classes)
    if expected and not given <= expected:
        raise ValueError(
            f"Task {name!r} has labels of another type than its classes: {shown(labels)} ({', '.join(sorted(given))}) "
            f"instead of {shown(classes)} ({', '.join(sorted(expected))}). Convert y to the type that it had in fit."
        )


def shown(labels: np.ndarray, most: int = 5) -> str:
    """Format the first few labels for messages."""
    listing = ", ".join(repr(label) for label in as_objects(labels[:most]).tolist())
    return f"[{listing}{', …' if len(labels) > most else ''}]"
