"""Arrays as the rest of the package needs them: aligned for TensorFlow, without masks, and there."""

from __future__ import annotations

from typing import Any

import numpy as np

# What TensorFlow's kernels expect of a buffer's address.
ALIGNMENT = 64


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros in a buffer whose address is a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)


def is_aligned(array: np.ndarray) -> bool:
    """Whether the array is contiguous and its address suits TensorFlow."""
    return array.flags.c_contiguous and array.ctypes.data % ALIGNMENT == 0


def unmasked(values: Any) -> Any:
    """A masked array, or a list of such, as plain ones: NaN (or NaT) where masked, None where the dtype has neither.

    All else is given back as it is, as are named fields, each of which has a mask of its own.
    """
    if isinstance(values, list | tuple) and any(isinstance(row, np.ma.MaskedArray) for row in values):
        return [None if row is np.ma.masked else unmasked(row) for row in values]
    if not isinstance(values, np.ma.MaskedArray):
        return values
    mask, data = np.ma.getmaskarray(values), np.asarray(values.data)
    if data.dtype.names or not mask.any():
        return data
    if data.dtype.kind in "fcmM":
        missing = np.array("NaT" if data.dtype.kind in "mM" else np.nan).astype(data.dtype)
        return np.where(mask, missing, data)
    cells = data.astype(object)
    cells[mask] = None
    return cells


def refuse_lazy(values: Any) -> None:
    """Refuse a query of polars that has not run."""
    if type(values).__name__ == "LazyFrame":
        raise TypeError("A LazyFrame has no rows yet: pass what its collect() returns.")
