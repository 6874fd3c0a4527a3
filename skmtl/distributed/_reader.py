"""Encode tables of rows: features to a matrix with category codes, targets to values and weights."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Roles of a table's columns: features, targets and row weight; ``one_dimensional`` stands for 1-D y."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    one_dimensional: bool
    weight: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return (*self.features, *self.targets, *(() if self.weight is None else (self.weight,)))


class ReadRows(NamedTuple):
    """Rows that have a label with a positive weight: X (n, features), targets, and row numbers (n,)."""

    X: np.ndarray
    targets: EncodedTargets
    numbers: np.ndarray


@dataclass(frozen=True)
class Reader:
    """Encodes tables; label weights are the caller's row weights times the class weights."""

    columns: Columns
    encoder: TargetEncoder
    levels: CategoryLevels
    class_weight: Any = None
    estimator: str = ""

    def without_class_weights(self) -> Reader:
        """The reader of validation rows, which ignores class weights."""
        return replace(self, class_weight=None)

    def read(self, table: pa.Table, first: int) -> ReadRows:
        """Encode a table; ``first`` is the number of its first row."""
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
            raise ValueError(f"sample_weight: column {name!r} should hold finite numbers >= 0, none missing.")
        return weights

    def _features(self, table: pa.Table) -> np.ndarray:
        table = table.select(self.columns.features)
        if not self.levels.columns and all(_is_number(field.type) for field in table.schema):
            return _matrix(table)
        return self.levels.encode(as_cells(table.to_pandas()), estimator=self.estimator)


def _is_number(kind: pa.DataType) -> bool:
    return pat.is_integer(kind) or pat.is_floating(kind) or pat.is_boolean(kind)


def _matrix(table: pa.Table) -> np.ndarray:
    """Numeric columns as a matrix, in float32 if that holds them all, else in float64; as for a DataFrame."""
    types = [field.type.to_pandas_dtype() for field in table.schema]
    single = np.result_type(*types) == np.float32 or all(kind is np.float16 for kind in types)
    out = np.empty((table.num_rows, table.num_columns), np.float32 if single else np.float64)
    for position, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        part = column.cast(pa.int8()) if pat.is_boolean(column.type) else column
        out[:, position] = part.to_numpy()
        if np.isinf(out[:, position]).any():
            raise ValueError(f"Input X contains infinity in column {name!r}: use NaN for missing values.")
    return out


def first_rows(table: pa.Table, columns: Columns) -> pd.DataFrame:
    """Features of the first rows as a DataFrame, whose dtypes give the kinds of the columns."""
    return as_cells(table.select(columns.features).to_pandas())


def weights_by_class(class_weight: Any, counts: Mapping[str, Mapping[Any, int]], encoder: TargetEncoder) -> Any:
    """``class_weight`` with "balanced" replaced by the weights that all labels give, not those of one chunk."""
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
