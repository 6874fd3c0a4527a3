"""Labels of some tasks that are known when others are asked for."""

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
    """Known labels as numbers, codes of classes, (n_rows, n_tasks), and the mask of those there are."""

    values: np.ndarray
    observed: np.ndarray

    @classmethod
    def read(cls, known: Any, X: Any, targets: TargetEncoder) -> KnownLabels:
        """From a table like y, in which what is not known is missing; a table by names may leave columns out."""
        columns = labels_of(known, targets, name="known")
        check_rows(X, columns)
        encoded = targets.encode(columns, None)
        return cls(encoded.values, encoded.observed)


def labels_of(given: Any, targets: TargetEncoder, *, name: str) -> TargetColumns:
    """Columns of all tasks from a table like y, which may leave columns out where it has the tasks' names.

    Raises
    ------
    ValueError
        Where it has other tasks than y in ``fit``; ``name`` is what the caller calls it.
    """
    columns = read_columns(_whole_table(given, targets, name), estimator=name)
    if len(columns.names) != len(targets.tasks):
        raise ValueError(
            f"{name} has {len(columns.names)} columns, but there are {len(targets.tasks)} tasks: give a column for "
            "each, with NaN for what is not known."
        )
    return columns


def _whole_table(given: Any, targets: TargetEncoder, called: str) -> Any:
    table = as_table(given)
    if not isinstance(table, pd.DataFrame) or targets.labels is None:
        return table
    names, tasks = [str(name) for name in table.columns], [task.name for task in targets.tasks]
    for name in names:
        if name not in tasks:
            raise ValueError(f"{called} has the column {name!r}, which y did not have in fit.{proposal(name, tasks)}")
    if names == tasks or len(set(names)) < len(names):
        return table
    missing = pd.Series(np.nan, index=table.index, dtype=object)
    parts = [table.iloc[:, names.index(task)] if task in names else missing for task in tasks]
    return pd.concat(parts, axis=1).set_axis(targets.labels.index(), axis=1)


def with_known(
    model: JointModel, base: Sequence[np.ndarray], probability: np.ndarray, known: KnownLabels
) -> list[np.ndarray]:
    """Predictions of all tasks given the known labels, which stay what they are.

    ``base`` are the predictions without, ``probability`` how probable it is that rows are far from the training rows.
    """
    errors = model.in_distribution.columns.errors(known.values, known.observed, base)
    out = model.in_distribution.quantities(base, errors, known.observed)
    if model.shifted is not None and probability.any():
        moved = np.flatnonzero((probability > 0) & known.observed.any(axis=1))
        own = [part[moved] for part in base]
        for part, found in zip(out, model.shifted.quantities(own, errors[moved], known.observed[moved]), strict=True):
            share = probability[moved].reshape(-1, *[1] * (part.ndim - 1))
            part[moved] = (1.0 - share) * part[moved] + share * found
    for task, part in enumerate(out):
        seen = known.observed[:, task]
        part[seen] = _certain(known.values[seen, task], base[task])
    return out


def _certain(values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """A known label as a prediction: the number, or all probability on its class."""
    return values if predicted.ndim == 1 else np.eye(predicted.shape[1])[values.astype(int)]


def offsets_given(
    model: JointModel,
    probability: np.ndarray,
    known: KnownLabels,
    spread: Callable[[np.ndarray], np.ndarray],
    weigh: Callable[..., np.ndarray],
    size: int,
) -> np.ndarray:
    """What ``spread`` says of the errors that known labels leave, (n_rows, n_tasks, size); 0 for the known ones.

    ``weigh`` makes one of what it says of near and of far rows, with each row's probability to be a far one.
    """
    out = np.zeros((*known.observed.shape, size))
    kept: list[dict[bytes, list[np.ndarray]]] = [{}, {}]
    for mask, rows in patterns_of(known.observed):
        for task in np.flatnonzero(~mask):
            in_distribution = spread(model.in_distribution.remaining_errors(mask, int(task), kept[0]))
            shifted = (
                None if model.shifted is None else spread(model.shifted.remaining_errors(mask, int(task), kept[1]))
            )
            if shifted is not None:
                shifted = np.where(np.isfinite(shifted), shifted, in_distribution)
            out[rows, task] = weigh(in_distribution, shifted, probability[rows])
    return out


def interval_of(coverage: float) -> Callable[[np.ndarray], np.ndarray]:
    """Function from errors to the ends of their interval."""
    return lambda errors: np.array(interval_offsets(errors, coverage))


def mean_square(errors: np.ndarray) -> np.ndarray:
    """Mean squared error, as an array of one."""
    return np.array([np.mean(errors**2) if len(errors) else np.nan])


def models_of(model: JointModel) -> list[ErrorModel]:
    """That of near rows, and where there is one, that of far rows."""
    return [model.in_distribution] if model.shifted is None else [model.in_distribution, model.shifted]
