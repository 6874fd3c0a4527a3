"""Arrays as .npy: written by numpy, read by a strict reader that checks the header and runs no code."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np

from ..exceptions import InvalidModelFileError

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufcSUmM][0-9]{1,9}(?:\[[0-9A-Za-z]{1,9}\])?)', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,18}(?:, |,)?){0,32})\), \} *\n"
)
KINDS = "biufcSUmM"
_LAST_CODE_POINT = 0x10FFFF


def to_npy(array: np.ndarray) -> bytes:
    """Write an array of a plain dtype as a .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def from_npy(data: bytes) -> np.ndarray:
    """Read the array of a .npy file.

    Raises
    ------
    InvalidModelFileError
        If the header is not one that `to_npy` writes, or does not agree with the number of bytes.
    """
    start = len(_MAGIC) + 2
    end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
    header = _HEADER.fullmatch(data[start:end]) if data.startswith(_MAGIC) else None
    if header is None:
        raise InvalidModelFileError("an array has a header that skmtl.save does not write")
    dtype = np.dtype(header[1].decode("ascii"))
    shape = tuple(map(int, re.findall(rb"[0-9]+", header[3])))
    if dtype.itemsize == 0 or math.prod(shape) * dtype.itemsize != len(data) - end:
        raise InvalidModelFileError(f"an array of shape {shape} and dtype {dtype} has the wrong number of bytes")
    order: Any = "F" if header[2] == b"True" else "C"
    array = np.ndarray(shape, dtype, buffer=data, offset=end, order=order).copy(order="K")
    _check_values(array)
    return array


def _check_values(array: np.ndarray) -> None:
    """Refuse bytes that are not a value of the dtype; numpy would notice them late, or never."""
    if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
        raise InvalidModelFileError("an array of booleans has bytes other than 0 and 1")
    if array.dtype.kind == "U" and array.size:
        points = np.frombuffer(array.tobytes(), array.dtype.newbyteorder("=").str[0] + "u4")
        points = points if array.dtype.isnative else points.byteswap()
        if points.max() > _LAST_CODE_POINT:
            raise InvalidModelFileError("an array of strings has numbers that are not characters")
