"""Read the responses of an estimator, task by task: labels, class scores and classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from .._names import proposal
from ..targets import TargetColumns, as_objects, check_same_family
from ._classes import ClassScores, class_scores
from ._inputs import holds_matrices, present, read_like

SCORE_METHODS = ("predict_proba", "decision_function")


class Responses:
    """Responses for all tasks; each response method is called at most once, when it is first needed.

    Parameters
    ----------
    targets : TargetColumns
        The true labels.
    methods : mapping of str to callable
        The available response methods; each returns its raw output for all tasks.
    classes : list with one array or None per task
        The classes in the order of the score columns, if known.
    has_scores : bool
        Whether class scores are certainly available.
    """

    def __init__(
        self,
        targets: TargetColumns,
        methods: Mapping[str, Callable[[], Any]],
        classes: list[np.ndarray | None],
        has_scores: bool,
    ) -> None:
        self.targets = targets
        self.classes = classes
        self.has_scores = has_scores
        self._methods = methods
        self._labels: TargetColumns | None = None
        self._scores: dict[str, list[np.ndarray | None]] = {}

    @classmethod
    def of_estimator(cls, estimator: Any, X: Any, targets: TargetColumns) -> Responses:
        """Return the responses of a fitted estimator for the rows of X."""
        methods = {
            name: partial(getattr(estimator, name), X)
            for name in ("predict", *SCORE_METHODS)
            if hasattr(estimator, name)
        }
        classes = read_classes(getattr(estimator, "classes_", None), targets, strict=False)
        return cls(targets, methods, classes, any(name in methods for name in SCORE_METHODS))

    @classmethod
    def given(cls, y_pred: Any, y_score: Any, classes: Any, targets: TargetColumns) -> Responses:
        """Return responses that the caller computed; without y_score, y_pred holds the scores."""
        scores = y_pred if y_score is None else y_score
        if len(targets.names) == 1 and classes is None and np.shape(scores) == (targets.n_samples, 1):
            # One column for one task: the scores of the second class, as in a 1-D y_score.
            scores = np.asarray(scores)[:, 0]
        known = read_classes(classes, targets, strict=True)
        scores = in_order_of_classes(scores, known, targets)
        methods = {"predict": lambda: y_pred, **{name: (lambda: scores) for name in SCORE_METHODS}}
        has_scores = y_score is not None or holds_matrices(y_pred)
        return cls(targets, methods, known, has_scores)

    def has(self, method: str) -> bool:
        """Return whether this response method is available."""
        return method in self._methods

    def labels(self, task: int, rows: np.ndarray) -> np.ndarray:
        """Return the predictions of a task in ``rows``."""
        if self._labels is None:
            if not self.has("predict"):
                raise ValueError("The estimator has no method predict.")
            self._labels = read_like(self._methods["predict"](), self.targets, name="y_pred")
        if not self._labels.observed[task][rows].all():
            name = self.targets.names[task]
            raise ValueError(f"y_pred of the task {name!r} has missing values in rows that have a label.")
        return present(self._labels, task, rows)

    def scores(self, task: int, rows: np.ndarray, methods: tuple[str, ...]) -> tuple[str, np.ndarray]:
        """Return the first available of ``methods`` and its output for ``rows``, (n_rows,) or (n_rows, k)."""
        method = next((name for name in methods if self.has(name)), None)
        if method is None:
            raise ValueError(f"The metric needs {' or '.join(methods)}, which the estimator does not have.")
        if method not in self._scores:
            self._scores[method] = _read_scores(self._methods[method](), self.targets, method)
        scores = self._scores[method][task]
        if scores is None:
            raise ValueError(f"{method} returned no scores for the task {self.targets.names[task]!r}.")
        return method, scores[rows]


class TaskResponse:
    """Labels of one task in the rows that have one, and the responses for these rows."""

    def __init__(self, responses: Responses, task: int, rows: np.ndarray) -> None:
        self._responses, self._task, self._rows = responses, task, rows
        self.name = responses.targets.names[task]
        self.y_true = present(responses.targets, task, rows)

    def has(self, method: str) -> bool:
        """Return whether this response method is available."""
        return self._responses.has(method)

    def labels(self) -> np.ndarray:
        """Return predicted labels or quantities, (n_rows,)."""
        return self._responses.labels(self._task, self._rows)

    def class_scores(self, methods: tuple[str, ...]) -> ClassScores:
        """Return the class codes of the labels, and a score per class."""
        method, scores = self._responses.scores(self._task, self._rows, methods)
        known = self._responses.classes[self._task]
        return class_scores(self.name, self.y_true, scores, known, method)

    def has_odd_labels(self) -> bool:
        """Return whether labels are classes of a type that scikit-learn's metrics refuse, such as dates."""
        cells = self.y_true
        if cells.dtype.kind in "mM":
            return True
        if cells.dtype != object or all(isinstance(cell, str) for cell in cells):
            return False
        known = self._responses.classes[self._task] is not None
        return known or not any(isinstance(cell, Number) for cell in cells)

    def coded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return labels and predicted labels as positions among the sorted classes."""
        known, predicted = self._responses.classes[self._task], self.labels()
        check_same_family(self.name, self.y_true, predicted)
        given = (self.y_true, predicted, predicted if known is None else known)
        truth, predicted, known = (as_objects(labels) for labels in given)
        classes = np.unique(np.concatenate([truth, predicted, known]))
        return np.searchsorted(classes, truth), np.searchsorted(classes, predicted)

    def classes(self) -> np.ndarray | None:
        """Return the sorted classes of the task, or None if it is not known to have classes."""
        known = self._responses.classes[self._task]
        if known is not None:
            return np.union1d(known, self.y_true)
        return self.class_scores(SCORE_METHODS).classes if self._responses.has_scores else None


def read_classes(classes: Any, targets: TargetColumns, *, strict: bool) -> list[np.ndarray | None]:
    """Return the classes per task, from an estimator's ``classes_`` or from the caller (``strict``)."""
    n_tasks = len(targets.names)
    if classes is None:
        return [None] * n_tasks
    if isinstance(classes, Mapping):
        for name in classes:
            if str(name) not in targets.names:
                raise ValueError(f"classes names the task {name!r}.{proposal(str(name), targets.names)}")
        by_name = {str(name): part for name, part in classes.items()}
        parts = [by_name.get(name) for name in targets.names]
    else:
        parts = list(classes)
    nested = all(part is None or np.ndim(part) == 1 for part in parts)
    if n_tasks == 1 and not nested:
        return [np.asarray(classes)]
    if nested and len(parts) == n_tasks:
        return [None if part is None else np.asarray(part) for part in parts]
    if strict:
        raise ValueError(
            f"classes should be a list of {n_tasks} arrays, one per task (None for a regression), got {classes!r}."
        )
    # In scikit-learn's multi-label estimators, classes_ numbers the outputs and holds no classes of a task.
    return [None] * n_tasks


def in_order_of_classes(scores: Any, classes: list[np.ndarray | None], targets: TargetColumns) -> Any:
    """Reorder score tables whose columns are named after the classes to the order of the classes.

    Without known classes, this is the sorted order of the labels.
    """
    if isinstance(scores, list | tuple) and len(scores) == len(classes):
        return [
            _by_class(part, known, targets, task)
            for task, (part, known) in enumerate(zip(scores, classes, strict=True))
        ]
    return _by_class(scores, classes[0], targets, 0) if len(classes) == 1 else scores


def _by_class(scores: Any, classes: np.ndarray | None, targets: TargetColumns, task: int) -> Any:
    if not isinstance(scores, pd.DataFrame) or isinstance(scores.columns, pd.RangeIndex):
        return scores
    if classes is None:
        classes = np.unique(present(targets, task, targets.observed[task]))
    if len(classes) != scores.shape[1] or set(scores.columns) != set(classes.tolist()):
        return scores
    return scores[classes.tolist()]


def _read_scores(scores: Any, targets: TargetColumns, method: str) -> list[np.ndarray | None]:
    n_tasks = len(targets.names)
    if holds_matrices(scores):
        if len(scores) != n_tasks:
            raise ValueError(f"{method} returned {len(scores)} matrices for {n_tasks} tasks.")
        return [None if part is None else _numbers(part, targets, method) for part in scores]
    if isinstance(scores, pd.DataFrame) and targets.is_frame:
        names = [str(name) for name in scores.columns]
        if set(names) == set(targets.names):
            scores = scores.iloc[:, [names.index(name) for name in targets.names]]
    array = _numbers(scores, targets, method)
    if n_tasks == 1:
        return [array]
    if array.ndim != 2 or array.shape[1] != n_tasks:
        raise ValueError(
            f"{method} should return a list of {n_tasks} matrices, one per task, or a matrix with one column "
            f"of scores per (binary) task, got an array of shape {array.shape}."
        )
    return list(array.T)


def _numbers(scores: Any, targets: TargetColumns, method: str) -> np.ndarray:
    array = np.asarray(scores)
    if array.dtype.kind in "iub":
        array = array.astype(np.float64)
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise ValueError(
            f"The metric needs scores like the output of {method}, got an array of dtype {array.dtype} and shape "
            f"{array.shape}."
        )
    if len(array) != targets.n_samples:
        raise ValueError(f"The output of {method} has {len(array)} rows, y_true has {targets.n_samples}.")
    return array
