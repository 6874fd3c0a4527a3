"""Convert y, in any container, to a pandas table or a numpy array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from .._arrays import refuse_lazy, unmasked


def as_table(y: Any) -> Any:
    """Convert targets in any container to a DataFrame, Series or array, keeping names and missing labels."""
    y = as_pandas(y)
    return y if isinstance(y, pd.DataFrame | pd.Series) else as_array(y)


def as_pandas(y: Any) -> Any:
    """Convert tables of other libraries and dicts of columns to pandas; return anything else unchanged."""
    if isinstance(y, pd.DataFrame | pd.Series):
        return y
    refuse_lazy(y)
    # A sparse matrix of keys is a dict too.
    if isinstance(y, Mapping) and not sparse.issparse(y):
        return _of_columns(y)
    if not hasattr(y, "to_pandas"):
        return y
    # Arrow's types keep integers and booleans unchanged when labels are missing.
    library = type(y).__module__.split(".")[0]
    if library == "polars":
        return y.to_pandas(use_pyarrow_extension_array=True)
    return y.to_pandas(types_mapper=pd.ArrowDtype) if library == "pyarrow" else y.to_pandas()


def as_array(y: Any) -> np.ndarray:
    """Convert targets to an array; the cells of a list keep their types.

    Raises
    ------
    ValueError
        If a list has rows of different lengths, or an array has named fields.
    """
    if sparse.issparse(y):
        return y.toarray()
    y = unmasked(y)
    if isinstance(y, np.ndarray) or not isinstance(y, Sequence):
        return _plain(np.asarray(y))
    # A list may mix None with numbers or strings, and numpy would convert all of them to one type.
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError("y is a list of rows of different lengths; every row needs one entry per task.") from error
    if array.dtype.kind not in "US":
        return array
    cells = np.asarray(y, dtype=object)
    return array if all(isinstance(cell, str | bytes) for cell in cells.ravel()) else cells


def _of_columns(y: Mapping[Any, Any]) -> pd.DataFrame:
    """Convert a dict of 1-D arrays to a DataFrame."""
    shapes = {name: np.shape(column) for name, column in y.items()}
    if any(len(shape) != 1 for shape in shapes.values()) or len(set(shapes.values())) > 1:
        raise ValueError(
            "y is a dict: it should hold one 1-D array of n_samples entries per task, got arrays of the shapes "
            f"{shapes}."
        )
    return pd.DataFrame({name: unmasked(column) for name, column in y.items()})


def _plain(array: np.ndarray) -> np.ndarray:
    if array.dtype.names:
        raise ValueError(
            f"y is a structured array with the fields {list(array.dtype.names)}: pass pd.DataFrame(y), which has one "
            "column per field."
        )
    return array
