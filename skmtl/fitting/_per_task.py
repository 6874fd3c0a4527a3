"""Settings that may be given once or per task, by name or by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from .._names import proposal
from .._records import Task
from .._weights import summable_weights
from ..targets import TargetEncoder


def per_task(value: Any, names: Sequence[str], parameter: str, default: Any = None) -> list[Any]:
    """Return one value per task: ``value`` is a single one, a sequence by position, or a dict or Series by name.

    Raises
    ------
    ValueError
        If the length of a sequence is not the number of tasks, or a dict names an unknown task.
    """
    value = by_name(value)
    if isinstance(value, Mapping):
        for name in value:
            if str(name) not in names:
                hint = proposal(str(name), names)
                raise ValueError(f"{parameter} names the task {name!r}, which y does not have.{hint}")
        given = {str(name): entry for name, entry in value.items()}
        return [given.get(name, default) for name in names]
    if not is_sequence(value):
        return [value] * len(names)
    if isinstance(value, Set) or len(getattr(value, "shape", (0,))) != 1:
        raise ValueError(f"{parameter} should have one entry per task, by position or by name, got {value!r}.")
    if len(value) != len(names):
        tasks = ", ".join(names)
        raise ValueError(f"{parameter} has {len(value)} entries, but there are {len(names)} tasks: {tasks}.")
    return list(value)


def by_name(value: Any) -> Any:
    """Return a Series whose index holds names as a dict, and anything else unchanged."""
    if isinstance(value, pd.Series) and not pd.api.types.is_integer_dtype(value.index.dtype):
        return dict(zip(value.index, value, strict=True))
    return value


def is_sequence(value: Any) -> bool:
    """Whether a value is a list, an array or a column of any library, and not a dict, text, loss or class."""
    if isinstance(value, str | bytes | type | Mapping) or callable(value):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__iter__")


def task_weights(loss_weights: Any, names: Sequence[str]) -> np.ndarray:
    """Return the weights of the tasks' losses in their mean, which add up to 1."""
    weights = [1.0 if weight is None else weight for weight in per_task(loss_weights, names, "loss_weights", 1.0)]
    try:
        numbers = np.asarray(weights, dtype=object).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"loss_weights should be numbers, got {loss_weights!r}.") from error
    if not np.isfinite(numbers).all() or (numbers < 0).any() or numbers.sum() == 0:
        raise ValueError(f"loss_weights should be non-negative, finite and not all zero, got {loss_weights!r}.")
    return numbers / numbers.sum()


def class_weights(class_weight: Any, encoder: TargetEncoder, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the label weights, (n_samples, n_tasks), multiplied by the class weights."""
    if class_weight is None:
        return weights
    names = [task.name for task in encoder.tasks]
    if len(names) == 1 and isinstance(class_weight, pd.Series) and class_weight.dtype != object:
        class_weight = dict(zip(class_weight.index, class_weight, strict=True))
    _refuse_flat(class_weight, names)
    single = len(names) == 1 and isinstance(class_weight, Mapping) and set(map(str, class_weight)) != set(names)
    entries = [class_weight] if single else per_task(class_weight, names, "class_weight")
    weights = weights.copy()
    for i, (task, entry) in enumerate(zip(encoder.tasks, entries, strict=True)):
        if entry is None or task.kind == "regression":
            if isinstance(entry, Mapping):
                raise ValueError(f"class_weight names the task {task.name!r}, a regression, which has no classes.")
            continue
        table = summable_weights(_class_table(task, encoder.classes[i], entry, values[:, i], weights[:, i]))
        weights[:, i] *= table[values[:, i].astype(np.intp)]
    return weights


def _refuse_flat(class_weight: Any, names: Sequence[str]) -> None:
    """Refuse a dict from class to weight when there are several tasks: it does not say which one it is for."""
    if len(names) < 2 or not isinstance(class_weight, Mapping) or not class_weight:
        return
    if all(isinstance(weight, Real) for weight in class_weight.values()):
        raise ValueError(
            f"class_weight={dict(class_weight)!r} gives weights to classes, but there are {len(names)} tasks: give a "
            f"list with one such dict per task, or a dict by name, {{{names[0]!r}: {dict(class_weight)!r}}}."
        )


def check_incremental_class_weight(class_weight: Any) -> None:
    """Refuse "balanced" in partial_fit, where a batch does not show how frequent the classes are."""
    entries = class_weight.values() if isinstance(class_weight, Mapping) else class_weight
    if isinstance(class_weight, str) or any(isinstance(entry, str) for entry in (() if entries is None else entries)):
        raise ValueError(
            "class_weight='balanced' is not supported by partial_fit, which sees only part of the labels at a time: "
            "pass the weights as a dict, from sklearn.utils.class_weight.compute_class_weight on a large sample."
        )


def _class_table(task: Task, classes: Any, entry: Any, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if isinstance(entry, str) and entry == "balanced":
        counts = np.bincount(codes[weights > 0].astype(np.intp), minlength=len(classes))
        present = counts > 0
        table = np.ones(len(classes))
        table[present] = counts.sum() / (present.sum() * counts[present])
        return table
    if not isinstance(entry, Mapping):
        raise ValueError(
            f"class_weight of task {task.name!r} should be None, 'balanced' or a dict from class to weight, "
            f"got {entry!r}."
        )
    table = np.ones(len(classes))
    for label, weight in entry.items():
        positions = np.flatnonzero(classes == label)
        if len(positions) == 0:
            raise ValueError(
                f"class_weight of task {task.name!r} names the class {label!r}; its classes are {classes.tolist()}."
            )
        if not (np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"class_weight of task {task.name!r}: the weight of {label!r} should be >= 0, got {weight!r}."
            )
        table[positions[0]] = weight
    return table
