"""Cells of X: missing ones all written as NaN, and the column named where one cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._arrays import refuse_lazy, unmasked
from ._columns import column, column_names, is_table

# How scikit-learn and numpy begin what they say of a cell that is no number.
_NO_NUMBER = (
    "could not convert string to float",
    "setting an array element",
    "float() argument",
    "must be real number",
)


def as_cells(X: Any) -> Any:
    """X without masks, pandas.NA and NaT, which become NaN; lists with strings as an array of objects.

    Raises
    ------
    ValueError
        For an array with named fields, or a table that names a column twice.
    TypeError
        For a dict, and for a query that has not run.
    """
    # A sparse matrix of keys is a dict too.
    if isinstance(X, Mapping) and not sparse.issparse(X):
        raise TypeError("X is a dict: pass pd.DataFrame(X), which has a column for each of its entries.")
    refuse_lazy(X)
    X = unmasked(X)
    X = _of_list(X) if isinstance(X, list | tuple) else X
    if isinstance(X, pd.DataFrame):
        if not X.columns.is_unique:
            twice = sorted(set(map(str, X.columns[X.columns.duplicated()])))
            raise ValueError(f"X has several columns of the name {', '.join(twice)}: give each column its own name.")
        return _frame(X)
    if isinstance(X, np.ndarray) and X.dtype.names:
        raise ValueError(
            f"X is a structured array with the fields {list(X.dtype.names)}: pass pd.DataFrame(X), which has a column "
            "for each of them."
        )
    return _with_nan(X) if isinstance(X, np.ndarray) and X.dtype == object else X


def explained(error: Exception, X: Any) -> Exception:
    """scikit-learn's complaint about cells that are no numbers, with their column and what to do about it."""
    if not isinstance(error, OverflowError) and not any(text in str(error) for text in _NO_NUMBER):
        return error
    names = column_names(X) if is_table(X) or np.ndim(X) == 2 else []
    if isinstance(error, OverflowError):
        large = [name for i, name in enumerate(names) if any(map(_is_too_large, np.asarray(column(X, i))))]
        return ValueError(
            f"X (column {', '.join(large)}) holds whole numbers that are too large for a float: divide or take "
            "logarithms."
        )
    odd = {name: cell for i, name in enumerate(names) if (cell := _odd_cell(column(X, i))) is not None}
    if not odd:
        return error
    where = ", ".join(odd)
    if all(isinstance(cell, str | bytes) for cell in odd.values()):
        return ValueError(
            f"X (column {where}): {error}. Mark missing numbers by NaN; name columns of categories in "
            "categorical_features where their dtype does not say so."
        )
    cell = next(cell for cell in odd.values() if not isinstance(cell, str | bytes))
    return type(error)(
        f"X (column {where}) holds cells that are neither numbers nor strings, as {cell!r}: {error}. Turn them into "
        "numbers, a column each, or into strings for categories."
    )


def _of_list(X: Any) -> Any:
    """Rows with strings as objects, so that numbers beside strings stay numbers."""
    try:
        plain = np.asarray(X)
    except ValueError:
        # Rows of different lengths: scikit-learn's check says so.
        return X
    return _with_nan(np.array(X, dtype=object)) if plain.ndim == 2 and plain.dtype.kind in "OUS" else X


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    objects = [i for i, dtype in enumerate(X.dtypes) if isinstance(dtype, np.dtype) and dtype.kind == "O"]
    changed = {i: _with_nan(X.iloc[:, i].to_numpy()) for i in objects if _has_others(X.iloc[:, i].to_numpy())}
    if not changed:
        return X
    parts = [
        pd.Series(changed[i], index=X.index, dtype=object) if i in changed else X.iloc[:, i] for i in range(X.shape[1])
    ]
    return pd.concat(parts, axis=1).set_axis(X.columns, axis=1)


def _has_others(cells: np.ndarray) -> bool:
    """Whether a cell is missing, but not NaN or None."""
    return any(cell is pd.NA or cell is pd.NaT for cell in cells[np.asarray(pd.isna(cells))])


def _with_nan(cells: np.ndarray) -> np.ndarray:
    missing = np.asarray(pd.isna(cells))
    if not missing.any():
        return cells
    cells = cells.copy()
    cells[missing] = np.nan
    return cells


def _odd_cell(values: Any) -> Any:
    """The first cell that is no number; None where all are."""
    cells = np.asarray(values, dtype=object)
    return next((cell for cell in cells if not _is_number(cell)), None)


def _is_too_large(cell: Any) -> bool:
    try:
        float(cell)
    except OverflowError:
        return True
    except (TypeError, ValueError):
        return False
    return False


def _is_number(cell: Any) -> bool:
    return isinstance(cell, Number | Decimal | np.bool_) or cell is None or cell is pd.NA or cell is pd.NaT
