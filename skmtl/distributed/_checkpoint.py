"""Checkpoints at the end of each epoch, in one file of plain arrays."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_NAME = "checkpoint.npz"


class FileCheckpoints:
    """Checkpoint of the last epoch, in a folder that all workers can read; only one of them ``writes``.

    ``fingerprint`` identifies the fit: the checkpoint of another fit is refused.
    """

    def __init__(self, folder: Path, fingerprint: str, writes: bool) -> None:
        self.path = folder / _NAME
        self.fingerprint = fingerprint
        self.writes = writes

    def load(self) -> list[np.ndarray] | None:
        """Return the arrays saved last, or None if there are none.

        Raises
        ------
        ValueError
            If the file is the checkpoint of another fit.
        """
        if not self.path.exists():
            return None
        with np.load(self.path, allow_pickle=False) as file:
            if str(file["fingerprint"]) != self.fingerprint:
                raise ValueError(
                    f"storage: {self.path} is the checkpoint of a fit with other rows, parameters or workers. Use an "
                    "empty folder, or delete the file."
                )
            return [file[f"array_{i}"] for i in range(len(file.files) - 1)]

    def save(self, epoch: int, arrays: Sequence[np.ndarray]) -> None:  # noqa: ARG002 - the arrays include the epoch
        """Replace the checkpoint with these arrays."""
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
    """Hash of everything that defines a fit: arrays, numbers and names."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return digest.hexdigest()
