"""Match the columns of a score matrix with classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassScores:
    """Sorted classes, labels as class numbers (n,), and one column of scores per class (n, n_classes)."""

    classes: np.ndarray
    codes: np.ndarray
    scores: np.ndarray


def class_scores(
    name: str, labels: np.ndarray, scores: np.ndarray, classes: np.ndarray | None, method: str
) -> ClassScores:
    """Match the score columns of a task with its classes.

    Scores of shape (n,) are those of the second class. A class that is among the labels but has no scores gets the
    probability 0, since the estimator has never seen it.
    """
    if scores.ndim == 1:
        scores = np.column_stack([1 - scores, scores])
    if classes is None:
        classes = _infer_classes(name, labels, scores.shape[1])
    if len(classes) != scores.shape[1]:
        raise ValueError(
            f"Task {name!r} has {len(classes)} classes ({classes.tolist()}), but {method} returned "
            f"{scores.shape[1]} columns."
        )
    _check_same_kind(name, labels, classes)
    order = np.argsort(classes)
    classes, scores = classes[order], scores[:, order]
    everything = np.union1d(classes, labels)
    if len(everything) > len(classes):
        if method != "predict_proba":
            unseen = np.setdiff1d(labels, classes).tolist()
            raise ValueError(f"Task {name!r} has the labels {unseen}, for which {method} returned no scores.")
        known = np.searchsorted(everything, classes)
        widened = np.zeros((len(scores), len(everything)), dtype=scores.dtype)
        widened[:, known] = scores
        classes, scores = everything, widened
    return ClassScores(classes, np.searchsorted(classes, labels), scores)


def _infer_classes(name: str, labels: np.ndarray, n_columns: int) -> np.ndarray:
    """Infer the classes of ``n_columns`` score columns from the labels, or raise if that would be a guess."""
    present = np.unique(labels)
    if present.dtype.kind in "fiub" and np.isin(present, np.arange(n_columns)).all():
        return np.arange(n_columns)
    if len(present) == n_columns:
        return present
    raise ValueError(
        f"Task {name!r} has the labels {present.tolist()}, but {n_columns} columns of scores: pass `classes`, "
        "one array per task, to say which column is which class."
    )


def _check_same_kind(name: str, labels: np.ndarray, classes: np.ndarray) -> None:
    numeric = [array.dtype.kind in "fiub" for array in (labels, classes)]
    if numeric[0] != numeric[1]:
        raise ValueError(
            f"Task {name!r} has labels such as {labels[0]!r}, which are of another type than its classes "
            f"{classes.tolist()}."
        )
