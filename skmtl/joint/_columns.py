"""Errors of all tasks as columns of one matrix: residuals, and class indicators minus probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ErrorColumns:
    """Columns of each task in the matrix of errors.

    Attributes
    ----------
    widths : tuple of int
        Number of columns of each task: 1 for a regression, the number of classes minus one (but at least 1) for a
        classification.
    classified : tuple of bool
        Which tasks are classifications.
    """

    widths: tuple[int, ...]
    classified: tuple[bool, ...]

    @classmethod
    def of(cls, n_classes: Sequence[int]) -> ErrorColumns:
        """Lay out the columns of tasks by their numbers of classes, 0 for a regression."""
        return cls(tuple(max(1, n - 1) for n in n_classes), tuple(n > 0 for n in n_classes))

    @property
    def n_columns(self) -> int:
        """Total number of columns."""
        return sum(self.widths)

    @property
    def task_of_column(self) -> np.ndarray:
        """Task of each column, (n_columns,)."""
        return np.repeat(np.arange(len(self.widths)), self.widths)

    def of_task(self, task: int) -> slice:
        """Return the columns of a task."""
        start = sum(self.widths[:task])
        return slice(start, start + self.widths[task])

    def of_tasks(self, tasks: np.ndarray) -> np.ndarray:
        """Return the columns of the tasks in a mask, (n_chosen,)."""
        return np.flatnonzero(tasks[self.task_of_column])

    def errors(self, values: np.ndarray, observed: np.ndarray, quantities: Sequence[np.ndarray]) -> np.ndarray:
        """Return the errors of predictions, (n_rows, n_columns); NaN for missing labels.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_tasks)
            Labels: numbers, or class codes.
        observed : ndarray of shape (n_rows, n_tasks)
            Mask of the known labels.
        quantities : sequence of ndarray
            Predictions of each task: (n_rows,), or (n_rows, n_classes) for a classification.
        """
        out = np.full((len(values), self.n_columns), np.nan)
        for task, predicted in enumerate(quantities):
            seen = observed[:, task]
            out[seen, self.of_task(task)] = self._of_task(task, values[seen, task], predicted[seen])
        return out

    def _of_task(self, task: int, values: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        if not self.classified[task]:
            return (values - predicted)[:, None]
        indicators = values[:, None] == np.arange(predicted.shape[1])
        # A single class is always right and keeps its one column.
        return (indicators - predicted)[:, -self.widths[task] :]
