"""Windows of whole steps, made from rows that come in chunks: only one window is on the device at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._arrays import aligned_zeros
from ._buckets import bucket


class Rows(NamedTuple):
    """Encoded rows: inputs (n, features), labels and weights (n, tasks), row numbers and bins (n,)."""

    inputs: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    numbers: np.ndarray
    bins: np.ndarray

    def take(self, rows: np.ndarray) -> Rows:
        """Return some of the rows."""
        return Rows(*(part[rows] for part in self))

    @classmethod
    def none(cls, features: int, tasks: int, dtype: str) -> Rows:
        """Return an empty table with these numbers of columns."""
        widths = (features, tasks, tasks)
        inputs, labels, weights = (np.zeros((0, width), dtype) for width in widths)
        return cls(inputs, labels, weights, np.zeros(0, np.int64), np.zeros(0, np.int32))

    @classmethod
    def together(cls, parts: Sequence[Rows]) -> Rows:
        """Concatenate several tables."""
        return parts[0] if len(parts) == 1 else cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Window(NamedTuple):
    """Steps ``first`` to ``first + steps`` of an epoch, and a worker's rows for them.

    ``batches`` are row numbers, (1, room for steps, members, batch); ``left`` counts the rows of these steps,
    (members,).
    """

    rows: Rows
    batches: np.ndarray
    left: np.ndarray
    first: int
    steps: int


@dataclass(frozen=True)
class Schedule:
    """Rows per worker and per step; all workers take the same number of steps, with or without rows left.

    ``rows`` is (workers, members), ``batches`` (workers,); a window has ``window_steps`` steps on every worker.
    """

    rows: np.ndarray
    batches: np.ndarray
    window_steps: int

    @classmethod
    def of(cls, shards: np.ndarray, rows: np.ndarray, batch: int, window: int) -> Schedule:
        """Share a batch in proportion to the shards, (workers,), of which members learn from ``rows``."""
        exact = batch * shards / shards.sum()
        batches = np.floor(exact).astype(np.int64)
        most_left = np.argsort(batches - exact, kind="stable")[: batch - batches.sum()]
        batches[most_left] += 1
        batches = np.maximum(batches, 1)
        return cls(rows, batches, max(1, window // int(batches.max())))

    @property
    def steps(self) -> int:
        """Number of steps in an epoch."""
        return int((-(-self.rows // self.batches[:, None])).max())

    @property
    def total(self) -> np.ndarray:
        """Number of rows in an epoch, (members,)."""
        return self.rows.sum(axis=0)

    @property
    def room(self) -> int:
        """Number of steps that a window has room for."""
        return bucket(min(self.window_steps, self.steps))

    def counts(self, first: int, room: int) -> np.ndarray:
        """Return the number of rows of ``room`` steps over all workers, (room, members)."""
        begun = (first + np.arange(room))[:, None, None] * self.batches[:, None]
        left = np.clip(self.rows - begun, 0, self.batches[:, None])
        return left.sum(axis=1).astype(np.int32)


class Queue:
    """Rows that wait for their step, and their order for each member."""

    def __init__(self, members: int, none: Rows) -> None:
        self.parts = [none]
        self.length = 0
        self.orders = [np.zeros(0, dtype=np.int32) for _ in range(members)]

    def put(self, rows: Rows, held: np.ndarray, rng: np.random.Generator | None) -> None:
        """Add rows to the members that do not hold them out, in a random order for each; as they come without rng."""
        for member, order in enumerate(self.orders):
            own = np.flatnonzero(~held[:, member]).astype(np.int32) + self.length
            self.orders[member] = np.concatenate([order, own if rng is None else rng.permutation(own)])
        self.parts.append(rows)
        self.length += len(rows.bins)

    def fewest(self) -> int:
        """Return the smallest number of waiting rows of any member."""
        return min(len(order) for order in self.orders)

    def take(self, number: int) -> tuple[Rows, list[np.ndarray]]:
        """Return all rows, and each member's next ``number`` of them (or fewer); the others stay in the queue."""
        rows = Rows.together(self.parts)
        taken = [order[:number] for order in self.orders]
        rest = [order[number:] for order in self.orders]
        keep = np.unique(np.concatenate(rest))
        self.parts, self.length = [rows.take(keep)], len(keep)
        self.orders = [np.searchsorted(keep, order).astype(np.int32) for order in rest]
        return rows, taken


class Windows:
    """Turns a worker's chunks of rows into windows.

    Arrays keep their size between windows if possible, since XLA compiles for each size.
    """

    def __init__(self, schedule: Schedule, rank: int, held: np.ndarray, none: Rows) -> None:
        self.schedule = schedule
        self.none = none
        self.rank = rank
        self.held = held
        self.batch = int(schedule.batches[rank])
        self.room_rows = 0

    def of(self, chunks: Iterable[Rows], rng: np.random.Generator | None) -> Iterator[Window]:
        """Yield windows from the chunks of an epoch; rows are shuffled within a window if there is an ``rng``."""
        stream, queue = iter(chunks), Queue(self.held.shape[1], self.none)
        steps, window_steps = self.schedule.steps, self.schedule.window_steps
        for first in range(0, steps, window_steps):
            number = min(window_steps, steps - first)
            self._fill(queue, stream, number * self.batch, rng)
            rows, taken = queue.take(number * self.batch)
            yield Window(self.padded(rows), self._batches(taken), _lengths(taken), first, number)

    def _fill(self, queue: Queue, stream: Iterator[Rows], enough: int, rng: np.random.Generator | None) -> None:
        fresh: list[Rows] = []
        # Only rows that members learn from count.
        missing = enough - queue.fewest()
        while missing > 0 and (rows := next(stream, None)) is not None:
            fresh.append(rows)
            missing -= int((~self.held[rows.bins]).sum(axis=0).min())
        if fresh:
            rows = Rows.together(fresh)
            queue.put(rows, self.held[rows.bins], rng)

    def padded(self, rows: Rows) -> Rows:
        """Pad rows to an array size that windows share."""
        length = len(rows.bins)
        if length > self.room_rows:
            self.room_rows = bucket(length + length // 16)
        inputs, labels, weights = (_padded(part, self.room_rows) for part in rows[:3])
        return Rows(inputs, labels, weights, rows.numbers, rows.bins)

    def _batches(self, taken: Sequence[np.ndarray]) -> np.ndarray:
        """Return the batches of each member; the last one is filled with the window's first row, with weight 0."""
        room = self.schedule.room
        out = np.zeros((room * self.batch, len(taken)), dtype=np.int32)
        for member, order in enumerate(taken):
            out[: len(order), member] = order
        by_step = out.reshape(room, self.batch, len(taken)).transpose(0, 2, 1)
        return np.ascontiguousarray(by_step)[None]


def _lengths(taken: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([len(order) for order in taken], dtype=np.int32)


def _padded(part: np.ndarray, rows: int) -> np.ndarray:
    out = aligned_zeros((rows, part.shape[1]), part.dtype)
    out[: len(part)] = part
    return out
