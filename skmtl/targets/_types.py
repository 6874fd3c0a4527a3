"""Dtypes of y's columns, so that predictions have the same types."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

_DECIMAL = re.compile(r"decimal(\d+)\((\d+), (-?\d+)\)\[pyarrow\]")
_DICTIONARY = re.compile(r"dictionary<values=(\w+), indices=(\w+), ordered=([01])>\[pyarrow\]")
# Arrow's and pandas' nullable types, and the dtype of predicted quantities for each.
_FLOATS = {"float32": "float32", "Float32": "Float32", "float": "float[pyarrow]", "halffloat": "float[pyarrow]"}


@dataclass(frozen=True)
class ColumnType:
    """A column's dtype in plain fields, which any file format can store.

    Attributes
    ----------
    name : str
        Name of the dtype in pandas or numpy.
    storage : str or None
        Storage of a pandas string dtype: "python" or "pyarrow".
    categories : ndarray or None
        Categories of a categorical dtype.
    categories_type : ColumnType or None
        Dtype of the categories.
    ordered : bool
        Whether the categories are ordered.
    """

    name: str
    storage: str | None = None
    categories: np.ndarray | None = None
    categories_type: ColumnType | None = None
    ordered: bool = False

    @classmethod
    def of(cls, dtype: Any) -> ColumnType:
        """Create the type from a numpy or pandas dtype."""
        if not isinstance(dtype, pd.CategoricalDtype):
            return cls(str(dtype), getattr(dtype, "storage", None) if isinstance(dtype, pd.StringDtype) else None)
        categories = dtype.categories
        return cls("category", None, categories.to_numpy(), cls.of(categories.dtype), bool(dtype.ordered))

    def dtype(self) -> Any:
        """Return the original dtype."""
        if self.categories is not None and self.categories_type is not None:
            return pd.CategoricalDtype(pd.Index(self.categories, dtype=self.categories_type.dtype()), self.ordered)
        if self.storage is not None:
            return pd.StringDtype(self.storage, na_value=np.nan if self.name == "str" else pd.NA)
        return _arrow_dtype(self.name) or pd.api.types.pandas_dtype(self.name)

    @property
    def single_precision(self) -> bool:
        """Whether predicted quantities are 32-bit floats."""
        return self._float_name() in ("float32", "Float32", "float[pyarrow]")

    def series(self, values: np.ndarray, index: pd.Index, *, quantities: bool) -> pd.Series:
        """Return predictions as a column: labels with this dtype, quantities with the matching float dtype."""
        if quantities:
            return pd.Series(values, index=index, dtype=self._float_name())
        # An object column may have held labels of one type and None; without None, the labels' dtype is enough.
        return pd.Series(values, index=index, dtype=values.dtype if self.name == "object" else self.dtype())

    def _float_name(self) -> str:
        """Float dtype of the same family, for predictions of integers and decimals."""
        base = self.name.removesuffix("[pyarrow]")
        if base in _FLOATS:
            return _FLOATS[base]
        if self.name.endswith("[pyarrow]"):
            return "double[pyarrow]"
        return "Float64" if self.name[:1] in "IUF" and self.name[-1:].isdigit() else "float64"


def _arrow_dtype(name: str) -> Any:
    """Arrow dtypes that pandas cannot parse from their names; None for all others."""
    if match := _DECIMAL.fullmatch(name):
        import pyarrow as pa

        return pd.ArrowDtype(getattr(pa, f"decimal{match[1]}")(int(match[2]), int(match[3])))
    if match := _DICTIONARY.fullmatch(name):
        import pyarrow as pa

        values, indices = pa.type_for_alias(match[1]), pa.type_for_alias(match[2])
        return pd.ArrowDtype(pa.dictionary(indices, values, match[3] == "1"))
    return None


@dataclass(frozen=True)
class ColumnLabels:
    """Column labels of a table of targets, in plain fields: one level, or several for a MultiIndex."""

    levels: tuple[np.ndarray, ...]
    types: tuple[ColumnType, ...]
    names: tuple[Any, ...]
    multi: bool

    @classmethod
    def of(cls, columns: pd.Index) -> ColumnLabels:
        """Create the labels from a DataFrame's columns."""
        multi = isinstance(columns, pd.MultiIndex)
        levels = [columns.get_level_values(i) for i in range(columns.nlevels)]
        return cls(
            tuple(level.to_numpy() for level in levels),
            tuple(ColumnType.of(level.dtype) for level in levels),
            tuple(columns.names),
            multi,
        )

    def take(self, positions: Sequence[int]) -> ColumnLabels:
        """Return the labels at these positions."""
        return replace(self, levels=tuple(level[list(positions)] for level in self.levels))

    def index(self) -> pd.Index:
        """Return the original columns."""
        levels = [pd.Index(level, dtype=kind.dtype()) for level, kind in zip(self.levels, self.types, strict=True)]
        return pd.MultiIndex.from_arrays(levels, names=self.names) if self.multi else levels[0].rename(self.names[0])


def as_objects(values: np.ndarray) -> np.ndarray:
    """Convert labels to objects; dates and durations become pandas scalars, not counts of nanoseconds."""
    return pd.Series(values).astype(object).to_numpy() if values.dtype.kind in "mM" else values.astype(object)


def stacked(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Stack columns side by side in one array, of objects if their kinds differ."""
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [as_objects(column) for column in columns]
    return np.column_stack(list(columns))


def as_numbers(labels: np.ndarray) -> np.ndarray | None:
    """Convert labels to an array of numbers; None if they are not numbers.

    Decimals, fractions and integers beyond 64 bits, which numpy stores as objects, count as numbers.
    """
    if labels.dtype.kind in "fiu":
        return labels
    if labels.dtype.kind != "O" or not len(labels) or not all(_is_number(label) for label in labels):
        return None
    try:
        return labels.astype(np.float64)
    except OverflowError:
        return np.array([np.inf if label > 0 else -np.inf for label in labels])


def _is_number(label: Any) -> bool:
    return isinstance(label, numbers.Real | Decimal) and not isinstance(label, bool | np.bool_)


_BY_KIND = {**dict.fromkeys("fiub", "number"), "U": "str", "S": "bytes", "M": "datetime", "m": "timedelta"}
_BY_CLASS: tuple[tuple[Any, str], ...] = (
    ((numbers.Number, Decimal, np.bool_), "number"),
    (str, "str"),
    (bytes, "bytes"),
    ((datetime.datetime, np.datetime64), "datetime"),
    ((datetime.timedelta, np.timedelta64), "timedelta"),
)


def families(labels: np.ndarray) -> set[str]:
    """Return the families of types among the labels; labels of different families are never equal."""
    if labels.dtype.kind != "O":
        return {_BY_KIND.get(labels.dtype.kind, labels.dtype.name)} if len(labels) else set()
    return {_family(kind) for kind in set(map(type, labels))}


def _family(kind: type) -> str:
    return next((name for classes, name in _BY_CLASS if issubclass(kind, classes)), kind.__name__)
