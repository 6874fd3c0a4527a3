"""What regressions learn: values and weights of labels, and which columns are one task's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._moments import means, variances
from ._penalties import MANY_COLUMNS, random_sums


@dataclass(frozen=True)
class Targets:
    """Values and weights (n_rows, n_columns), 0 marking a missing label, and the number of each column's task.

    The columns of a task stand beside each other and have the same weights.
    """

    values: np.ndarray
    weights: np.ndarray
    task: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def of_rows(self, rows: np.ndarray) -> Targets:
        """Those of some rows."""
        return Targets(self.values[rows], self.weights[rows], self.task)

    @property
    def variances(self) -> np.ndarray:
        """Variance of each column."""
        return variances(self.values, self.weights)

    @property
    def weights_by_task(self) -> np.ndarray:
        """Weights (n_rows, n_tasks)."""
        return self.weights[:, np.unique(self.task, return_index=True)[1]]

    def groups(self) -> Iterator[np.ndarray]:
        """Groups of columns whose labels have the same weights, but those without any."""
        columns_of_task = np.split(np.arange(len(self.task)), np.flatnonzero(np.diff(self.task)) + 1)
        groups: dict[bytes, list[np.ndarray]] = {}
        for columns in columns_of_task:
            weights = self.weights[:, columns[0]]
            if (weights > 0).any():
                groups.setdefault(weights.tobytes(), []).append(columns)
        yield from map(np.concatenate, groups.values())

    def summed_up(self) -> Targets:
        """The same, or where many columns have the same rows, random sums of them in the units of their deviations.

        They tell of how well all columns are predicted on average, and of what matters to them together.
        """
        if self.values.shape[1] <= MANY_COLUMNS or len(list(self.groups())) != 1:
            return self
        known = self.weights[:, 0] > 0
        scale = np.sqrt(self.variances)
        centred = self.values - means(self.values, self.weights)
        scaled = np.divide(centred, scale, out=np.zeros_like(centred), where=known[:, None] & (scale > 0))
        sums = random_sums(scaled)
        return Targets(sums, self.weights[:, : sums.shape[1]], np.arange(sums.shape[1]))


def inside(folds: Sequence[np.ndarray], rows: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """The folds' parts of some rows, as positions among them."""
    position = np.full(n_rows, -1)
    position[rows] = np.arange(len(rows))
    parts = [position[fold] for fold in folds]
    parts = [part[part >= 0] for part in parts]
    return [part for part in parts if len(part)]
