"""What type a column's labels have, so that predictions come back as what went in."""

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
# Arrow's and pandas' nullable types, and what a quantity of that family is predicted as.
_FLOATS = {"float32": "float32", "Float32": "Float32", "float": "float[pyarrow]", "halffloat": "float[pyarrow]"}


@dataclass(frozen=True)
class ColumnType:
    """A column's dtype in plain fields, which any file format can hold.

    Attributes
    ----------
    name : str
        The dtype as pandas or numpy writes it.
    storage : str or None
        What holds the text of pandas' strings: "python" or "pyarrow".
    categories : ndarray or None
        Those of a categorical dtype.
    categories_type : ColumnType or None
        Their type.
    ordered : bool
        Whether they have an order.
    """

    name: str
    storage: str | None = None
    categories: np.ndarray | None = None
    categories_type: ColumnType | None = None
    ordered: bool = False

    @classmethod
    def of(cls, dtype: Any) -> ColumnType:
        """The type of a dtype of numpy or pandas."""
        if not isinstance(dtype, pd.CategoricalDtype):
            return cls(str(dtype), getattr(dtype, "storage", None) if isinstance(dtype, pd.StringDtype) else None)
        known = dtype.categories
        return cls("category", None, known.to_numpy(), cls.of(known.dtype), bool(dtype.ordered))

    def dtype(self) -> Any:
        """The dtype that it was."""
        if self.categories is not None and self.categories_type is not None:
            return pd.CategoricalDtype(pd.Index(self.categories, dtype=self.categories_type.dtype()), self.ordered)
        if self.storage is not None:
            return pd.StringDtype(self.storage, na_value=np.nan if self.name == "str" else pd.NA)
        return _arrow_dtype(self.name) or pd.api.types.pandas_dtype(self.name)

    @property
    def single_precision(self) -> bool:
        """Whether its numbers have 32 bits."""
        return self._float_name() in ("float32", "Float32", "float[pyarrow]")

    def series(self, values: np.ndarray, index: pd.Index, *, quantities: bool) -> pd.Series:
        """Predicted values as a column: labels of this type, quantities of the float type of its family."""
        if quantities:
            return pd.Series(values, index=index, dtype=self._float_name())
        # A column of objects may hold labels of one type beside None: they need no objects without it.
        return pd.Series(values, index=index, dtype=values.dtype if self.name == "object" else self.dtype())

    def _float_name(self) -> str:
        """Integers and decimals are predicted as the floats that their container has."""
        base = self.name.removesuffix("[pyarrow]")
        if base in _FLOATS:
            return _FLOATS[base]
        if self.name.endswith("[pyarrow]"):
            return "double[pyarrow]"
        return "Float64" if self.name[:1] in "IUF" and self.name[-1:].isdigit() else "float64"


def _arrow_dtype(name: str) -> Any:
    """Arrow's types that pandas cannot read back from their names; None for all else."""
    if found := _DECIMAL.fullmatch(name):
        import pyarrow as pa

        return pd.ArrowDtype(getattr(pa, f"decimal{found[1]}")(int(found[2]), int(found[3])))
    if found := _DICTIONARY.fullmatch(name):
        import pyarrow as pa

        values, indices = pa.type_for_alias(found[1]), pa.type_for_alias(found[2])
        return pd.ArrowDtype(pa.dictionary(indices, values, found[3] == "1"))
    return None


@dataclass(frozen=True)
class ColumnLabels:
    """The columns of a table of targets, in plain fields: one level, or several for a MultiIndex."""

    levels: tuple[np.ndarray, ...]
    types: tuple[ColumnType, ...]
    names: tuple[Any, ...]
    multi: bool

    @classmethod
    def of(cls, columns: pd.Index) -> ColumnLabels:
        """Those of a DataFrame."""
        multi = isinstance(columns, pd.MultiIndex)
        levels = [columns.get_level_values(i) for i in range(columns.nlevels)]
        return cls(
            tuple(level.to_numpy() for level in levels),
            tuple(ColumnType.of(level.dtype) for level in levels),
            tuple(columns.names),
            multi,
        )

    def take(self, positions: Sequence[int]) -> ColumnLabels:
        """Those at these positions."""
        return replace(self, levels=tuple(level[list(positions)] for level in self.levels))

    def index(self) -> pd.Index:
        """The columns as they were."""
        levels = [pd.Index(level, dtype=kind.dtype()) for level, kind in zip(self.levels, self.types, strict=True)]
        return pd.MultiIndex.from_arrays(levels, names=self.names) if self.multi else levels[0].rename(self.names[0])


def as_objects(values: np.ndarray) -> np.ndarray:
    """Labels as objects; dates and spans of time as pandas' scalars, where numpy would count nanoseconds."""
    return pd.Series(values).astype(object).to_numpy() if values.dtype.kind in "mM" else values.astype(object)


def stacked(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns side by side in one array, of objects where their kinds differ."""
    if len({column.dtype.kind for column in columns}) > 1:
        columns = [as_objects(column) for column in columns]
    return np.column_stack(list(columns))


def as_numbers(labels: np.ndarray) -> np.ndarray | None:
    """Labels that are numbers as an array of numbers; None where they are not.

    Decimals, fractions and integers beyond 64 bits, which numpy holds as objects, are numbers too.
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
    """Kinds of things that the labels are: labels of different ones are never equal."""
    if labels.dtype.kind != "O":
        return {_BY_KIND.get(labels.dtype.kind, labels.dtype.name)} if len(labels) else set()
    return {_family(kind) for kind in set(map(type, labels))}


def _family(kind: type) -> str:
    return next((name for classes, name in _BY_CLASS if issubclass(kind, classes)), kind.__name__)
