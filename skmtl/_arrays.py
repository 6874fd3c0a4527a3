"""Arrays in the form that the package needs: aligned for TensorFlow and without masks."""

from __future__ import annotations

from typing import Any

import numpy as np

# Alignment in bytes that TensorFlow's kernels expect of a buffer.
ALIGNMENT = 64


def aligned_zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return zeros in a buffer whose address is a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)


def is_aligned(array: np.ndarray) -> bool:
    """Return whether the array is contiguous and aligned for TensorFlow."""
    return array.flags.c_contiguous and array.ctypes.data % ALIGNMENT == 0


def unmasked(values: Any) -> Any:
    """Convert a masked array, or a list of them, to plain ones.

    Masked cells become NaN or NaT, or None if the dtype has neither. Anything else is returned unchanged, as are arrays
    with named fields, because each field has its own mask.
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
    """Refuse a polars query that has not been collected."""
    if type(values).__name__ == "LazyFrame":
        raise TypeError("A LazyFrame has no rows yet: call collect() and pass the result.")
