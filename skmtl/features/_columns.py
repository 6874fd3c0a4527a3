"""Kinds of X's columns (numbers, categories, times), and the columns to treat as categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from .._names import proposal

ColumnKind = Literal["number", "category", "time"]

_POLARS_CATEGORIES = ("String", "Utf8", "Categorical", "Enum")
_TIMES = ("datetime", "datetime64", "date", "timedelta", "timedelta64", "time", "period")


def is_table(X: Any) -> bool:
    """Whether X is a pandas or polars DataFrame."""
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def column_names(X: Any) -> list[str]:
    """Return column names for messages: those of a DataFrame, else x0, x1, …."""
    return [str(name) for name in X.columns] if is_table(X) else [f"x{i}" for i in range(X.shape[1])]


def column(X: Any, position: int) -> Any:
    """Return one column: a Series of the DataFrame's library, or an array."""
    if hasattr(X, "iloc"):
        return X.iloc[:, position]
    return X.to_series(position) if is_table(X) else X[:, position]


def refuse_times(X: Any) -> None:
    """Raise if X has dates: they would become counts of nanoseconds, and missing dates huge negative numbers."""
    if is_table(X):
        times = [name for name, dtype in zip(column_names(X), X.dtypes, strict=True) if _is_time(dtype)]
    else:
        times = ["x0"] if _is_time(getattr(X, "dtype", None)) else []
    if times:
        _raise_times(times)


def category_columns(X: Any, categorical_features: Any) -> tuple[int, ...]:
    """Return the positions of the categorical columns.

    Parameters
    ----------
    X : DataFrame, ndarray or sparse matrix
        Columns of strings, of objects that are strings, and of pandas' or polars' categorical dtypes are
        categorical by their dtype.
    categorical_features : "from_dtype", None, or sequence of str, int or bool
        Columns to treat as categorical: according to their dtypes, none, or the given ones.

    Returns
    -------
    tuple of int
        Positions, ascending.
    """
    if categorical_features is None:
        return ()
    if isinstance(categorical_features, str):
        return _by_dtype(X)
    chosen = _chosen(X, categorical_features)
    if chosen and sparse.issparse(X):
        raise ValueError(
            "categorical_features names columns of a sparse X, which can only hold numbers: pass X.toarray(), or a "
            "DataFrame."
        )
    return chosen


def _by_dtype(X: Any) -> tuple[int, ...]:
    if not is_table(X) and (not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "OUS"):
        return ()
    kinds = [_kind(column(X, position)) for position in range(X.shape[1])]
    times = [name for name, kind in zip(column_names(X), kinds, strict=True) if kind == "time"]
    if times:
        _raise_times(times)
    return tuple(position for position, kind in enumerate(kinds) if kind == "category")


def _kind(values: Any) -> ColumnKind:
    dtype = values.dtype
    if _is_time(dtype):
        return "time"
    if isinstance(dtype, pd.CategoricalDtype) or getattr(dtype, "type", None) in (str, bytes, np.str_, np.bytes_):
        return "category"
    if isinstance(dtype, pd.ArrowDtype) and "dictionary" in str(dtype):
        return "category"
    if _polars_name(dtype) in _POLARS_CATEGORIES:
        return "category"
    return _kind_of_objects(np.asarray(values)) if getattr(dtype, "kind", None) == "O" else "number"


def _kind_of_objects(cells: np.ndarray) -> ColumnKind:
    if cells.dtype.kind != "O":
        return "number"
    inferred = pd.api.types.infer_dtype(cells, skipna=True)
    if inferred in _TIMES:
        return "time"
    # Strings among numbers are usually markers of missing values, or errors, and rarely categories.
    return "category" if inferred in ("string", "bytes") else "number"


def _is_time(dtype: Any) -> bool:
    if isinstance(dtype, pd.CategoricalDtype):
        return _is_time(dtype.categories.dtype)
    if getattr(dtype, "kind", None) in ("m", "M") or isinstance(dtype, pd.PeriodDtype):
        return True
    is_temporal = getattr(dtype, "is_temporal", None)
    return callable(is_temporal) and bool(is_temporal())


def _polars_name(dtype: Any) -> str:
    return str(dtype).split("(")[0] if callable(getattr(dtype, "is_temporal", None)) else ""


def _raise_times(names: Sequence[str]) -> None:
    raise ValueError(
        f"X has columns of dates or times ({', '.join(names)}): convert them to numbers first, for example to days "
        "since a start date, or extract the parts that matter, such as the month or the day of the week."
    )


def _chosen(X: Any, categorical_features: Any) -> tuple[int, ...]:
    """Return the positions of columns given by name, by position or as a mask."""
    given = np.asarray(categorical_features)
    if given.size == 0:
        return ()
    n_features = np.shape(X)[1] if np.ndim(X) == 2 or sparse.issparse(X) or is_table(X) else 0
    if given.ndim != 1 or given.dtype.kind not in "biuOU":
        raise ValueError(
            "categorical_features should be 'from_dtype', None, or a list of names, of positions or of one bool per "
            f"column, got {categorical_features!r}."
        )
    if given.dtype.kind == "b":
        if len(given) != n_features:
            raise ValueError(f"categorical_features has {len(given)} bools, but X has {n_features} columns.")
        return tuple(np.flatnonzero(given).tolist())
    if given.dtype.kind in "iu":
        beyond = [int(position) for position in given if not 0 <= position < n_features]
        if beyond:
            raise ValueError(f"categorical_features names the positions {beyond}, but X has {n_features} columns.")
        return tuple(sorted(set(given.tolist())))
    return _named(X, [str(name) for name in given])


def _named(X: Any, names: Sequence[str]) -> tuple[int, ...]:
    if not is_table(X):
        raise ValueError(
            f"categorical_features gives names ({', '.join(names)}), but X has none: pass a DataFrame, or positions."
        )
    known = column_names(X)
    for name in names:
        if name not in known:
            raise ValueError(f"categorical_features: X has no column {name!r}.{proposal(name, known)}")
    return tuple(position for position, name in enumerate(known) if name in names)
