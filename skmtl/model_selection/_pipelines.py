"""Fit the earlier steps of pipelines that end in one of skmtl's estimators, once per rows and settings."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from ..estimators._base import BaseMultiTask
from ._fit_many import FitCall
from ._parameter_keys import parameter_key


def ends_in_network(estimator: Any) -> bool:
    """Return whether this is a pipeline whose last step is one of skmtl's estimators."""
    return isinstance(estimator, Pipeline) and isinstance(estimator.steps[-1][1], BaseMultiTask)


class LastStepRecorder(BaseEstimator):
    """Stands in for the last step of a pipeline and records the arguments of its fit."""

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None, **arguments: Any) -> LastStepRecorder:
        """Record the rows as the earlier steps transformed them."""
        self.received_ = X, y, arguments
        return self

    def get_metadata_routing(self) -> Any:
        """Return the metadata requests of the last step."""
        return self.estimator.get_metadata_routing()


@dataclass
class EarlierSteps:
    """The fitted steps before the last one and their output, shared by pipelines with equal steps."""

    steps: list[tuple[str, Any]]
    received: tuple[Any, Any, dict[str, Any]]

    @classmethod
    def of(cls, call: FitCall) -> EarlierSteps:
        """Fit all steps of a pipeline except the last one."""
        name, last = call.estimator.steps[-1]
        recording = clone(call.estimator)
        recording.steps[-1] = (name, LastStepRecorder(last))
        recording.fit(call.X, call.y, **call.arguments)
        return cls(recording.steps[:-1], recording.steps[-1][1].received_)

    def call(self, call: FitCall, rows: Hashable) -> FitCall:
        """Return the fit call of the last step, and put the fitted steps into the pipeline."""
        pipeline = call.estimator
        pipeline.steps = [*self.steps, pipeline.steps[-1]]
        X, y, arguments = self.received
        return replace(call, estimator=pipeline.steps[-1][1], X=X, y=y, arguments=arguments, rows=rows)


def steps_key(call: FitCall, number: int) -> Hashable:
    """Return a key that is equal for calls whose earlier steps are fitted alike; unknown cases get their ``number``."""
    pipeline = call.estimator
    options = {name: value for name, value in pipeline.get_params(deep=False).items() if name != "steps"}
    key = parameter_key((pipeline.steps[:-1], pipeline.steps[-1][0], options))
    return call.rows, number if key is None else key
