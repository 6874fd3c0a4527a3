"""Errors relative to predicting the mean, as in the literature on multi-target regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from ..targets import TargetColumns
from ._inputs import present, read_like, read_targets, read_weights, shown


def relative_error_scores(y_true: Any, y_pred: Any, *, y_train: Any = None, sample_weight: Any = None) -> pd.Series:
    """Compute the relative root mean squared error (RRMSE) of every task; predicting the mean scores 1.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Quantities; NaN, None or pandas.NA for a missing label.
    y_pred : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Predictions.
    y_train : array-like or DataFrame of shape (n_train,) or (n_train, n_tasks), default=None
        Training labels. Predictions are compared with their means, or with the means of y_true if this is None.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the rows, or of the single labels; they also apply to the mean of y_true.

    Returns
    -------
    scores : Series of length n_tasks, float64
        √(Σ(y − ŷ)² / Σ(y − ȳ)²) per task; NaN without labels, or if all labels equal ȳ.

    Raises
    ------
    ValueError
        If shapes or names do not match, or labels are not numbers.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        Once, naming the tasks with an undefined score.

    See Also
    --------
    average_relative_rmse : Averages the scores over tasks.

    Notes
    -----
    The measure is that of [1]_. Two conventions exist for the mean ȳ: the mean of the training labels (``y_train``;
    used in the 2014 report that preceded [1]_) and the mean of the scored labels, for which the score is √(1 − R²). On
    small tables they differ in the third digit, so state which one you report.

    References
    ----------
    .. [1] E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves, I. Vlahavas (2016). Multi-target regression via
       input space expansion: treating targets as inputs. Machine Learning 104.

    Examples
    --------
    >>> from skmtl.metrics import relative_error_scores
    >>> relative_error_scores([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [1.0, 2.0]])
    task
    y0    0.707107
    y1    1.000000
    Name: rrmse, dtype: float64
    """
    return _scores(y_true, y_pred, y_train, sample_weight, stacklevel=2)


def average_relative_rmse(y_true: Any, y_pred: Any, *, y_train: Any = None, sample_weight: Any = None) -> float:
    """Compute the average relative root mean squared error (aRRMSE) over tasks.

    Parameters
    ----------
    y_true, y_pred, y_train, sample_weight : array-like
        As in `relative_error_scores`.

    Returns
    -------
    score : float
        Mean of `relative_error_scores` over tasks with a defined score, NaN without any; lower is better.

    Raises
    ------
    ValueError
        If shapes or names do not match, or labels are not numbers.

    See Also
    --------
    relative_error_scores : Computes the score of every task, and describes the conventions.

    Examples
    --------
    >>> from skmtl.metrics import average_relative_rmse
    >>> round(average_relative_rmse([[0.0, 1.0], [2.0, 3.0]], [[0.0, 2.0], [1.0, 2.0]]), 6)
    0.853553
    """
    return float(_scores(y_true, y_pred, y_train, sample_weight, stacklevel=2).mean())


def _scores(y_true: Any, y_pred: Any, y_train: Any, sample_weight: Any, *, stacklevel: int) -> pd.Series:
    targets = read_targets(y_true, caller="relative_error_scores")
    predictions = read_like(y_pred, targets, name="y_pred")
    weights = read_weights(sample_weight, targets)
    means = None if y_train is None else _means(y_train, targets)
    scores = np.full(len(targets.names), np.nan)
    for task, name in enumerate(targets.names):
        rows = np.flatnonzero(targets.observed[task])
        truth, prediction = quantities_of(targets, task, rows), quantities_of(predictions, task, rows)
        if not np.isfinite(prediction).all():
            raise ValueError(f"y_pred of the task {name!r} is not finite in rows that have a label.")
        weight = np.ones(len(rows)) if weights is None else weights[rows, task]
        if weight.sum() > 0:
            scores[task] = _rrmse(truth, prediction, weight, None if means is None else means[task])
    undefined = [name for name, score in zip(targets.names, scores, strict=True) if np.isnan(score)]
    if undefined:
        warnings.warn(
            f"Undefined relative error (no label, or all labels equal the mean) for {shown(undefined)}.",
            UndefinedMetricWarning,
            stacklevel=stacklevel + 1,
        )
    return pd.Series(scores, index=pd.Index(targets.names, name="task"), name="rrmse")


def _rrmse(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray, mean: float | None) -> float:
    if mean is None:
        mean = float(np.average(truth, weights=weight))
    spread = float(weight @ (truth - mean) ** 2)
    # Equal labels differ from their computed mean only by rounding.
    if spread <= weight.sum() * (8 * np.finfo(np.float64).eps * np.abs(truth).max()) ** 2:
        return np.nan
    return float(np.sqrt(weight @ (truth - prediction) ** 2 / spread))


def _means(y_train: Any, targets: TargetColumns) -> np.ndarray:
    """Return the mean of the known training labels of every task, NaN if there are none."""
    columns = read_targets(y_train, caller="relative_error_scores")
    if len(columns.names) != len(targets.names):
        raise ValueError(f"y_train has {len(columns.names)} columns, y_true has {len(targets.names)} tasks.")
    if columns.is_frame and targets.is_frame and columns.names != targets.names:
        raise ValueError(f"y_train has the columns {list(columns.names)}, y_true {list(targets.names)}.")
    rows = [np.flatnonzero(observed) for observed in columns.observed]
    known = [quantities_of(columns, task, rows[task]) for task in range(len(rows))]
    return np.array([part.mean() if len(part) else np.nan for part in known])


def quantities_of(columns: TargetColumns, task: int, rows: np.ndarray) -> np.ndarray:
    """Return the labels of a task in ``rows`` as float64."""
    values = present(columns, task, rows)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The task {columns.names[task]!r} holds labels that are not numbers: {error}.") from error
