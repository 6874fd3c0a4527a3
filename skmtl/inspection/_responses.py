"""Read the predictions of a fitted estimator, task by task: quantities and class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..targets import TargetColumns, read_columns
from ._estimators import core


@dataclass(frozen=True)
class Response:
    """One predicted column: a regression's quantity (``label`` None), or the probability of the class ``label``."""

    task: str
    label: Any = None

    @property
    def title(self) -> str:
        """Name of the column in a plot."""
        return self.task if self.label is None else f"P({self.task} = {self.label})"


class TaskResponses:
    """Reads the predictions of all tasks; ``columns`` describes the columns of ``read(X)``."""

    def __init__(self, estimator: Any, X: Any) -> None:
        check_is_fitted(estimator)
        self.estimator = estimator
        labels = read_columns(estimator.predict(X), estimator="predict")
        self.names = task_names(estimator, labels)
        self.classes = _classes(estimator, labels)
        self.columns = [
            response
            for name, classes in zip(self.names, self.classes, strict=True)
            for response in _columns_of(name, classes)
        ]

    def read(self, X: Any) -> np.ndarray:
        """Return quantities and probabilities, (n_samples, n_columns) float64."""
        parts: list[np.ndarray] = []
        quantities: TargetColumns | None = None
        if any(classes is None for classes in self.classes):
            quantities = read_columns(self.estimator.predict(X), estimator="predict")
        probabilities = None
        if any(classes is not None for classes in self.classes):
            probabilities = _matrices(self.estimator.predict_proba(X), len(self.names))
        for task, classes in enumerate(self.classes):
            if classes is None and quantities is not None:
                parts.append(quantities.values[task].astype(np.float64)[:, None])
            elif probabilities is not None:
                shown = probabilities[task]
                # The second of two classes is enough.
                parts.append(shown[:, 1:] if shown.shape[1] == 2 else shown)
        return np.concatenate(parts, axis=1).astype(np.float64)


def task_names(estimator: Any, columns: TargetColumns) -> tuple[str, ...]:
    """Return the task names seen in ``fit`` if the estimator has kept them, else the column names."""
    known = getattr(core(estimator), "task_names_", None)
    if known is not None and len(known) == len(columns.names) and not columns.is_frame:
        return tuple(str(name) for name in known)
    return columns.names


def _columns_of(name: str, classes: np.ndarray | None) -> Sequence[Response]:
    if classes is None:
        return [Response(name)]
    shown = classes[1:] if len(classes) == 2 else classes
    return [Response(name, label) for label in shown.tolist()]


def _classes(estimator: Any, labels: TargetColumns) -> list[np.ndarray | None]:
    """Return the classes of every task, None for a regression."""
    known = getattr(estimator, "classes_", None)
    if known is None:
        return [None] * len(labels.names)
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"{type(estimator).__name__} has no predict_proba, which the partial dependence of a classification needs."
        )
    if labels.one_dimensional:
        return [np.asarray(known)]
    if all(part is None or np.ndim(part) == 1 for part in known):
        return [None if part is None else np.asarray(part) for part in known]
    # In a multi-label classifier, classes_ numbers the outputs; each output is 0 or 1.
    return [np.array([0, 1])] * len(labels.names)


def _matrices(probabilities: Any, n_tasks: int) -> list[np.ndarray]:
    """Return one (n_samples, n_classes) array per task, from any form that predict_proba returns."""
    if isinstance(probabilities, list | tuple):
        return list(probabilities)
    if n_tasks == 1:
        return [np.asarray(probabilities)]
    return [np.column_stack([1.0 - column, column]) for column in np.asarray(probabilities).T]
