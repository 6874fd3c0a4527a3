"""Detect targets among the features, by name and by value."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ._columns import column_kind
from ._tables import TaskTable

# A column that equals a target in all rows they share counts as a copy if unrelated values with the target's
# frequencies would do so with a probability below the first threshold; below the second, there is a warning.
_COPY_PROBABILITY = 0.001
_WARNING_PROBABILITY = 0.05
# Rows to compare first: enough to distinguish nearly every other column from a target.
_PREFIX = 64


@dataclass(frozen=True)
class Finding:
    """A feature column that is, or may be, a target."""

    column: str
    target: str
    reason: str


def check_keep_targets(keep_targets: Any, tables: Sequence[TaskTable]) -> frozenset[str]:
    """Return the names of the columns to keep without checks."""
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
    """Drop columns with the name of a target; generated names (x0, x1, ...) are ignored."""
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
    """Return columns of X that are copies of a target, and columns with too few shared rows to be sure."""
    copies, suspects = [], []
    targets = [_Target.of(name, y[name]) for name in y.columns]
    for name in (name for name in X.columns if name not in keep):
        cells = _Cells.of(X[name])
        compared = [(*target.compare(cells), target.name) for target in targets]
        probability, shared, closest = min(compared, key=operator.itemgetter(0))
        finding = Finding(name, closest, f"in all {shared} rows that have both, equals")
        if probability < _COPY_PROBABILITY:
            copies.append(finding)
        elif probability < _WARNING_PROBABILITY:
            suspects.append(finding)
    return copies, suspects


@dataclass(frozen=True)
class _Cells:
    """A column's cells in a form that can be compared: floats, or objects if it does not hold numbers."""

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
    """A target's cells, and the information content (-log frequency) of each."""

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
        """Return the probability that unrelated cells agree in all shared rows (1 if some differ), and their number."""
        for rows in (self.rows[:_PREFIX], self.rows):
            shared = rows[feature.present[rows]]
            if (feature.values[shared] != self.cells.values[shared]).any():
                return 1.0, len(shared)
        return float(np.exp(-self.surprise[shared].sum())), len(shared)
