"""Held-out rows on disk: training reads them once per epoch, in the order of their numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np

from .._row_hash import row_bins
from ._windows import Rows

# Row numbers per entry in the table of places.
_BLOCK = 1 << 16


class Spool:
    """A file with a place for every held-out row among those numbered from ``start`` to ``stop``.

    Rows are stored in the order of their numbers, whatever order they arrive in, so that sums over them have the same
    bits in every run.
    """

    def __init__(self, start: int, stop: int, seed: int, held: np.ndarray, none: Rows) -> None:
        self.start = start
        self.seed = seed
        self.held = held
        self.none = none
        blocks = [self._count(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK)]
        self.places = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
        self.widths = (none.inputs.shape[1], none.labels.shape[1], none.weights.shape[1], 1)
        self.dtype = none.inputs.dtype
        self.complete = False
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the fit
        self._file.truncate(self.length * self._row_bytes)

    @property
    def length(self) -> int:
        """Number of places for rows."""
        return int(self.places[-1])

    def write(self, rows: Rows) -> None:
        """Write the held-out rows among ``rows``, whose numbers are ascending, to their places."""
        out = self.held[rows.bins]
        if self.complete or not out.any():
            return
        chosen = rows.take(np.flatnonzero(out))
        record = np.hstack([*chosen[:3], chosen.bins[:, None]]).astype(self.dtype, copy=False)
        places = self._places(chosen.numbers)
        # Rows without a label were dropped, so some places may stay empty.
        for run in np.split(np.arange(len(places)), np.flatnonzero(np.diff(places) > 1) + 1):
            self._file.seek(int(places[run[0]]) * self._row_bytes)
            self._file.write(record[run].tobytes())

    def read(self, at_a_time: int) -> Iterator[Rows]:
        """Yield all rows, ``at_a_time`` at once; rows without a label have weight 0."""
        for first in range(0, self.length, at_a_time):
            number = min(at_a_time, self.length - first)
            self._file.seek(first * self._row_bytes)
            record = np.frombuffer(self._file.read(number * self._row_bytes), self.dtype).reshape(number, -1)
            inputs, labels, weights, bins = np.split(record, np.cumsum(self.widths)[:-1], axis=1)
            yield Rows(inputs, labels, weights, np.zeros(number, np.int64), bins[:, 0].astype(np.int32))

    def close(self) -> None:
        """Close and delete the file."""
        self._file.close()

    @property
    def _row_bytes(self) -> int:
        return sum(self.widths) * self.dtype.itemsize

    def _places(self, numbers: np.ndarray) -> np.ndarray:
        """Return the places of held-out rows with ascending numbers."""
        block = (int(numbers[0]) - self.start) // _BLOCK
        first = self.start + block * _BLOCK
        candidates = np.arange(first, int(numbers[-1]) + 1)
        before = np.cumsum(self.held[row_bins(candidates, self.seed)]) - 1
        return self.places[block] + before[numbers - first]

    def _count(self, first: int, stop: int) -> int:
        return int(self.held[row_bins(np.arange(first, stop), self.seed)].sum())
