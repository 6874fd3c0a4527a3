"""Tables of rows to what the estimators read: a matrix with codes of categories, and encoded targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as pat

from .._records import EncodedTargets
from ..features import CategoryLevels, as_cells
from ..fitting._per_task import class_weights
from ..targets import TargetColumns, TargetEncoder, read_columns


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are: features, targets, and a weight of the rows; one target alone is 1-D y."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    one_dimensional: bool
    weight: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.features + self.words_and_weight(self.targets)

    def words_and_weight(self, words: Sequence[str]) -> tuple[str, ...]:
        """Some columns, and that of the weight."""
        return (*words, *(() if self.weight is None else (self.weight,)))


class ReadRows(NamedTuple):
    """Rows with a label that counts: X (n, features), targets, and the rows' numbers."""

    X: np.ndarray
    targets: EncodedTargets
    numbers: np.ndarray


@dataclass(frozen=True)
class Reader:
    """Reads tables with what is known of their columns; weights are the caller's, times those of the classes."""

    columns: Columns
    encoder: TargetEncoder
    levels: CategoryLevels
    class_weight: Any = None
    estimator: str = ""

    def without_class_weights(self) -> Reader:
        """The same for rows to validate on."""
        return replace(self, class_weight=None)

    def read(self, table: pa.Table, first: int) -> ReadRows:
        """Rows of a table, the first of which has the number ``first``."""
        targets = self.encoder.encode(self._labels(table), self._weights(table))
        weights = class_weights(self.class_weight, self.encoder, targets.values, targets.weights)
        numbers = np.arange(first, first + table.num_rows)
        X, keep = self._features(table), weights.any(axis=1)
        if keep.all():
            return ReadRows(X, EncodedTargets(targets.values, weights), numbers)
        return ReadRows(X[keep], EncodedTargets(targets.values[keep], weights[keep]), numbers[keep])

    def _labels(self, table: pa.Table) -> TargetColumns:
        frame = table.select(self.columns.targets).to_pandas()
        return read_columns(frame.iloc[:, 0] if self.columns.one_dimensional else frame, estimator=self.estimator)

    def _weights(self, table: pa.Table) -> np.ndarray | None:
        name = self.columns.weight
        if name is None:
            return None
        weights = np.asarray(table.column(name).to_numpy(), dtype=np.float64)
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError(f"sample_weight: column {name!r} should hold finite numbers >= 0 without gaps.")
        return weights

    def _features(self, table: pa.Table) -> np.ndarray:
        table = table.select(self.columns.features)
        if not self.levels.columns and all(_is_number(field.type) for field in table.schema):
            return _matrix(table)
        return self.levels.encode(as_cells(table.to_pandas()), estimator=self.estimator)


def _is_number(kind: pa.DataType) -> bool:
    return pat.is_integer(kind) or pat.is_floating(kind) or pat.is_boolean(kind)


def _matrix(table: pa.Table) -> np.ndarray:
    """Columns of numbers side by side; float32 where that holds them all, as of a DataFrame."""
    types = [field.type.to_pandas_dtype() for field in table.schema]
    single = np.result_type(*types) == np.float32 or all(kind is np.float16 for kind in types)
    out = np.empty((table.num_rows, table.num_columns), np.float32 if single else np.float64)
    for position, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        part = column.cast(pa.int8()) if pat.is_boolean(column.type) else column
        out[:, position] = part.to_numpy()
        if np.isinf(out[:, position]).any():
            raise ValueError(f"Input X contains infinity in column {name!r}: mark what is not known by NaN.")
    return out


def first_rows(table: pa.Table, columns: Columns) -> pd.DataFrame:
    """Features of some rows as a DataFrame, which says what kinds of columns they are."""
    return as_cells(table.select(columns.features).to_pandas())


def weights_by_class(class_weight: Any, counts: Mapping[str, Mapping[Any, int]], encoder: TargetEncoder) -> Any:
    """``class_weight`` with the weights themselves where it says "balanced": of all labels, not of a chunk's."""
    if isinstance(class_weight, str):
        return {task.name: _balanced(counts[task.name]) for task in encoder.tasks if task.kind == "classification"}
    if isinstance(class_weight, Mapping):
        return {
            name: _balanced(counts[str(name)]) if isinstance(entry, str) else entry
            for name, entry in class_weight.items()
        }
    if isinstance(class_weight, list | tuple):
        names = [task.name for task in encoder.tasks]
        return [
            _balanced(counts[name]) if isinstance(entry, str) else entry
            for name, entry in zip(names, class_weight, strict=True)
        ]
    return class_weight


def _balanced(counts: Mapping[Any, int]) -> dict[Any, float]:
    total = sum(counts.values())
    return {label: total / (len(counts) * count) for label, count in counts.items()}
