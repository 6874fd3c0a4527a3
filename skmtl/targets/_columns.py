"""y in any container, taken apart into named one-dimensional columns."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass(frozen=True)
class TargetColumns:
    """y column by column: names, values (1-D arrays), masks of what is there, and the form it came in.

    ``categorical`` marks the columns whose container says that they hold categories, also where these are numbers.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    observed: tuple[np.ndarray, ...]
    categorical: tuple[bool, ...]
    one_dimensional: bool
    is_frame: bool

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return len(self.values[0])


def read_columns(y: Any, *, estimator: str) -> TargetColumns:
    """Take y apart.

    Raises
    ------
    ValueError
        Where y is None, empty, of more than two dimensions, or names a column twice.
    """
    if y is None:
        raise ValueError(f"{estimator} requires y to be passed, but the target y is None")
    names, columns, one_dimensional, is_frame = _split(y)
    if not columns:
        raise ValueError("y has no columns: at least one task is needed.")
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"y names the tasks {twice} more than once; give every column its own name.")
    observed = [~_missing(column) for column in columns]
    categorical = tuple(isinstance(column.dtype, pd.CategoricalDtype) for column in columns)
    columns = [_to_numpy(column, mask) for column, mask in zip(columns, observed, strict=True)]
    return TargetColumns(tuple(names), tuple(columns), tuple(observed), categorical, one_dimensional, is_frame)


def as_table(y: Any) -> Any:
    """Targets as a DataFrame, Series or array, from any container; names and missing labels stay."""
    y = _as_pandas(y)
    return y if isinstance(y, pd.DataFrame | pd.Series) else _as_array(y)


def _split(y: Any) -> tuple[list[str], list[Any], bool, bool]:
    y = _as_pandas(y)
    if isinstance(y, pd.DataFrame):
        columns = [y.iloc[:, i].array for i in range(y.shape[1])]
        return [str(name) for name in y.columns], columns, False, True
    if isinstance(y, pd.Series):
        return ["y0" if y.name is None or y.name == "" else str(y.name)], [y.array], True, False
    array = _as_array(y)
    if array.ndim == 1:
        return ["y0"], [array], True, False
    if array.ndim == 2:
        return [f"y{i}" for i in range(array.shape[1])], list(array.T), False, False
    raise ValueError(f"y should be 1-D (n_samples,) or 2-D (n_samples, n_tasks), got an array of shape {array.shape}.")


def _as_pandas(y: Any) -> Any:
    """Tables of other libraries as pandas has them; all else as it is."""
    if isinstance(y, pd.DataFrame | pd.Series) or not hasattr(y, "to_pandas"):
        return y
    if type(y).__module__.split(".")[0] == "polars":
        # Arrow's types keep integers and booleans what they are where labels are missing.
        return y.to_pandas(use_pyarrow_extension_array=True)
    return y.to_pandas()


def _as_array(y: Any) -> np.ndarray:
    if sparse.issparse(y):
        return y.toarray()
    if isinstance(y, np.ndarray) or not isinstance(y, Sequence):
        return np.asarray(y)
    # A list may hold None beside numbers or strings: only pandas' reading keeps each kind apart.
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError("y is a list of rows of different lengths; every row needs one entry a task.") from error
    return np.asarray(y, dtype=object) if array.dtype.kind in "US" else array


def _missing(column: Any) -> np.ndarray:
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return np.isnan(column)
    if isinstance(column, np.ndarray) and column.dtype.kind in "iub":
        return np.zeros(len(column), dtype=bool)
    missing = np.asarray(pd.isna(column), dtype=bool)
    if not isinstance(column, np.ndarray) and pd.api.types.is_float_dtype(column.dtype):
        # Arrow's and pandas' nullable floats tell NaN from NA; as a label, neither is one.
        missing |= np.isnan(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return missing


def _to_numpy(column: Any, observed: np.ndarray) -> np.ndarray:
    """Plain array of the column; an object column that holds one kind of thing gets that thing's dtype."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        return column
    series = pd.Series(column)
    values = series[observed].astype(object).infer_objects().to_numpy()
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported: y has complex numbers.")
    if observed.all():
        return values
    plain = values.dtype.kind in "fiub"
    full = np.full(len(series), 0 if plain else None, dtype=values.dtype if plain else object)
    full[observed] = values
    return full


def holds_times(present: np.ndarray) -> bool:
    """Whether the labels are dates, times or spans of time: no numbers, though they convert to some."""
    if present.dtype.kind == "O" and len(present):
        return isinstance(present[0], datetime.date | datetime.time | datetime.timedelta)
    return present.dtype.kind in "mM"
