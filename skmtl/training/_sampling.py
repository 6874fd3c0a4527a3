"""How often rows are drawn where tasks have labels in rows of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RowSampling:
    """Rows by the rarest task that they have a label of, and how often those of each task are drawn in an epoch.

    ``task`` is (n_rows,), ``rate`` (n_tasks,): 1 is once an epoch, on average.
    """

    task: np.ndarray
    rate: np.ndarray

    @classmethod
    def of(cls, observed: np.ndarray, exponent: float) -> RowSampling:
        """Chances proportional to ``n ** (exponent - 1)``, where n counts the labels of a row's rarest task.

        ``observed`` is (n_rows, n_tasks) bool. For tasks that share no rows a task's share of the draws is then
        proportional to ``n ** exponent`` (Stickland and Murray, 2019, "BERT and PALs", ICML).
        """
        counts = observed.sum(axis=0)
        task = np.where(observed, counts, len(observed) + 1).argmin(axis=1)
        rate = np.maximum(counts, 1.0) ** (exponent - 1.0)
        return cls(task, rate / rate[task].mean())

    @property
    def row_rate(self) -> np.ndarray:
        """How often each row is drawn, (n_rows,)."""
        return self.rate[self.task]

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """As many rows as are given, drawn from them for one epoch, those of each task evenly spread over it."""
        task = self.task[rows]
        groups = [np.flatnonzero(task == number) for number in np.unique(task)]
        numbers = _rounded(np.array([self.rate[task[group[0]]] * len(group) for group in groups]), len(rows), rng)
        drawn, places = [], []
        for group, number in zip(groups, numbers, strict=True):
            rounds = [rng.permutation(group) for _ in range(-(-number // len(group)))]
            drawn.append(np.concatenate([*rounds, group[:0]])[:number])
            places.append((np.arange(number) + rng.random(number)) / max(number, 1))
        return rows[np.concatenate(drawn)[np.argsort(np.concatenate(places))]]


def _rounded(numbers: np.ndarray, total: int, rng: np.random.Generator) -> np.ndarray:
    """Whole numbers with that total, each at most one off its share of it; which are raised is drawn anew each time."""
    shares = numbers * (total / numbers.sum())
    whole = np.floor(shares).astype(int)
    left = total - int(whole.sum())
    if left:
        # Systematic sampling: the chance of being raised is what was cut off.
        ends = np.cumsum(shares - whole)
        raised = np.searchsorted(ends, rng.random() + np.arange(left), side="left")
        np.add.at(whole, np.minimum(raised, len(whole) - 1), 1)
    return whole
