"""Merge the parts of a column from several tables into one column."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_NUMBERS = {"number", "boolean"}
# Kinds that pandas infers for columns of Python objects, and the kind used here.
_INFERRED = {"integer": "number", "floating": "number", "mixed-integer-float": "number"}
# Beyond this, float64 cannot represent every integer.
_LARGEST_EXACT = 2**53


@dataclass(frozen=True)
class Piece:
    """A column's cells from one task's table, and their rows in the result."""

    task: str
    values: pd.Series
    rows: np.ndarray

    def present(self) -> Piece:
        """Return the piece without missing cells."""
        observed = self.values.notna().to_numpy()
        return self if observed.all() else Piece(self.task, self.values[observed], self.rows[observed])


def gather(column: str, pieces: Sequence[Piece], index: pd.Index, *, target: bool) -> pd.Series:
    """Merge the pieces into one column: each cell from the piece that holds it, NaN if none does.

    Numbers become floats if cells are missing, and always in a target. Booleans become floats in a feature with
    missing cells; in a target they are classes and stay booleans.

    Raises
    ------
    ValueError
        If two pieces have different values for the same cell, or hold different kinds of values.
    """
    pieces = [piece for piece in (piece.present() for piece in pieces) if len(piece.rows)]
    if not pieces:
        return pd.Series(np.full(len(index), np.nan))
    values = stack(column, pieces)
    rows = np.concatenate([piece.rows for piece in pieces])
    # Write in reverse order, so that the first piece that holds a cell wins.
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
    """Return the broad kind of values in a column without missing cells."""
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
        # Times may differ in their unit, but not in their type.
        return dtype.type.__name__
    inferred = pd.api.types.infer_dtype(values)
    return _INFERRED.get(inferred, inferred)


def stack(column: str, pieces: Sequence[Piece]) -> pd.Series:
    """Concatenate pieces without missing cells, in a dtype that keeps all values unchanged."""
    kinds = [column_kind(piece.values) for piece in pieces]
    if len(set(kinds)) > 1 and not set(kinds) <= _NUMBERS:
        listed = ", ".join(
            f"{kind} in task {piece.task!r} (dtype {piece.values.dtype})"
            for kind, piece in zip(kinds, pieces, strict=True)
        )
        raise ValueError(f"Column {column!r} holds different kinds of values: {listed}. Convert it to one kind first.")
    parts = [piece.values for piece in pieces]
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return _stack_categories(column, parts)
    if set(kinds) <= _NUMBERS:
        return _stack_numbers(column, parts)
    return pd.concat([_plain(part) for part in parts], ignore_index=True)


def _stack_categories(column: str, parts: Sequence[pd.Series]) -> pd.Series:
    """Concatenate categoricals, with the union of the categories in order of first appearance."""
    first = parts[0].dtype
    ordered = any(part.cat.ordered for part in parts)
    if ordered and any(part.dtype != first for part in parts):
        raise ValueError(
            f"Column {column!r} is an ordered categorical, but its categories or their order differ between the "
            "tasks. Use the same categories in all tasks, or make the column unordered with .cat.as_unordered()."
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
    """Convert to float64; raise if that would change integers, which are identifiers if they are that large."""
    if numbers.dtype.kind in "iu" and max(int(numbers.max()), -int(numbers.min())) > _LARGEST_EXACT:
        raise ValueError(
            f"Column {column!r} holds integers beyond 2**53, which would lose digits as floats. They would have to "
            "become floats, because the column is a target, has missing cells or also holds floats. Convert "
            "identifiers to strings."
        )
    return numbers.astype(np.float64)


def _plain(part: pd.Series) -> pd.Series:
    """Convert values with a categorical dtype, or a dtype with pandas.NA, to a plain dtype."""
    if isinstance(part.dtype, pd.CategoricalDtype):
        part = part.astype(part.cat.categories.dtype)
    return part.astype(object).infer_objects() if getattr(part.dtype, "na_value", None) is pd.NA else part


def _check_agreement(
    column: str, pieces: Sequence[Piece], values: pd.Series, first: np.ndarray, labels: pd.Index
) -> None:
    """Raise if two tables have different values for the same cell."""
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
        f"Column {column!r} differs between the tasks in row {row!r}{more}: {described}. "
        "Correct the data, or rename the column in one of the tasks."
    )
