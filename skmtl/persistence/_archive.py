"""The file: a zip of one JSON text and of .npy arrays, written in one go and read with bounds on everything."""

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

# Raised only where an older version could not read what is written now.
FORMAT = 1
TEXT = "skmtl.json"
# A text that is packed is no longer than this, so that no file unpacks to much more than its own size.
_MOST_UNPACKED = 1 << 22
# Always the same, so that the same estimator is the same file.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(path: Path, tree: Any, arrays: Sequence[np.ndarray]) -> None:
    """Write the file; whatever happens, the path has the old file or the new one.

    Arrays are stored as they are: weights are noise to a packer, and a reader then knows their sizes beforehand.
    """
    text = json.dumps(tree, separators=(",", ":"), allow_nan=False).encode("ascii")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _add(archive, TEXT, text, zipfile.ZIP_DEFLATED if len(text) <= _MOST_UNPACKED else zipfile.ZIP_STORED)
        for number, array in enumerate(arrays):
            _add(archive, f"arrays/{number}.npy", to_npy(array), zipfile.ZIP_STORED)
    _replace(path, packed.getbuffer())


def _add(archive: zipfile.ZipFile, name: str, data: bytes, packing: int) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = packing
    archive.writestr(entry, data)


def _replace(path: Path, data: memoryview) -> None:
    """Write beside the path, then move there: another name for the same file is followed."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {target.parent} to write {target.name} to.")
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
    """Permissions of the file that is replaced, else those that a new file gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


class Archive:
    """A file's JSON tree and arrays.

    Raises
    ------
    InvalidModelFileError
        Where the file has other entries than `write_archive` makes, or any that would unpack to more than it holds.
    """

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            raise InvalidModelFileError("it is no file of skmtl.save, or it is cut off") from error
        entries = self._zip.infolist()
        names = [entry.filename for entry in entries]
        if sorted(names) != sorted([TEXT, *(f"arrays/{number}.npy" for number in range(len(names) - 1))]):
            raise InvalidModelFileError("its entries are not those of a file of skmtl.save")
        for entry in entries:
            _check_entry(entry, len(data))
        if sum(entry.file_size for entry in entries if entry.compress_type == zipfile.ZIP_STORED) > len(data):
            raise InvalidModelFileError("its entries overlap")

    def tree(self) -> Any:
        """The JSON text, read."""
        return json.loads(self._zip.read(TEXT).decode("ascii"), parse_constant=_refuse_constant)

    def array(self, number: int) -> np.ndarray:
        """One of the arrays."""
        return from_npy(self._zip.read(f"arrays/{number}.npy"))


def _check_entry(entry: zipfile.ZipInfo, n_bytes: int) -> None:
    packed = entry.compress_type == zipfile.ZIP_DEFLATED and entry.filename == TEXT
    if not packed and entry.compress_type != zipfile.ZIP_STORED:
        raise InvalidModelFileError(f"{entry.filename} is packed in a way that skmtl.save does not use")
    if entry.flag_bits & 1:
        raise InvalidModelFileError(f"{entry.filename} is encrypted")
    if entry.file_size > (_MOST_UNPACKED if packed else n_bytes):
        raise InvalidModelFileError(f"{entry.filename} would unpack to {entry.file_size} bytes")


def _refuse_constant(text: str) -> Any:
    raise InvalidModelFileError(f"it has the number {text} where JSON knows none")
