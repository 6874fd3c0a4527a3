"""The end of an epoch on disk: one file of plain arrays, replaced whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_NAME = "checkpoint.npz"


class FileCheckpoints:
    """Keeps the last epoch's end in a folder that all workers see; one of them ``writes``.

    ``fingerprint`` says which fit it is: a file of another one is refused.
    """

    def __init__(self, folder: Path, fingerprint: str, writes: bool) -> None:
        self.path = folder / _NAME
        self.fingerprint = fingerprint
        self.writes = writes

    def load(self) -> list[np.ndarray] | None:
        """What was saved last; None where there is nothing.

        Raises
        ------
        ValueError
            Where the file is one of another fit.
        """
        if not self.path.exists():
            return None
        with np.load(self.path, allow_pickle=False) as file:
            if str(file["fingerprint"]) != self.fingerprint:
                raise ValueError(
                    f"storage: {self.path} is the checkpoint of a fit with other rows, parameters or workers. Name an "
                    "empty folder, or delete the file."
                )
            return [file[f"array_{i}"] for i in range(len(file.files) - 1)]

    def save(self, epoch: int, arrays: Sequence[np.ndarray]) -> None:  # noqa: ARG002 - they say it themselves
        """Keep the arrays instead of those before."""
        if not self.writes:
            return
        draft = self.path.with_suffix(".draft")
        with draft.open("wb") as file:
            named: dict[str, Any] = {f"array_{i}": array for i, array in enumerate(arrays)}
            np.savez(file, fingerprint=self.fingerprint, **named)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)


def fingerprint(*parts: object) -> str:
    """A word that tells fits apart by what they are given: arrays, numbers, names."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return found.hexdigest()
