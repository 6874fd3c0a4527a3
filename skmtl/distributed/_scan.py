"""A first pass over the rows, for what encoding needs: task kinds, classes and category levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat
from sklearn.base import is_classifier, is_regressor

from ..features import CategoryLevels, category_columns, refuse_times
from ..targets import TargetEncoder, read_columns
from ._reader import Columns, first_rows
from ._sources import Source

# How often a label is repeated in the table from which task kinds are inferred: enough to tell classes from names.
_REPEATS = 3
# A numeric column with more distinct values is not a classification unless task_types says so.
_FEW = 2


@dataclass
class ScanResult:
    """Counts of each task's labels, tasks with missing labels, and levels of categorical columns."""

    labels: dict[str, Counter[Any]] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    levels: dict[str, dict[Any, None]] = field(default_factory=dict)

    def add(self, other: ScanResult) -> None:
        """Add the result for other rows."""
        for name, counts in other.labels.items():
            self.labels.setdefault(name, Counter()).update(counts)
        self.gaps |= other.gaps
        for name, levels in other.levels.items():
            self.levels.setdefault(name, {}).update(levels)


@dataclass(frozen=True)
class Scan:
    """Columns to scan; a numeric task in ``maybe`` is a classification only if it has few distinct values."""

    labels: tuple[str, ...]
    maybe: frozenset[str]
    categories: tuple[str, ...]
    weight: str | None

    @property
    def columns(self) -> list[str]:
        """All columns to read; empty if nothing needs to be scanned."""
        columns = [*self.labels, *self.categories]
        return columns if not columns or self.weight is None else [*columns, self.weight]

    def run(self, source: Source, start: int, stop: int | None) -> ScanResult:
        """Scan the rows from ``start`` to ``stop``."""
        result = ScanResult({name: Counter() for name in self.labels}, set(), {name: {} for name in self.categories})
        for _, table in source.chunks(self.columns, start, stop):
            rows = table if self.weight is None else table.filter(pc.field(self.weight) > 0)
            for name in self.labels:
                self._count(result, name, rows.column(name))
            for name in self.categories:
                _, levels = pd.factorize(table.column(name).to_pandas())
                result.levels[name].update(dict.fromkeys(np.asarray(levels, dtype=object).tolist()))
        return result

    def _count(self, result: ScanResult, name: str, column: pa.ChunkedArray) -> None:
        if column.null_count:
            result.gaps.add(name)
        counts = result.labels[name]
        quantity = name in self.maybe and _is_quantity(column.type)
        if quantity and len(counts) > _FEW:
            return
        for entry in pc.value_counts(_without_dictionary(column)).to_pylist():
            label = entry["values"]
            if label is None or label != label:
                continue
            counts[label] += entry["counts"]
            if quantity and len(counts) > _FEW:
                return


def scan_for(estimator: Any, head: pa.Table, columns: Columns) -> Scan:
    """Return the scan that an estimator needs for these columns, given their types."""
    frame = first_rows(head, columns)
    refuse_times(frame)
    positions = category_columns(frame, estimator.categorical_features)
    named = {str(name) for name in getattr(estimator, "task_types", None) or ()}
    # A regressor's targets need no scan.
    labels = () if is_regressor(estimator) else columns.targets
    maybe = frozenset() if is_classifier(estimator) else frozenset(labels) - named
    return Scan(labels, maybe, tuple(columns.features[i] for i in positions), columns.weight)


def levels_of(result: ScanResult, scan: Scan, columns: Columns) -> CategoryLevels:
    """Levels of all categorical columns, as if all rows had been read at once."""
    positions = tuple(columns.features.index(name) for name in scan.categories)
    levels = [
        CategoryLevels.fit(pd.DataFrame({name: pd.Series(list(result.levels[name]), dtype=object)}), [0]).levels[0]
        for name in scan.categories
    ]
    return CategoryLevels(positions, tuple(levels))


def encoder_of(estimator: Any, result: ScanResult, columns: Columns, head: pa.Table) -> TargetEncoder:
    """The target encoder, as if all rows had been read at once."""
    table = head.select(columns.targets) if not result.labels else _label_table(result, columns, head.schema)
    frame = table.to_pandas()
    y = read_columns(frame.iloc[:, 0] if columns.one_dimensional else frame, estimator=type(estimator).__name__)
    kinds = estimator._kinds(y)
    return TargetEncoder.fit(y, kinds, more_to_come=not result.labels)


def _label_table(result: ScanResult, columns: Columns, schema: pa.Schema) -> pa.Table:
    """A small table with all distinct labels, and a missing label in each column that has any."""
    lists = {}
    for name in columns.targets:
        labels = sorted(result.labels[name].items(), key=lambda entry: (str(type(entry[0])), entry[0]))
        lists[name] = [label for label, count in labels for _ in range(min(count, _REPEATS))]
    length = max(len(labels) for labels in lists.values()) + 1
    arrays = []
    for name, labels in lists.items():
        kind = schema.field(name).type
        # Shorter columns are padded: with missing labels if the column has any, else with its last label.
        gaps = name in result.gaps or not labels
        filled = labels + ([None] if gaps else labels[-1:]) * (length - len(labels))
        arrays.append(_array(filled, kind))
    return pa.table(arrays, names=list(columns.targets))


def _array(labels: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pat.is_dictionary(kind):
        return pa.array(labels, kind.value_type).dictionary_encode()
    return pa.array(labels, kind)


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pat.is_dictionary(column.type) else column


def _is_quantity(kind: pa.DataType) -> bool:
    return pat.is_integer(kind) or pat.is_floating(kind) or pat.is_decimal(kind)
