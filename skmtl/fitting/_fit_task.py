"""scikit-learn's callbacks around a fit: the fit is one of their tasks, and each epoch a subtask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .._records import TrainingResult
from .._snapshot import snapshot
from ..inference._fitted import FittedNetwork


@dataclass(frozen=True)
class FitTask:
    """A fit that callbacks observe: the estimator, its rows, and the context that calls the callbacks.

    Callbacks get X and y as the caller passed them, as the estimator's own ``score`` and ``predict`` expect.
    ``fitted`` is the estimator as it will be after the fit.
    """

    estimator: Any
    context: Any
    rows: dict[str, Any]
    append: bool
    fitted: Any = None

    @classmethod
    def begin(cls, estimator: Any, X: Any, y: Any, sample_weight: Any, *, epochs: int, append: bool) -> FitTask | None:
        """Begin the fit's task; return None if there are no callbacks.

        ``append`` says whether this fit continues the last one.
        """
        # Needed even without callbacks: a search or a pipeline may have made this fit one of its own tasks.
        context = estimator._init_callback_context(max_subtasks=epochs)
        if not getattr(estimator, "_skl_callbacks", None):
            return None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        task = cls(estimator, context, {"X": X, "y": y, "metadata": metadata}, append)
        context.call_on_fit_task_begin(estimator=estimator, **task.rows)
        return task

    @staticmethod
    def fitting(task: FitTask | None, fitted: Any) -> FitTask | None:
        """Return the task with the estimator that is being fitted."""
        return None if task is None else replace(task, fitted=fitted)

    @staticmethod
    def end(task: FitTask | None) -> None:
        """End the fit's task: the estimator is fitted now."""
        if task is not None:
            task.context.call_on_fit_task_end(estimator=task.estimator, **task.rows, reconstruction_attributes={})

    def attributes(self, network: FittedNetwork, result: TrainingResult) -> dict[str, Any]:
        """Return the attributes that the estimator would have if the fit ended here."""
        fitted = snapshot(self.fitted)
        fitted._adopt_network(network, result, append=self.append)
        return vars(fitted)


@dataclass
class EpochTasks:
    """The epochs as tasks; ``network_of`` makes a fitted network of the result so far."""

    fit: FitTask
    network_of: Callable[[TrainingResult], FittedNetwork]
    _epoch: Any = field(default=None, init=False)

    def begin(self) -> None:
        """Begin the next epoch's task."""
        self._epoch = self.fit.context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self.fit.estimator, **self.fit.rows)

    def end(self, result: Callable[[], TrainingResult]) -> bool:
        """End the epoch's task; return whether a callback asks training to stop.

        The estimator of this epoch is only made for callbacks that ask for it.
        """

        def attributes() -> dict[str, Any]:
            now = result()
            return self.fit.attributes(self.network_of(now), now)

        return self._epoch.call_on_fit_task_end(
            estimator=self.fit.estimator, **self.fit.rows, reconstruction_attributes=attributes
        )
