"""The rows that each member learns from and holds out, and their order in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._records import EncodedTargets
from ._sampling import RowSampling, SampledOrder

# Most tasks to stratify by; with more, every stratum would have only a row or two.
_MOST_STRATIFIED = 8


@dataclass(frozen=True)
class RowPlan:
    """Row numbers per member: ``train`` and ``evaluate`` (empty if nothing is held out)."""

    train: tuple[np.ndarray, ...]
    evaluate: tuple[np.ndarray, ...]

    def steps(self, batch_size: int) -> list[int]:
        """Return the steps that each member takes in an epoch."""
        return [-(-len(rows) // batch_size) for rows in self.train]

    def shifted(self, offset: int) -> RowPlan:
        """Return the plan for a table in which ``offset`` other rows come first."""
        if offset == 0:
            return self
        return RowPlan(*(tuple(rows + offset for rows in side) for side in (self.train, self.evaluate)))


def plan_rows(targets: EncodedTargets, classified: Sequence[bool], members: int, fraction: float, seed: int) -> RowPlan:
    """Hold out a ``fraction`` of the rows for every member, and other rows for each.

    The members' parts are consecutive in one shuffled order, so that together they cover as many rows as possible.
    They are stratified by class and by pattern of missing labels. No member loses the last label of a task or class:
    such a row stays in training.
    """
    n_samples = len(targets.values)
    all_rows = np.arange(n_samples)
    n_held = min(n_samples - 1, max(1, round(fraction * n_samples))) if fraction > 0 else 0
    if n_held == 0:
        return RowPlan((all_rows,) * members, (all_rows[:0],) * members)
    if members * n_held < n_samples <= members * (n_held + 1) and members * fraction > 0.999:
        # Rounding down would leave a few rows that no member holds out.
        n_held += 1
    groups = _label_groups(targets, classified)
    order = _stratified_order(groups, n_held, np.random.default_rng(seed))
    train, evaluate = [], []
    for member in range(members):
        start = member * n_held
        held = order[np.arange(start, start + n_held) % n_samples]
        held = np.sort(_give_back_last_labels(held, groups))
        train.append(np.setdiff1d(all_rows, held, assume_unique=True))
        evaluate.append(held)
    return RowPlan(tuple(train), tuple(evaluate))


def _stratified_order(groups: np.ndarray, n_held: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffle row numbers so that every ``n_held`` consecutive ones are stratified.

    Rows of a stratum (same classes, same labels missing) are sorted together, then dealt out to the parts in turn.
    """
    shuffled = rng.permutation(len(groups))
    kinds = groups[shuffled][:, :_MOST_STRATIFIED]
    if (kinds != kinds[:1]).any():
        shuffled = shuffled[np.lexsort(kinds.T[::-1])]
    parts = max(1, round(len(groups) / n_held))
    dealt = [rng.permutation(shuffled[part::parts]) for part in rng.permutation(parts)]
    return np.concatenate(dealt)


def _label_groups(targets: EncodedTargets, classified: Sequence[bool]) -> np.ndarray:
    """Return the number of each label's (task, class), (n_samples, n_tasks); -1 for missing labels."""
    codes = np.where(np.asarray(classified), targets.values, 0).astype(np.intp)
    widths = codes.max(axis=0) + 1
    offsets = np.concatenate([[0], np.cumsum(widths)[:-1]])
    return np.where(targets.observed, codes + offsets, -1)


def _give_back_last_labels(held: np.ndarray, groups: np.ndarray) -> np.ndarray:
    size = int(groups.max(initial=-1)) + 1
    total = np.bincount(groups[groups >= 0], minlength=size)
    own = groups[held]
    lost = np.flatnonzero((total > 0) & (np.bincount(own[own >= 0], minlength=size) == total))
    keep = np.ones(len(held), dtype=bool)
    for group in lost:
        rows = np.flatnonzero((own == group).any(axis=1))
        if keep[rows].all():
            keep[rows[0]] = False
    return held[keep]


class BatchOrder:
    """Row indices for one epoch after another, from seeded random streams."""

    def __init__(
        self,
        train: Sequence[np.ndarray],
        batch_size: int,
        shuffle: bool,
        seed: int,
        first: int = 0,
        sampling: RowSampling | None = None,
        offset: int = 0,
    ) -> None:
        self.batch_size = batch_size
        self.steps = max(-(-len(rows) // batch_size) for rows in train)
        self._train = train
        self._shuffle = shuffle
        self._offset = offset
        self._sampled = None if sampling is None else [SampledOrder(rows, sampling, batch_size) for rows in train]
        # Each member has its own stream, so its order depends neither on the number of members nor on their groups.
        self._streams = [np.random.default_rng([seed, first + member]) for member in range(len(train))]

    def epochs(self, number: int, room: tuple[int, int]) -> np.ndarray:
        """Return the indices of ``number`` epochs, (epochs, steps, members, batch), in an array of size ``room``.

        The last batch is filled up with rows from the start of the epoch, which the program gives no weight. They are
        real rows because some layers look across the batch.
        """
        members, width = len(self._train), self.steps * self.batch_size
        out = np.zeros((*room, members, self.batch_size), dtype=np.int32)
        for member, rows in enumerate(self._train):
            order = self._orders(member, rows, number)
            filled = order if len(rows) == width else np.take(order, np.arange(width) % len(rows), axis=1)
            out[:number, : self.steps, member] = filled.reshape(number, self.steps, self.batch_size) + self._offset
        return out

    def _orders(self, member: int, rows: np.ndarray, number: int) -> np.ndarray:
        """Return a member's rows in the order of each of ``number`` epochs."""
        if self._sampled is not None:
            return np.stack([self._sampled[member].epoch(self._streams[member]) for _ in range(number)])
        order = np.broadcast_to(rows.astype(np.int32), (number, len(rows)))
        return self._streams[member].permuted(order, axis=1) if self._shuffle else order


def evaluation_index(rows: Sequence[np.ndarray], batch_size: int, steps: int) -> np.ndarray:
    """Return the indices of held-out rows, (steps, members, batch); unused entries are 0."""
    out = np.zeros((len(rows), steps * batch_size), dtype=np.int32)
    for member, held in enumerate(rows):
        out[member, : len(held)] = held
    return np.ascontiguousarray(out.reshape(len(rows), steps, batch_size).transpose(1, 0, 2))
