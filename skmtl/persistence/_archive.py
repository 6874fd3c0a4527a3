"""The file format: a zip of one JSON text and .npy arrays, written atomically and read within strict limits."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..exceptions import InvalidModelFileError
from ._npy import from_npy, to_npy

# Increased only when older versions cannot read the new files.
FORMAT = 1
TEXT = "skmtl.json"
# Longer texts are not compressed, so that no file unpacks to much more than its own size.
_MOST_UNPACKED = 1 << 22
# Constant, so that saving the same estimator twice writes the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(path: Path, tree: Any, arrays: Sequence[np.ndarray]) -> None:
    """Write the file atomically: if writing fails, the old file stays.

    Arrays are not compressed: weights hardly shrink, and their sizes are known before they are read.
    """
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode("ascii")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        _add(archive, TEXT, text, zipfile.ZIP_DEFLATED if len(text) <= _MOST_UNPACKED else zipfile.ZIP_STORED)
        for number, array in enumerate(arrays):
            _add(archive, f"arrays/{number}.npy", to_npy(array), zipfile.ZIP_STORED)
    _replace(path, content.getbuffer())


def _add(archive: zipfile.ZipFile, name: str, data: bytes, compression: int) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = compression
    archive.writestr(entry, data)


def _replace(path: Path, data: memoryview) -> None:
    """Write to a temporary file in the same folder, then move it to the path; links are followed."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {target.name}: the folder {target.parent} does not exist.")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode(target))
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _mode(target: Path) -> int:
    """Permissions of the file to replace, or of a new file if there is none."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


class Archive:
    """Reader of a file's JSON tree and arrays.

    Raises
    ------
    InvalidModelFileError
        If the file has entries that `write_archive` does not make, or entries that unpack to too many bytes.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            raise InvalidModelFileError("it was not written by skmtl.save, or it is truncated") from error
        entries = self._zip.infolist()
        names = [entry.filename for entry in entries]
        if sorted(names) != sorted([TEXT, *(f"arrays/{number}.npy" for number in range(len(names) - 1))]):
            raise InvalidModelFileError("its entries are not those that skmtl.save writes")
        for entry in entries:
            _check_entry(entry, len(data))
        if sum(entry.file_size for entry in entries if entry.compress_type == zipfile.ZIP_STORED) > len(data):
            raise InvalidModelFileError("its entries overlap")

    def tree(self) -> Any:
        """Parse the JSON text."""
        return json.loads(self._zip.read(TEXT).decode("ascii"), parse_constant=_refuse_constant)

    def array(self, number: int) -> np.ndarray:
        """Read one of the arrays."""
        return from_npy(self._zip.read(f"arrays/{number}.npy"))


def _check_entry(entry: zipfile.ZipInfo, n_bytes: int) -> None:
    compressed = entry.compress_type == zipfile.ZIP_DEFLATED and entry.filename == TEXT
    if not compressed and entry.compress_type != zipfile.ZIP_STORED:
        raise InvalidModelFileError(f"{entry.filename} is compressed in a way that skmtl.save does not use")
    if entry.flag_bits & 1:
        raise InvalidModelFileError(f"{entry.filename} is encrypted")
    if entry.file_size > (_MOST_UNPACKED if compressed else n_bytes):
        raise InvalidModelFileError(f"{entry.filename} would unpack to {entry.file_size} bytes")


def _refuse_constant(text: str) -> Any:
    raise InvalidModelFileError(f"it has the number {text}, which JSON does not allow")
