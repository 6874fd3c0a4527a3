"""Fits of pipelines that end in one of skmtl's estimators: their earlier steps once for the same rows and setting."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from ..estimators._base import BaseMultiTask
from ._fit_many import FitCall
from ._sameness import written


def ends_in_ours(estimator: Any) -> bool:
    """Whether it is a pipeline whose last step is one of skmtl's estimators."""
    return isinstance(estimator, Pipeline) and isinstance(estimator.steps[-1][1], BaseMultiTask)


class LastStep(BaseEstimator):
    """Stands in for a pipeline's last step, and keeps what that is to be fitted with."""

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None, **arguments: Any) -> LastStep:
        """Keep what the earlier steps made of the rows."""
        self.received_ = X, y, arguments
        return self

    def get_metadata_routing(self) -> Any:
        """What the last step asks for."""
        return self.estimator.get_metadata_routing()


@dataclass
class EarlierSteps:
    """The fitted steps before the last one, and what they give it; of pipelines that would fit them alike."""

    steps: list[tuple[str, Any]]
    received: tuple[Any, Any, dict[str, Any]]

    @classmethod
    def of(cls, call: FitCall) -> EarlierSteps:
        """Fit all steps of a call's pipeline but the last one."""
        name, last = call.estimator.steps[-1]
        recording = clone(call.estimator)
        recording.steps[-1] = (name, LastStep(last))
        recording.fit(call.X, call.y, **call.arguments)
        return cls(recording.steps[:-1], recording.steps[-1][1].received_)

    def call(self, call: FitCall, rows: Hashable) -> FitCall:
        """The fit of the last step of a call's pipeline, which gets the fitted steps."""
        pipeline = call.estimator
        pipeline.steps = [*self.steps, pipeline.steps[-1]]
        X, y, arguments = self.received
        return replace(call, estimator=pipeline.steps[-1][1], X=X, y=y, arguments=arguments, rows=rows)


def steps_key(call: FitCall, number: int) -> Hashable:
    """Equal for calls whose earlier steps are fitted alike; of what cannot be told, the call's own ``number``."""
    pipeline = call.estimator
    others = {name: value for name, value in pipeline.get_params(deep=False).items() if name != "steps"}
    key = written((pipeline.steps[:-1], pipeline.steps[-1][0], others))
    return call.rows, number if key is None else key
