"""Cells of X: missing values as NaN, and error messages that name the columns with invalid cells."""

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

# Fragments of scikit-learn's and numpy's messages about cells that are not numbers.
_NOT_A_NUMBER = (
    "could not convert string to float",
    "setting an array element",
    "float() argument",
    "must be real number",
)


def as_cells(X: Any) -> Any:
    """Replace masked cells, pandas.NA and NaT in X by NaN, and convert lists with strings to object arrays.

    Raises
    ------
    ValueError
        If X is an array with named fields, or a table with duplicate column names.
    TypeError
        If X is a dict or a lazy query.
    """
    # A sparse matrix of keys is a dict too.
    if isinstance(X, Mapping) and not sparse.issparse(X):
        raise TypeError("X is a dict: pass pd.DataFrame(X), which has one column per entry.")
    refuse_lazy(X)
    X = unmasked(X)
    X = _of_list(X) if isinstance(X, list | tuple) else X
    if isinstance(X, pd.DataFrame):
        if not X.columns.is_unique:
            duplicates = sorted(set(map(str, X.columns[X.columns.duplicated()])))
            raise ValueError(f"X has several columns named {', '.join(duplicates)}: give each column a different name.")
        return _frame(X)
    if isinstance(X, np.ndarray) and X.dtype.names:
        raise ValueError(
            f"X is a structured array with the fields {list(X.dtype.names)}: pass pd.DataFrame(X), which has one "
            "column per field."
        )
    return _with_nan(X) if isinstance(X, np.ndarray) and X.dtype == object else X


def explained(error: Exception, X: Any) -> Exception:
    """Add the columns' names and advice to an error about cells that are not numbers; return others unchanged."""
    if not isinstance(error, OverflowError) and not any(text in str(error) for text in _NOT_A_NUMBER):
        return error
    names = column_names(X) if is_table(X) or np.ndim(X) == 2 else []
    if isinstance(error, OverflowError):
        large = [name for i, name in enumerate(names) if any(map(_is_too_large, np.asarray(column(X, i))))]
        return ValueError(
            f"X (column {', '.join(large)}) holds whole numbers that are too large for a float: scale them down or "
            "take logarithms."
        )
    invalid = {name: cell for i, name in enumerate(names) if (cell := _non_number(column(X, i))) is not None}
    if not invalid:
        return error
    where = ", ".join(invalid)
    if all(isinstance(cell, str | bytes) for cell in invalid.values()):
        return ValueError(
            f"X (column {where}): {error}. Use NaN for missing numbers, and list categorical columns in "
            "categorical_features if their dtype does not show that they are categories."
        )
    cell = next(cell for cell in invalid.values() if not isinstance(cell, str | bytes))
    return type(error)(
        f"X (column {where}) holds cells that are neither numbers nor strings, such as {cell!r}: {error}. Convert them "
        "to numbers, in one or several columns, or to strings for categories."
    )


def _of_list(X: Any) -> Any:
    """Convert rows with strings to an object array, so that numbers stay numbers."""
    try:
        plain = np.asarray(X)
    except ValueError:
        # Rows of different lengths: scikit-learn's check raises.
        return X
    return _with_nan(np.array(X, dtype=object)) if plain.ndim == 2 and plain.dtype.kind in "OUS" else X


def _frame(X: pd.DataFrame) -> pd.DataFrame:
    objects = [i for i, dtype in enumerate(X.dtypes) if isinstance(dtype, np.dtype) and dtype.kind == "O"]
    changed = {i: _with_nan(X.iloc[:, i].to_numpy()) for i in objects if _has_na_or_nat(X.iloc[:, i].to_numpy())}
    if not changed:
        return X
    parts = [
        pd.Series(changed[i], index=X.index, dtype=object) if i in changed else X.iloc[:, i] for i in range(X.shape[1])
    ]
    return pd.concat(parts, axis=1).set_axis(X.columns, axis=1)


def _has_na_or_nat(cells: np.ndarray) -> bool:
    """Whether a missing cell is pandas.NA or NaT rather than NaN or None."""
    return any(cell is pd.NA or cell is pd.NaT for cell in cells[np.asarray(pd.isna(cells))])


def _with_nan(cells: np.ndarray) -> np.ndarray:
    missing = np.asarray(pd.isna(cells))
    if not missing.any():
        return cells
    cells = cells.copy()
    cells[missing] = np.nan
    return cells


def _non_number(values: Any) -> Any:
    """Return the first cell that is not a number; None if all are."""
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
