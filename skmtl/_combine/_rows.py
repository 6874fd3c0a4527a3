"""Map the rows of each task to rows of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ._columns import Piece, column_kind, stack
from ._tables import TaskTable


@dataclass(frozen=True)
class RowPlan:
    """Index of the result, and the positions of each task's rows in it."""

    index: pd.Index
    places: tuple[np.ndarray, ...]
    stacked: bool


def check_on(on: Any, *, keep_keys: bool) -> str | list[str] | None:
    """Validate ``on`` and return None, "index", or the list of key columns."""
    if isinstance(on, str) and on != "index":
        on = [on]
    if keep_keys and (on is None or isinstance(on, str)):
        raise ValueError(f"keep_keys=True needs key columns in `on`, for example on=['house_id']; got on={on!r}.")
    if on is None or isinstance(on, str):
        return on
    if not isinstance(on, list | tuple) or not all(isinstance(key, str) for key in on):
        raise TypeError(f"on should be None, 'index' or a list of column names, got {on!r}.")
    if not on or len(set(on)) < len(on):
        raise ValueError(f"on should list one or more different column names, got {list(on)!r}.")
    return list(on)


def plan_rows(
    tables: Sequence[TaskTable], on: str | list[str] | None, *, keep_keys: bool
) -> tuple[list[TaskTable], RowPlan]:
    """Return the tables, without key columns unless these are kept, and the plan of the rows."""
    if on is None:
        return list(tables), _stacked(tables)
    if isinstance(on, str):
        keys = [_index_keys(table) for table in tables]
        return list(tables), _joined(tables, keys, "index")
    keys = [_column_keys(table, on) for table in tables]
    if not keep_keys:
        tables = [replace(table, X=table.X.drop(columns=on)) for table in tables]
    return list(tables), _joined(tables, keys, f"on={on}")


def _stacked(tables: Sequence[TaskTable]) -> RowPlan:
    ends = np.cumsum([len(table.X) for table in tables])
    places = np.split(np.arange(ends[-1]), ends[:-1])
    indexes = [table.X.index for table in tables]
    if len({index.nlevels for index in indexes}) > 1:
        indexes = [index.to_flat_index() for index in indexes]
    rows = {table.task: pd.Series(0, index=index) for table, index in zip(tables, indexes, strict=True)}
    index = pd.concat(rows, names=["task"]).index
    if index.nlevels == 2:
        index = index.set_names(["task", index.names[1] or "row"])
    return RowPlan(index, tuple(places), stacked=True)


def _index_keys(table: TaskTable) -> pd.DataFrame:
    if not table.has_index:
        raise ValueError(
            f"on='index' needs row labels, but neither X nor y of task {table.task!r} has an index. "
            "Pass a pandas DataFrame, or join by key columns, for example on=['house_id']."
        )
    index = table.X.index
    # Remove the names: pandas would take a level name that is a number for a level's position.
    levels = index.set_names([None] * index.nlevels)
    return pd.DataFrame({level: levels.get_level_values(level) for level in range(index.nlevels)})


def _column_keys(table: TaskTable, on: list[str]) -> pd.DataFrame:
    absent = [key for key in on if key not in table.X.columns]
    if absent:
        raise ValueError(
            f"X of task {table.task!r} has no column {absent[0]!r}, which is listed in `on`. "
            f"Its columns are {table.X.columns.tolist()[:20]}."
        )
    return table.X[on].reset_index(drop=True)


def _joined(tables: Sequence[TaskTable], keys: Sequence[pd.DataFrame], how: str) -> RowPlan:
    """Plan one row per key, in order of first appearance."""
    tasks = [table.task for table in tables]
    stacked = _stack_keys(tasks, keys)
    codes = stacked.groupby(list(stacked.columns), sort=False, observed=True).ngroup().to_numpy()
    places = np.split(codes, np.cumsum([len(key) for key in keys])[:-1])
    names = list(tables[0].X.index.names) if how == "index" else list(stacked.columns)
    first = stacked[~pd.Series(codes).duplicated()]
    if first.shape[1] == 1:
        index = pd.Index(first.iloc[:, 0], name=names[0])
    else:
        index = pd.MultiIndex.from_frame(first, names=names)
    for task, place in zip(tasks, places, strict=True):
        duplicated = pd.Series(place).duplicated()
        if duplicated.any():
            raise ValueError(
                f"Task {task!r} has several rows with the same key ({how}): "
                f"{index[place[duplicated]].unique().tolist()[:5]}. "
                "A key may occur only once per task: aggregate these rows, or use more key columns."
            )
    return RowPlan(index, tuple(places), stacked=False)


def _stack_keys(tasks: Sequence[str], keys: Sequence[pd.DataFrame]) -> pd.DataFrame:
    if len({key.shape[1] for key in keys}) > 1:
        levels = {task: key.shape[1] for task, key in zip(tasks, keys, strict=True)}
        raise ValueError(f"on='index' needs indexes with the same number of levels in all tasks, got {levels}.")
    for task, key in zip(tasks, keys, strict=True):
        missing = int(key.isna().any(axis=1).sum())
        if missing:
            raise ValueError(
                f"Task {task!r} has {missing} rows with a missing key, which cannot be joined. "
                "Drop these rows, or fill in their keys."
            )
    stacked = {}
    for column in keys[0].columns:
        what = column if isinstance(column, str) else f"index level {column}"
        pieces = [Piece(task, key[column], np.arange(len(key))) for task, key in zip(tasks, keys, strict=True)]
        values = stack(what, pieces)
        if len({column_kind(piece.values) for piece in pieces}) > 1:
            raise ValueError(f"The key {what!r} is a number in one task and a boolean in another. Convert one of them.")
        stacked[column] = values.astype(values.cat.categories.dtype) if values.dtype == "category" else values
    return pd.DataFrame(stacked)
