"""Present one task as an estimator, for scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.metaestimators import available_if

from ._responses import TaskResponse


def _has(method: str) -> Callable[[Any], bool]:
    return lambda estimator: estimator.response.has(method)


class TaskEstimator(BaseEstimator):
    """One task as the fitted estimator that a scorer expects."""

    def __init__(self, response: TaskResponse, classes: np.ndarray | None) -> None:
        self.response = response
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if self.classes is not None:
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags()
        return tags

    @available_if(_has("predict"))
    def predict(self, X: Any) -> np.ndarray:  # noqa: ARG002
        return self.response.labels()

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ARG002
        return self._scores("predict_proba")

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:  # noqa: ARG002
        scores = self._scores("decision_function")
        return scores[:, 1] if scores.shape[1] == 2 else scores

    def _scores(self, method: str) -> np.ndarray:
        if self.classes is None:
            raise ValueError(f"The classes of the task {self.response.name!r} are unknown; pass `classes`.")
        return self.response.class_scores((method,)).scores


class CodedPredictions(BaseEstimator):
    """A task with predicted labels given as class numbers."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes

    def predict(self, X: Any) -> np.ndarray:  # noqa: ARG002
        return self.codes
