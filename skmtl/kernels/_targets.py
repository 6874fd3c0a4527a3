"""The targets of regressions: values and weights of labels, and the task of each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._moments import means, variances
from ._penalties import MANY_COLUMNS, random_sums


@dataclass(frozen=True)
class Targets:
    """Values and weights (n_rows, n_columns), and the task number of each column; a weight of 0 marks a missing label.

    The columns of a task are adjacent and have the same weights.
    """

    values: np.ndarray
    weights: np.ndarray
    task: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def of_rows(self, rows: np.ndarray) -> Targets:
        """Return the targets of some rows."""
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
        """Yield groups of columns with the same weights, without columns that have no label."""
        columns_of_task = np.split(np.arange(len(self.task)), np.flatnonzero(np.diff(self.task)) + 1)
        groups: dict[bytes, list[np.ndarray]] = {}
        for columns in columns_of_task:
            weights = self.weights[:, columns[0]]
            if (weights > 0).any():
                groups.setdefault(weights.tobytes(), []).append(columns)
        yield from map(np.concatenate, groups.values())

    def reduced(self) -> Targets:
        """Return the targets, or random sums of standardised columns if many columns have the same rows.

        Errors on the sums estimate the average errors on all columns, and their relevance is that of all columns.
        """
        if self.values.shape[1] <= MANY_COLUMNS or len(list(self.groups())) != 1:
            return self
        known = self.weights[:, 0] > 0
        scale = np.sqrt(self.variances)
        centred = self.values - means(self.values, self.weights)
        scaled = np.divide(centred, scale, out=np.zeros_like(centred), where=known[:, None] & (scale > 0))
        sums = random_sums(scaled)
        return Targets(sums, self.weights[:, : sums.shape[1]], np.arange(sums.shape[1]))


def folds_within(folds: Sequence[np.ndarray], rows: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """Return the parts of the folds among some rows, as positions in these."""
    position = np.full(n_rows, -1)
    position[rows] = np.arange(len(rows))
    parts = [position[fold] for fold in folds]
    parts = [part[part >= 0] for part in parts]
    return [part for part in parts if len(part)]
