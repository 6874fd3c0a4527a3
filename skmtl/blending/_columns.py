"""All tasks as columns of one matrix: one per regression, and one per class of a classification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._records import EncodedTargets, TargetScaling, Task

# Smallest probability of a class: a weighted sum of kernel models can be negative.
LEAST_PROBABILITY = 1e-3


@dataclass(frozen=True)
class Columns:
    """The columns of each task and their units: regressions are standardised, classes are 0 or 1."""

    tasks: tuple[Task, ...]
    scaling: TargetScaling

    @property
    def widths(self) -> list[int]:
        """Number of columns of each task."""
        return [1 if task.kind == "regression" else len(task.classes) for task in self.tasks]

    @property
    def task_of_column(self) -> np.ndarray:
        """Number of the task that each column belongs to."""
        return np.repeat(np.arange(len(self.tasks)), self.widths)

    def of_targets(self, targets: EncodedTargets) -> tuple[np.ndarray, np.ndarray]:
        """Return values and weights, (n_samples, n_columns)."""
        scaled = self.scaling.to_outputs(targets.values)
        parts = [
            scaled[:, [i]] if task.kind == "regression" else targets.values[:, [i]] == np.arange(len(task.classes))
            for i, task in enumerate(self.tasks)
        ]
        values = np.hstack(parts).astype(np.float64)
        if len(self.tasks) == 1:
            # With thousands of classes, one copy of the weights per class would waste memory.
            return values, np.broadcast_to(targets.weights, values.shape)
        return values, targets.weights[:, self.task_of_column]

    def of_quantities(self, quantities: Sequence[np.ndarray]) -> np.ndarray:
        """Return the columns (n_samples, n_columns) of predicted values and class probabilities."""
        parts = []
        for i, values in enumerate(quantities):
            if self.tasks[i].kind == "regression":
                parts.append(((values - self.scaling.shift[i]) / self.scaling.divisor[i])[:, None])
            else:
                parts.append(values)
        return np.hstack(parts)

    def to_quantities(self, columns: np.ndarray) -> list[np.ndarray]:
        """Return the predicted values and class probabilities of columns."""
        ends = np.cumsum(self.widths)[:-1]
        out = []
        for i, part in enumerate(np.split(columns, ends, axis=1)):
            if self.tasks[i].kind == "regression":
                out.append(self.scaling.shift[i] + self.scaling.scale[i] * part[:, 0])
            else:
                part = np.clip(part, LEAST_PROBABILITY, None)
                out.append(part / part.sum(axis=1, keepdims=True))
        return out
