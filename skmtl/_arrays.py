"""Arrays laid out so that TensorFlow can use them where they are."""

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
