"""What has to be known before rows can be encoded: the tasks' kinds and classes, and the levels of categories."""

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

# A label is shown to the encoder as often as it occurs, but no more often than tells a class from a name.
_OFTEN = 3
# Numbers of more values than this are no classes in a column that nobody calls one.
_FEW = 2


@dataclass
class Words:
    """Labels of tasks with how often they occur, where there are gaps, and levels of categorical columns."""

    labels: dict[str, Counter[Any]] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)
    levels: dict[str, dict[Any, None]] = field(default_factory=dict)

    def add(self, other: Words) -> None:
        """Take in those of other rows."""
        for name, counts in other.labels.items():
            self.labels.setdefault(name, Counter()).update(counts)
        self.gaps |= other.gaps
        for name, levels in other.levels.items():
            self.levels.setdefault(name, {}).update(levels)


@dataclass(frozen=True)
class Search:
    """Which columns to look for words in; numbers of ``maybe`` tasks are classes only where they are few."""

    labels: tuple[str, ...]
    maybe: frozenset[str]
    categories: tuple[str, ...]
    weight: str | None

    @property
    def columns(self) -> list[str]:
        """All of them."""
        found = [*self.labels, *self.categories]
        return found if not found or self.weight is None else [*found, self.weight]

    def of(self, source: Source, start: int, stop: int | None) -> Words:
        """Words of some rows."""
        found = Words({name: Counter() for name in self.labels}, set(), {name: {} for name in self.categories})
        for _, table in source.chunks(self.columns, start, stop):
            rows = table if self.weight is None else table.filter(pc.field(self.weight) > 0)
            for name in self.labels:
                self._count(found, name, rows.column(name))
            for name in self.categories:
                _, levels = pd.factorize(_series(table.column(name)))
                found.levels[name].update(dict.fromkeys(np.asarray(levels, dtype=object).tolist()))
        return found

    def _count(self, found: Words, name: str, column: pa.ChunkedArray) -> None:
        if column.null_count:
            found.gaps.add(name)
        counts = found.labels[name]
        quantity = name in self.maybe and _is_quantity(column.type)
        if quantity and len(counts) > _FEW:
            return
        for entry in pc.value_counts(_plain(column)).to_pylist():
            label = entry["values"]
            if label is None or label != label:
                continue
            counts[label] += entry["counts"]
            if quantity and len(counts) > _FEW:
                return


def search_for(estimator: Any, head: pa.Table, columns: Columns) -> Search:
    """What an estimator has to know of these columns, as far as their types tell."""
    frame = first_rows(head, columns)
    refuse_times(frame)
    positions = category_columns(frame, estimator.categorical_features)
    named = {str(name) for name in getattr(estimator, "task_types", None) or ()}
    # Of a regressor's targets nothing needs to be known.
    labels = () if is_regressor(estimator) else columns.targets
    maybe = frozenset() if is_classifier(estimator) else frozenset(labels) - named
    return Search(labels, maybe, tuple(columns.features[i] for i in positions), columns.weight)


def levels_of(words: Words, search: Search, columns: Columns) -> CategoryLevels:
    """Levels of all categorical columns, as if they had been read at once."""
    positions = tuple(columns.features.index(name) for name in search.categories)
    found = [
        CategoryLevels.fit(pd.DataFrame({name: pd.Series(list(words.levels[name]), dtype=object)}), [0]).levels[0]
        for name in search.categories
    ]
    return CategoryLevels(positions, tuple(found))


def encoder_of(estimator: Any, words: Words, columns: Columns, head: pa.Table) -> TargetEncoder:
    """The tasks, as if all labels had been read at once."""
    shown = head.select(columns.targets) if not words.labels else _shown(words, columns, head.schema)
    frame = shown.to_pandas()
    y = read_columns(frame.iloc[:, 0] if columns.one_dimensional else frame, estimator=type(estimator).__name__)
    kinds = estimator._kinds(y)
    return TargetEncoder.fit(y, kinds, more_to_come=not words.labels)


def _shown(words: Words, columns: Columns, schema: pa.Schema) -> pa.Table:
    """A small table with the labels of a large one, and gaps where that has any."""
    lists = {}
    for name in columns.targets:
        labels = sorted(words.labels[name].items(), key=lambda entry: (str(type(entry[0])), entry[0]))
        lists[name] = [label for label, count in labels for _ in range(min(count, _OFTEN))]
    length = max(len(labels) for labels in lists.values()) + 1
    arrays = []
    for name, labels in lists.items():
        kind = schema.field(name).type
        # A column without gaps repeats a label; one with gaps is filled up with these.
        gaps = name in words.gaps or not labels
        filled = labels + ([None] if gaps else labels[-1:]) * (length - len(labels))
        arrays.append(_array(filled, kind))
    return pa.table(arrays, names=list(columns.targets))


def _array(labels: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pat.is_dictionary(kind):
        return pa.array(labels, kind.value_type).dictionary_encode()
    return pa.array(labels, kind)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pat.is_dictionary(column.type) else column


def _series(column: pa.ChunkedArray) -> pd.Series:
    return column.to_pandas()


def _is_quantity(kind: pa.DataType) -> bool:
    return pat.is_integer(kind) or pat.is_floating(kind) or pat.is_decimal(kind)
