"""Predictions given known labels of other tasks (``known=``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._names import proposal
from ..blending._intervals import interval_offsets
from ..fitting._checks import check_rows
from ..joint import ErrorModel, JointModel, patterns_of
from ..targets import TargetColumns, TargetEncoder, as_table, read_columns


@dataclass(frozen=True)
class KnownLabels:
    """Known labels as numbers or class codes, and the mask of known ones, both (n_rows, n_tasks)."""

    values: np.ndarray
    observed: np.ndarray

    @classmethod
    def read(cls, known: Any, X: Any, targets: TargetEncoder) -> KnownLabels:
        """Read a table like y, with missing values for unknown labels; a table with names may leave columns out."""
        columns = labels_of(known, targets, name="known")
        check_rows(X, columns)
        encoded = targets.encode(columns, None)
        return cls(encoded.values, encoded.observed)


def labels_of(given: Any, targets: TargetEncoder, *, name: str) -> TargetColumns:
    """Return the columns of all tasks from a table like y, which may leave columns out if it has the tasks' names.

    Raises
    ------
    ValueError
        If it has other tasks than y in ``fit``; the message calls it ``name``.
    """
    columns = read_columns(_with_all_tasks(given, targets, name), estimator=name)
    if len(columns.names) != len(targets.tasks):
        raise ValueError(
            f"{name} has {len(columns.names)} columns, but there are {len(targets.tasks)} tasks: give one column per "
            "task, with NaN for unknown labels."
        )
    return columns


def _with_all_tasks(given: Any, targets: TargetEncoder, name: str) -> Any:
    table = as_table(given)
    if not isinstance(table, pd.DataFrame) or targets.labels is None:
        return table
    names, tasks = [str(label) for label in table.columns], [task.name for task in targets.tasks]
    for own in names:
        if own not in tasks:
            raise ValueError(f"{name} has the column {own!r}, which y did not have in fit.{proposal(own, tasks)}")
    if names == tasks or len(set(names)) < len(names):
        return table
    missing = pd.Series(np.nan, index=table.index, dtype=object)
    parts = [table.iloc[:, names.index(task)] if task in names else missing for task in tasks]
    return pd.concat(parts, axis=1).set_axis(targets.labels.index(), axis=1)


def with_known(
    model: JointModel, base: Sequence[np.ndarray], probability: np.ndarray, known: KnownLabels
) -> list[np.ndarray]:
    """Return predictions of all tasks given the known labels, which stay as they are.

    ``base`` are the predictions without known labels, ``probability`` are the rows' shift probabilities.
    """
    errors = model.in_distribution.columns.errors(known.values, known.observed, base)
    out = model.in_distribution.quantities(base, errors, known.observed)
    if model.shifted is not None and probability.any():
        moved = np.flatnonzero((probability > 0) & known.observed.any(axis=1))
        own = [part[moved] for part in base]
        updated = model.shifted.quantities(own, errors[moved], known.observed[moved])
        for part, new in zip(out, updated, strict=True):
            share = probability[moved].reshape(-1, *[1] * (part.ndim - 1))
            part[moved] = (1.0 - share) * part[moved] + share * new
    for task, part in enumerate(out):
        seen = known.observed[:, task]
        part[seen] = _certain(known.values[seen, task], base[task])
    return out


def _certain(values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return known labels as predictions: the number itself, or probability 1 for the class."""
    return values if predicted.ndim == 1 else np.eye(predicted.shape[1])[values.astype(int)]


def offsets_given(
    model: JointModel,
    probability: np.ndarray,
    known: KnownLabels,
    spread: Callable[[np.ndarray], np.ndarray],
    weigh: Callable[..., np.ndarray],
    size: int,
) -> np.ndarray:
    """Return ``spread`` of the errors that remain given known labels, (n_rows, n_tasks, size); 0 for known labels.

    ``weigh`` combines the values for in-distribution and for shifted rows, by each row's shift probability.
    """
    out = np.zeros((*known.observed.shape, size))
    caches: list[dict[bytes, list[np.ndarray]]] = [{}, {}]
    for mask, rows in patterns_of(known.observed):
        for task in np.flatnonzero(~mask):
            in_distribution = spread(model.in_distribution.remaining_errors(mask, int(task), caches[0]))
            shifted = (
                None if model.shifted is None else spread(model.shifted.remaining_errors(mask, int(task), caches[1]))
            )
            if shifted is not None:
                shifted = np.where(np.isfinite(shifted), shifted, in_distribution)
            out[rows, task] = weigh(in_distribution, shifted, probability[rows])
    return out


def interval_of(coverage: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from errors to the ends of their interval."""
    return lambda errors: np.array(interval_offsets(errors, coverage))


def mean_square(errors: np.ndarray) -> np.ndarray:
    """Return the mean squared error, as an array of one element."""
    return np.array([np.mean(errors**2) if len(errors) else np.nan])


def models_of(model: JointModel) -> list[ErrorModel]:
    """Return the error models: for in-distribution rows and, if there is one, for shifted rows."""
    return [model.in_distribution] if model.shifted is None else [model.in_distribution, model.shifted]
