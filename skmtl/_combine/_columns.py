"""One column out of the pieces that several tables hold of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_NUMBERS = {"number", "boolean"}
# What pandas finds in a column of Python objects, as the kinds below.
_INFERRED = {"integer": "number", "floating": "number", "mixed-integer-float": "number"}
# Beyond this, float64 skips integers.
_LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class Piece:
    """What one task's table holds of a column, and which rows of the result these cells belong to."""

    task: str
    values: pd.Series
    rows: np.ndarray

    def present(self) -> Piece:
        """Leave out the missing cells."""
        there = self.values.notna().to_numpy()
        return self if there.all() else Piece(self.task, self.values[there], self.rows[there])


def gather(column: str, pieces: Sequence[Piece], index: pd.Index, *, target: bool) -> pd.Series:
    """Fill the rows of ``index``, by position: each cell from the piece that holds it, NaN where none does.

    Numbers become floats where cells are missing, and always in a target; booleans do so in a feature,
    while a target keeps them as the classes they are.

    Raises
    ------
    ValueError
        Where two pieces hold different values of one cell, or are of different kinds.
    """
    pieces = [piece for piece in (piece.present() for piece in pieces) if len(piece.rows)]
    if not pieces:
        return pd.Series(np.full(len(index), np.nan))
    values = stack(column, pieces)
    rows = np.concatenate([piece.rows for piece in pieces])
    # The first piece that holds a cell is written last, and so stays.
    slots = np.full(len(index), -1)
    slots[rows[::-1]] = np.arange(len(rows))[::-1]
    _check_agreement(column, pieces, values, slots[rows], index[rows])
    gaps = bool((slots < 0).any())
    kind = values.dtype.kind
    if (kind in "iuf" and target) or (kind in "iu" and gaps):
        values = pd.Series(_to_float(column, values.to_numpy()))
    elif kind == "b" and gaps and not target:
        values = values.astype(np.float64)
    return values.reindex(slots).reset_index(drop=True)


def column_kind(values: pd.Series) -> str:
    """Broad kind of what a column without missing cells holds."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.categories.to_series()
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c":
        return "number"
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"datetime64 in {dtype.tz}"
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        # Units of time may differ, the kind of time may not.
        return dtype.type.__name__
    inferred = pd.api.types.infer_dtype(values)
    return _INFERRED.get(inferred, inferred)


def stack(column: str, pieces: Sequence[Piece]) -> pd.Series:
    """Stack the pieces, of which no cell is missing, in a dtype that holds all of them unchanged."""
    kinds = [column_kind(piece.values) for piece in pieces]
    if len(set(kinds)) > 1 and not set(kinds) <= _NUMBERS:
        found = ", ".join(
            f"{kind} in task {piece.task!r} (dtype {piece.values.dtype})"
            for kind, piece in zip(kinds, pieces, strict=True)
        )
        raise ValueError(f"Column {column!r} holds different kinds of values: {found}. Convert them to one kind first.")
    parts = [piece.values for piece in pieces]
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return _stack_categories(column, parts)
    if set(kinds) <= _NUMBERS:
        return _stack_numbers(column, parts)
    return pd.concat([_plain(part) for part in parts], ignore_index=True)


def _stack_categories(column: str, parts: Sequence[pd.Series]) -> pd.Series:
    """Union of the categories, in order of first appearance."""
    first = parts[0].dtype
    ordered = any(part.cat.ordered for part in parts)
    if ordered and any(part.dtype != first for part in parts):
        raise ValueError(
            f"Column {column!r} is an ordered categorical, but its categories or their order differ between "
            "the tasks. Give it the same categories everywhere, or make it unordered, .cat.as_unordered()."
        )
    categories = functools.reduce(pd.Index.append, [part.cat.categories for part in parts]).unique()
    dtype = pd.CategoricalDtype(categories, ordered=ordered)
    return pd.concat([part.astype(dtype) for part in parts], ignore_index=True)


def _stack_numbers(column: str, parts: Sequence[pd.Series]) -> pd.Series:
    arrays = [_number_array(part) for part in parts]
    if np.result_type(*arrays).kind == "f":
        arrays = [_to_float(column, array) if array.dtype.kind in "iu" else array for array in arrays]
    return pd.Series(np.concatenate(arrays))


def _number_array(part: pd.Series) -> np.ndarray:
    dtype = getattr(part.dtype, "numpy_dtype", None)
    array = np.asarray(part) if dtype is None else part.to_numpy(dtype=dtype)
    return pd.to_numeric(pd.Series(array)).to_numpy() if array.dtype == object else array


def _to_float(column: str, numbers: np.ndarray) -> np.ndarray:
    """float64, which for integers must not change the value: such long ones are identifiers."""
    if numbers.dtype.kind in "iu" and max(int(numbers.max()), -int(numbers.min())) > _LARGEST_EXACT:
        raise ValueError(
            f"Column {column!r} holds integers beyond 2**53, which would lose digits as floats, and floats "
            "they have to be, as cells are missing or not whole. Convert identifiers to strings."
        )
    return numbers.astype(np.float64)


def _plain(part: pd.Series) -> pd.Series:
    """Rid the values of categories and of dtypes whose missing value is pandas.NA."""
    if isinstance(part.dtype, pd.CategoricalDtype):
        part = part.astype(part.cat.categories.dtype)
    return part.astype(object).infer_objects() if getattr(part.dtype, "na_value", None) is pd.NA else part


def _check_agreement(
    column: str, pieces: Sequence[Piece], values: pd.Series, first: np.ndarray, labels: pd.Index
) -> None:
    """Refuse a cell of which two tables hold different values."""
    again = np.flatnonzero(first != np.arange(len(first)))
    differs = np.asarray(values.array.take(again) != values.array.take(first[again]), dtype=bool)
    if not differs.any():
        return
    cells = first[again[differs][0]], again[differs][0]
    ends = np.cumsum([len(piece.rows) for piece in pieces])
    described = " and ".join(
        f"{value!r} in {pieces[int(np.searchsorted(ends, cell, side='right'))].task!r}"
        for cell, value in zip(cells, values.iloc[list(cells)].tolist(), strict=True)
    )
    row = labels[[cells[0]]].tolist()[0]
    more = f" (and in {differs.sum() - 1} more rows)" if differs.sum() > 1 else ""
    raise ValueError(
        f"Column {column!r} disagrees between the tasks in the row {row!r}{more}: {described}. "
        "Correct the data, or rename the column in one of them."
    )
