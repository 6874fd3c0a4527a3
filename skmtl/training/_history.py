"""Record of a training run: losses per epoch, in total and per task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..exceptions import TrainingDivergedError
from ._balancing_record import BalancingRecord


class History:
    """Collects losses, chunk by chunk of epochs; they are in units of the constant prediction's loss."""

    def __init__(self, task_names: Sequence[str], task_weights: np.ndarray) -> None:
        self.task_names = tuple(task_names)
        self.task_weights = np.asarray(task_weights, dtype=np.float64)
        self.last_state: Any = None
        self.diverged = False
        self._train: list[np.ndarray] = []
        self._evaluation: list[np.ndarray] = []
        self._penalty: list[np.ndarray] = []
        self._evaluated: np.ndarray | None = None
        self.balancing = BalancingRecord(task_names)

    def extend(self, report: Any, epochs: int, evaluated: np.ndarray | None, state: Any) -> None:
        """Add ``epochs`` epochs of a report; ``evaluated`` (members, tasks) marks tasks with held-out labels."""
        self._train.append(np.asarray(report.train)[:epochs])
        self._penalty.append(np.asarray(report.penalty)[:epochs])
        self._evaluated = evaluated
        self.balancing.extend(report.balancing, epochs)
        if evaluated is not None:
            self._evaluation.append(np.asarray(report.evaluation)[:epochs])
        self.diverged = not np.isfinite(self._train[-1]).all()
        self.last_state = state

    def check_finite(self, parameters: np.ndarray | None = None) -> None:
        """Raise an error if training diverged, with the epoch, the task and remedies.

        Losses are computed before each step, so the effect of the last one shows only in the final ``parameters``.
        """
        train = np.concatenate(self._train)
        if self.diverged:
            epoch, _, task = np.argwhere(~np.isfinite(train))[0]
            where = f"in epoch {epoch + 1}: the loss of task {self.task_names[task]!r} is not finite"
        elif parameters is not None and not np.isfinite(parameters).all():
            where = f"in epoch {len(train)}: the network's weights are not finite"
        else:
            return
        raise TrainingDivergedError(
            f"Training diverged {where}. Things to try: a smaller learning_rate, optimizer__clipnorm=1.0, inputs "
            "without extreme values (scale_inputs=True), or a loss that is defined for all predictions."
        )

    def members(self) -> dict[str, np.ndarray]:
        """Return every series as (epochs, members)."""
        evaluation = np.concatenate(self._evaluation) if self._evaluation else None
        series = self._series(np.concatenate(self._train), np.concatenate(self._penalty), evaluation)
        return {**series, **self.balancing.series()}

    def _series(self, train: np.ndarray, penalty: np.ndarray, evaluation: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return series from losses (epochs, members, tasks) and penalties (epochs, members)."""
        series = {"loss": train @ self.task_weights + penalty}
        for task, name in enumerate(self.task_names):
            series[f"{name}_loss"] = train[:, :, task]
        if evaluation is None or self._evaluated is None:
            return series
        weights = np.where(self._evaluated, self.task_weights, 0.0)
        total = np.where(self._evaluated, evaluation, 0.0) * weights
        # Without any held-out labels the total is 0 / 0, which is NaN as it should be.
        with np.errstate(invalid="ignore"):
            series["val_loss"] = total.sum(axis=2) / weights.sum(axis=1)
        evaluation = np.where(self._evaluated, evaluation, np.nan)
        for task, name in enumerate(self.task_names):
            series[f"val_{name}_loss"] = evaluation[:, :, task]
        return series

    def _last(self) -> dict[str, list[float]]:
        """Return averages for the epochs that were added last."""
        evaluation = self._evaluation[-1] if self._evaluation else None
        series = self._series(self._train[-1], self._penalty[-1], evaluation)
        return averages({**series, **self.balancing.series(last=True)})

    def last_logs(self) -> dict[str, float]:
        """Return the losses of the last epoch, as Keras callbacks get them."""
        return {name: values[-1] for name, values in self._last().items()}

    def lines(self, start: int, stop: int, epochs: int) -> list[str]:
        """Return the lines to print for the epochs ``start`` to ``stop``, which were added last."""
        series = self._last()
        shown = [name for name in ("loss", "val_loss") if name in series]
        return [
            f"epoch {epoch + 1}/{epochs}  " + "  ".join(f"{name} {series[name][epoch - start]:.4f}" for name in shown)
            for epoch in range(start, stop)
        ]


def averages(members: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """Average every series over the members that have a value, to one float per epoch."""
    return {name: _mean(values).tolist() for name, values in members.items()}


def _mean(values: np.ndarray) -> np.ndarray:
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    total = np.where(present, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
