"""Split y, in any container, into named one-dimensional columns."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ._containers import as_array, as_pandas
from ._types import ColumnLabels, ColumnType


@dataclass(frozen=True)
class TargetColumns:
    """The columns of y: names, values (1-D arrays), masks of observed entries, and the original container's form.

    ``types`` are the columns' dtypes; ``labels`` are the original column labels of a table, None for an array.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    observed: tuple[np.ndarray, ...]
    types: tuple[ColumnType, ...]
    one_dimensional: bool
    labels: ColumnLabels | None = None

    @property
    def is_frame(self) -> bool:
        """Whether y names its tasks."""
        return self.labels is not None

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.values[0])

    def of_tasks(self, tasks: Sequence[int]) -> TargetColumns:
        """The columns of these tasks, in this order."""
        return replace(
            self,
            names=tuple(self.names[task] for task in tasks),
            values=tuple(self.values[task] for task in tasks),
            observed=tuple(self.observed[task] for task in tasks),
            types=tuple(self.types[task] for task in tasks),
            labels=None if self.labels is None else self.labels.take(tasks),
        )


def read_columns(y: Any, *, estimator: str) -> TargetColumns:
    """Split y into columns.

    Raises
    ------
    ValueError
        If y is None, has no columns, has more than two dimensions, or has duplicate column names.
    """
    if y is None:
        raise ValueError(f"{estimator} requires y to be passed, but the target y is None")
    names, columns, one_dimensional, labels = _split(y)
    if not columns:
        raise ValueError("y has no columns: at least one task is needed.")
    if len(set(names)) != len(names):
        duplicates = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(
            f"y names the tasks {duplicates} more than once (1 and '1' count as the same name): give every column a "
            "different name."
        )
    observed = [~_missing(column) for column in columns]
    types = tuple(ColumnType.of(column.dtype) for column in columns)
    columns = [_to_numpy(column, mask) for column, mask in zip(columns, observed, strict=True)]
    return TargetColumns(tuple(names), tuple(columns), tuple(observed), types, one_dimensional, labels)


def _split(y: Any) -> tuple[list[str], list[Any], bool, ColumnLabels | None]:
    y = as_pandas(y)
    if isinstance(y, pd.DataFrame):
        columns = [_cells(y.iloc[:, i]) for i in range(y.shape[1])]
        return [str(name) for name in y.columns], columns, False, ColumnLabels.of(y.columns)
    if isinstance(y, pd.Series):
        return ["y0" if y.name is None or y.name == "" else str(y.name)], [_cells(y)], True, None
    array = as_array(y)
    if array.ndim == 1:
        return ["y0"], [array], True, None
    if array.ndim == 2:
        return [f"y{i}" for i in range(array.shape[1])], list(array.T), False, None
    raise ValueError(
        f"y should be 1-D (n_samples,) or 2-D (n_samples, n_tasks), got an array of shape {array.shape}. If it holds "
        "one array per task, pass np.column_stack(y)."
    )


def _cells(series: pd.Series) -> Any:
    """The column's data as a numpy array if its dtype is numpy's, else as a pandas extension array."""
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _missing(column: Any) -> np.ndarray:
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return np.isnan(column)
    if isinstance(column, np.ndarray) and column.dtype.kind in "iub":
        return np.zeros(len(column), dtype=bool)
    missing = np.asarray(pd.isna(column), dtype=bool)
    if not isinstance(column, np.ndarray) and pd.api.types.is_float_dtype(column.dtype):
        # Arrow's and pandas' nullable floats distinguish NaN from NA; both are missing labels.
        missing |= np.isnan(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return missing


def _to_numpy(column: Any, observed: np.ndarray) -> np.ndarray:
    """The column as a numpy array; an object column with values of one type gets the dtype of that type."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiubUSM":
        return column
    cells = column if isinstance(column, np.ndarray) else pd.Series(column).astype(object).to_numpy()
    values = _narrowed(cells[observed])
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported: y has complex numbers.")
    if observed.all():
        return values
    plain = values.dtype.kind in "fiub"
    full = np.full(len(cells), 0 if plain else None, dtype=values.dtype if plain else object)
    full[observed] = values
    return full


def _narrowed(cells: np.ndarray) -> np.ndarray:
    """Convert objects of one type to an array of that type; text stays objects, to keep every string type intact."""
    if cells.dtype != object or pd.api.types.infer_dtype(cells, skipna=False) in ("string", "bytes", "mixed"):
        return cells
    return pd.Series(cells, dtype=object).infer_objects().to_numpy()


def holds_times(present: np.ndarray) -> bool:
    """Whether the labels are dates, times or durations, which convert to numbers but are not numbers."""
    if present.dtype.kind == "O" and len(present):
        return isinstance(present[0], datetime.date | datetime.time | datetime.timedelta)
    return present.dtype.kind in "mM"
