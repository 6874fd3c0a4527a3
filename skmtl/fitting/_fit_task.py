"""The callbacks of scikit-learn around a fit: the fit is a task of theirs, and each epoch a task within it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .._records import TrainingResult
from .._snapshot import snapshot
from ..inference._fitted import FittedNetwork


@dataclass(frozen=True)
class FitTask:
    """A fit that callbacks look at: who is fitted, to what rows, and the context that calls the callbacks.

    Callbacks get X and y as the caller gave them: the estimator's own ``score`` and ``predict`` take them so.
    ``fitted`` is what the estimator will be when the fit is over.
    """

    estimator: Any
    context: Any
    rows: dict[str, Any]
    append: bool
    fitted: Any = None

    @classmethod
    def begin(cls, estimator: Any, X: Any, y: Any, sample_weight: Any, *, epochs: int, append: bool) -> FitTask | None:
        """Begin the fit's task; None where nobody looks.

        ``append`` says whether this fit goes on from the last one.
        """
        # Also without callbacks: a search or a pipeline gave this fit a place among its own tasks.
        context = estimator._init_callback_context(max_subtasks=epochs)
        if not getattr(estimator, "_skl_callbacks", None):
            return None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        task = cls(estimator, context, {"X": X, "y": y, "metadata": metadata}, append)
        context.call_on_fit_task_begin(estimator=estimator, **task.rows)
        return task

    @staticmethod
    def fitting(task: FitTask | None, fitted: Any) -> FitTask | None:
        """The task, told what is being fitted."""
        return None if task is None else replace(task, fitted=fitted)

    @staticmethod
    def end(task: FitTask | None) -> None:
        """End the fit's task: the estimator is fitted now."""
        if task is not None:
            task.context.call_on_fit_task_end(estimator=task.estimator, **task.rows, reconstruction_attributes={})

    def attributes(self, network: FittedNetwork, result: TrainingResult) -> dict[str, Any]:
        """Attributes that the estimator would have, had it been fitted to this."""
        fitted = snapshot(self.fitted)
        fitted._adopt_network(network, result, append=self.append)
        return vars(fitted)


@dataclass
class EpochTasks:
    """The epochs as tasks; ``network_of`` makes the fitted network of what training has come to."""

    fit: FitTask
    network_of: Callable[[TrainingResult], FittedNetwork]
    _epoch: Any = field(default=None, init=False)

    def begin(self) -> None:
        """Begin the next epoch's task."""
        self._epoch = self.fit.context.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self.fit.estimator, **self.fit.rows)

    def end(self, result: Callable[[], TrainingResult]) -> bool:
        """End it; whether a callback wants it to be the last one.

        The estimator of this epoch is only made for callbacks that ask for it.
        """

        def attributes() -> dict[str, Any]:
            now = result()
            return self.fit.attributes(self.network_of(now), now)

        return self._epoch.call_on_fit_task_end(
            estimator=self.fit.estimator, **self.fit.rows, reconstruction_attributes=attributes
        )
