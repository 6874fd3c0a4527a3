"""One task of an estimator in the shape of an estimator, which is what scikit-learn's scorers take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils.metaestimators import available_if

from ._responses import TaskAnswer


def _has(method: str) -> Callable[[Any], bool]:
    return lambda view: view.answer.has(method)


class TaskView(BaseEstimator):
    """One task of an estimator, as the estimator that a scorer expects."""

    def __init__(self, answer: TaskAnswer, classes: np.ndarray | None) -> None:
        self.answer = answer
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
        return self.answer.labels()

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ARG002
        return self._scores("predict_proba")

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:  # noqa: ARG002
        scores = self._scores("decision_function")
        return scores[:, 1] if scores.shape[1] == 2 else scores

    def _scores(self, method: str) -> np.ndarray:
        if self.classes is None:
            raise ValueError(f"Nothing says which classes the task {self.answer.name!r} has; pass `classes`.")
        return self.answer.class_scores((method,)).scores


class CodedView(BaseEstimator):
    """A task whose predicted labels are given as numbers of classes."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes

    def predict(self, X: Any) -> np.ndarray:  # noqa: ARG002
        return self.codes
