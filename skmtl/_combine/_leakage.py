"""Targets among the features: found by name in the tables, and by value in the result."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ._columns import column_kind
from ._tables import TaskTable

# A column that equals a target in all rows they share is taken for a copy where unrelated values with the
# target's frequencies would do so with less than the first chance; under the second, it is worth a word.
_COPY_CHANCE = 0.001
_MENTION_CHANCE = 0.05
# Rows compared first: enough to tell nearly every innocent column from a target without reading on.
_PREFIX = 64


@dataclass(frozen=True)
class Finding:
    """A feature column that is, or may be, a target."""

    column: str
    target: str
    reason: str


def check_keep_targets(keep_targets: Any, tables: Sequence[TaskTable]) -> frozenset[str]:
    """Names of the columns to keep whatever they look like."""
    columns = {column for table in tables for column in table.X.columns}
    if isinstance(keep_targets, bool | np.bool_):
        return frozenset(columns if keep_targets else ())
    names = [keep_targets] if isinstance(keep_targets, str) else keep_targets
    if not isinstance(names, list | tuple | set | frozenset):
        raise TypeError(f"keep_targets should be a bool or a list of column names, got {type(names).__name__}.")
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(f"keep_targets names {unknown}, which no X has. The columns are {sorted(columns)[:20]}.")
    return frozenset(names)


def drop_by_name(tables: Sequence[TaskTable], keep: frozenset[str]) -> tuple[list[TaskTable], list[Finding]]:
    """Tables without the columns that go by a target's name; made-up names (x0, x1, ...) mean nothing."""
    owner = {_normal(alias): target for table in tables for alias, target in table.aliases.items()}
    kept, findings = [], []
    for table in tables:
        named = [name for name in table.X.columns if table.has_names and name not in keep and _normal(name) in owner]
        findings += [
            Finding(name, owner[_normal(name)], f"in the data of task {table.task!r}, has the name of")
            for name in named
        ]
        kept.append(replace(table, X=table.X.drop(columns=named)))
    return kept, findings


def _normal(name: str) -> str:
    return name.strip().casefold()


def find_by_value(X: pd.DataFrame, y: pd.DataFrame, keep: frozenset[str]) -> tuple[list[Finding], list[Finding]]:
    """Columns of X that are copies of a target, and columns of which the shared rows are too few to tell."""
    copies, suspects = [], []
    targets = [_Target.of(name, y[name]) for name in y.columns]
    for name in (name for name in X.columns if name not in keep):
        cells = _Cells.of(X[name])
        compared = [(*target.compare(cells), target.name) for target in targets]
        chance, shared, likest = min(compared, key=operator.itemgetter(0))
        finding = Finding(name, likest, f"in all {shared} rows that hold both, equals")
        if chance < _COPY_CHANCE:
            copies.append(finding)
        elif chance < _MENTION_CHANCE:
            suspects.append(finding)
    return copies, suspects


@dataclass(frozen=True)
class _Cells:
    """A column made comparable: floats, or objects where it holds no numbers."""

    values: np.ndarray
    present: np.ndarray

    @classmethod
    def of(cls, column: pd.Series) -> _Cells:
        present = column.notna().to_numpy()
        numeric = column_kind(column[present]) in ("number", "boolean")
        values = np.full(len(column), np.nan, dtype=np.float64 if numeric else object)
        values[present] = column[present].to_numpy(dtype=values.dtype)
        return cls(values, present)


@dataclass(frozen=True)
class _Target:
    """A target's cells, and how much it says when an unrelated column meets each of them."""

    name: str
    cells: _Cells
    rows: np.ndarray
    surprise: np.ndarray

    @classmethod
    def of(cls, name: str, column: pd.Series) -> _Target:
        cells = _Cells.of(column)
        rows = np.flatnonzero(cells.present)
        codes, _ = pd.factorize(cells.values[rows])
        surprise = np.zeros(len(column))
        surprise[rows] = -np.log(np.bincount(codes) / max(len(rows), 1))[codes]
        return cls(name, cells, rows, surprise)

    def compare(self, feature: _Cells) -> tuple[float, int]:
        """Give the chance that unrelated cells agree in all shared rows, 1 if some differ; count the rows."""
        for rows in (self.rows[:_PREFIX], self.rows):
            shared = rows[feature.present[rows]]
            if (feature.values[shared] != self.cells.values[shared]).any():
                return 1.0, len(shared)
        return float(np.exp(-self.surprise[shared].sum())), len(shared)
