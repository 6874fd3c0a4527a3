"""Read and check the data sets, in any container, as tables of one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._arrays import unmasked


@dataclass(frozen=True)
class TaskTable:
    """One data set: features and targets of the same rows.

    ``aliases`` maps every name of a target to the target. ``has_names`` and ``has_index`` say whether column names
    and row labels come from the caller's containers or were generated.
    """

    task: str
    X: pd.DataFrame
    y: pd.DataFrame
    aliases: Mapping[str, str]
    has_names: bool
    has_index: bool


def read_tables(datasets: Any) -> list[TaskTable]:
    """Check the data sets one by one and against each other."""
    if not isinstance(datasets, Mapping):
        raise TypeError(
            f"datasets should be a dict {{task name: (X, y)}}, got {type(datasets).__name__}. "
            'For example: {"price": (X_price, y_price), "area": (X_area, y_area)}.'
        )
    if not datasets:
        raise ValueError("datasets is empty: pass at least one task, {task name: (X, y)}.")
    tables = [_read_table(task, pair) for task, pair in datasets.items()]
    _check_targets_once(tables)
    return _name_features(tables)


def _read_table(task: Any, pair: Any) -> TaskTable:
    if not isinstance(task, str) or not task:
        raise TypeError(f"The keys of datasets are the tasks' names: expected non-empty strings, got {task!r}.")
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        given = (
            f"{type(pair).__name__} of length {len(pair)}" if isinstance(pair, tuple | list) else type(pair).__name__
        )
        raise TypeError(f"datasets[{task!r}] should be a pair (X, y), got {given}.")
    X, y = (_to_pandas(data, f"{part} of task {task!r}") for part, data in zip("Xy", pair, strict=True))
    if X.ndim != 2:
        raise ValueError(
            f"X of task {task!r} should be 2-D (n_samples, n_features), got one dimension. "
            "Pass a table with one column: X.to_frame() or X.reshape(-1, 1)."
        )
    y = y if y.ndim == 2 else y.to_frame()
    indexes = [data.index for data in pair if isinstance(data, pd.DataFrame | pd.Series)]
    _check_rows(task, X, y, indexes)
    _check_columns(f"X of task {task!r}", X)
    _check_columns(f"y of task {task!r}", y, named_by_task=y.shape[1] == 1)
    named_y, aliases = _name_targets(task, y)
    if indexes:
        X = X.set_axis(indexes[0])
    return TaskTable(task, X, named_y, aliases, not _is_positional(X), bool(indexes))


def _to_pandas(data: Any, what: str) -> Any:
    """Convert to a DataFrame, or to a Series for 1-D data; masked entries become missing."""
    data = unmasked(data)
    if isinstance(data, pd.DataFrame | pd.Series):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    if isinstance(data, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(data)
    if isinstance(data, list | tuple):
        return _list_to_pandas(data, what)
    if sparse.issparse(data):
        raise TypeError(f"{what} is a sparse matrix, which cannot hold missing values: convert it with .toarray().")
    if not hasattr(data, "__array__"):
        raise TypeError(f"{what} should be a DataFrame, an array or a list, got {type(data).__name__}.")
    array = np.asarray(data)
    if array.ndim not in (1, 2):
        raise ValueError(f"{what} should have one or two dimensions, got an array of shape {array.shape}.")
    return pd.Series(array) if array.ndim == 1 else pd.DataFrame(array)


def _list_to_pandas(rows: Sequence[Any], what: str) -> Any:
    widths = {len(row) if isinstance(row, list | tuple | np.ndarray) else None for row in rows}
    if len(widths) > 1:
        raise ValueError(f"{what} is a list of rows of different lengths; every row needs one cell per column.")
    return pd.Series(list(rows)) if widths <= {None} else pd.DataFrame([list(row) for row in rows])


def _check_rows(task: str, X: pd.DataFrame, y: pd.DataFrame, indexes: Sequence[pd.Index]) -> None:
    if len(X) != len(y):
        raise ValueError(
            f"X and y of task {task!r} should have the same number of rows: X has {len(X)} and y has {len(y)}."
        )
    if len(X) == 0:
        raise ValueError(f"Task {task!r} has no rows. Leave the task out, or provide data.")
    if len(indexes) == 2 and not indexes[0].equals(indexes[1]):
        raise ValueError(
            f"X and y of task {task!r} have different indexes, so it is not clear which rows belong together. "
            "Match them by label with y.loc[X.index], or by position with y.set_axis(X.index)."
        )


def _is_positional(frame: pd.DataFrame) -> bool:
    """Whether the columns are numbered 0, 1, ..., which is pandas' default."""
    return frame.shape[1] > 0 and frame.columns.equals(pd.RangeIndex(frame.shape[1]))


def _check_columns(what: str, frame: pd.DataFrame, *, named_by_task: bool = False) -> None:
    if not frame.columns.is_unique:
        duplicates = frame.columns[frame.columns.duplicated()].unique().tolist()
        raise ValueError(f"{what} has several columns with the same name: {duplicates}. Rename or drop them.")
    others = [name for name in frame.columns if not isinstance(name, str)]
    if others and not _is_positional(frame) and not named_by_task:
        raise ValueError(
            f"{what} has column names that are not strings: {others[:5]}. Columns are matched by name, so "
            "convert the names with data.columns = data.columns.astype(str)."
        )


def _name_targets(task: str, y: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Name the columns of y after the tasks, and return all names of each target."""
    if y.shape[1] == 0:
        raise ValueError(f"y of task {task!r} has no columns: at least one target is needed.")
    if y.shape[1] == 1:
        own = y.columns[0]
        return y.set_axis([task], axis=1), {name: task for name in (task, own) if isinstance(name, str)}
    names = [f"{task}_{i}" for i in range(y.shape[1])] if _is_positional(y) else list(y.columns)
    return y.set_axis(names, axis=1), {name: name for name in names}


def _check_targets_once(tables: Sequence[TaskTable]) -> None:
    owner: dict[str, str] = {}
    for table in tables:
        for target in table.y.columns:
            if target in owner:
                raise ValueError(
                    f"Two targets have the name {target!r}, in the data of the tasks {owner[target]!r} and "
                    f"{table.task!r}. Rename one of them: a y with one column is named by its key in datasets, and "
                    "a y with several columns keeps its column names."
                )
            owner[target] = table.task


def _name_features(tables: Sequence[TaskTable]) -> list[TaskTable]:
    """Name columns x0, x1, ... if no table has names; raise if only some tables have names."""
    unnamed = [table for table in tables if not table.has_names and table.X.shape[1]]
    if not unnamed:
        return list(tables)
    named = [table.task for table in tables if table.has_names]
    if named:
        raise ValueError(
            f"X of the tasks {[table.task for table in unnamed]} has no column names, but X of {named} has, so "
            "their columns cannot be matched. Pass DataFrames with column names for all tasks, or for none."
        )
    widths = {table.task: table.X.shape[1] for table in tables}
    if len(set(widths.values())) > 1:
        raise ValueError(
            "Features without names are matched by position, which needs the same number of columns in every "
            f"X, got {widths}. Pass DataFrames with column names instead."
        )
    names = [f"x{i}" for i in range(unnamed[0].X.shape[1])]
    return [replace(table, X=table.X.set_axis(names, axis=1)) for table in tables]
