"""Make the folds of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._records import Kind
from .._splits import read_split, splits_of
from ..model_selection import MultiTaskStratifiedGroupKFold, MultiTaskStratifiedKFold
from ..targets import TargetColumns


@dataclass(frozen=True)
class Folds:
    """Training and test rows of the folds, repeat by repeat."""

    train: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        """Number of folds over all repeats."""
        return len(self.train)

    def test_to_train(self, observed: np.ndarray) -> float:
        """Return the mean ratio of test to training labels of a task; ``observed`` marks its known labels."""
        ratios = [
            observed[test].sum() / max(1, observed[train].sum())
            for train, test in zip(self.train, self.test, strict=True)
        ]
        return float(np.mean(ratios))


def make_folds(
    cv: Any,
    n_repeats: int,
    X: Any,
    y: Any,
    *,
    columns: TargetColumns,
    kinds: Sequence[Kind],
    groups: Any,
    random_state: Any,
) -> Folds:
    """Return folds from a number of splits, a splitter or an iterable of splits."""
    if isinstance(n_repeats, bool) or not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats should be an integer of at least 1, got {n_repeats!r}.")
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        splitters = _stratified(int(cv), int(n_repeats), columns, kinds, groups, random_state)
    elif n_repeats > 1:
        raise ValueError(
            f"n_repeats={n_repeats} needs an integer cv; to repeat a splitter, pass one such as RepeatedKFold."
        )
    else:
        splitters = [cv]
    pairs = [pair for splitter in splitters for pair in splits_of(splitter, X, y, groups)]
    if len(pairs) < 2:
        raise ValueError(f"cv yields {len(pairs)} fold(s); a comparison needs at least 2.")
    read = [read_split(pair, columns.n_samples, name="cv", number=number) for number, pair in enumerate(pairs)]
    return Folds(*zip(*read, strict=True))


def _stratified(
    cv: int, n_repeats: int, columns: TargetColumns, kinds: Sequence[Kind], groups: Any, random_state: Any
) -> list[Any]:
    types = dict(zip(columns.names, kinds, strict=True))
    kind = MultiTaskStratifiedKFold if groups is None else MultiTaskStratifiedGroupKFold
    if n_repeats == 1 and random_state is None:
        return [kind(cv, task_types=types)]
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n_repeats).tolist()
    return [kind(cv, shuffle=True, random_state=seed, task_types=types) for seed in seeds]
