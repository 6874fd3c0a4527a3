"""Score predictions of several tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ._inputs import read_targets, read_weights
from ._plan import plan_metrics
from ._responses import Responses
from ._table import score_table


def task_scores(
    y_true: Any,
    y_pred: Any,
    metrics: Any,
    *,
    y_score: Any = None,
    classes: Any = None,
    sample_weight: Any = None,
    task_names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Score predictions of several tasks, each task on the rows that have a label.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Labels of any kind; NaN, None or pandas.NA for a missing label.
    y_pred : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks), or list of arrays
        Predictions: the output of ``predict`` for metrics of labels and quantities. Metrics of class scores take the
        output of ``predict_proba`` from ``y_score`` or, without it, from here: a list with one array of shape
        (n_samples, n_classes) per task (None for a regression), or an array of shape (n_samples, n_tasks) with the
        scores of the second class of binary tasks. For one task, an array of shape (n_samples,) or
        (n_samples, n_classes).
    metrics : str, callable, list or dict
        Metrics to compute. Each metric is

        - the name of one of scikit-learn's scorers, such as ``"r2"``, ``"neg_mean_squared_error"`` or ``"roc_auc"``:
          the value has the scorer's sign, so higher is better;
        - the name of a function in ``sklearn.metrics``, such as ``"mean_squared_error"`` or ``"log_loss"``:
          the value is that of the function;
        - a function ``f(y_true, y_pred)`` or ``f(y_true, y_pred, sample_weight=...)``, such as those in
          ``sklearn.metrics``, possibly with options bound by ``functools.partial``;
        - a scorer from ``sklearn.metrics.make_scorer``.

        A dict names the metrics (``{"name": metric}``). If its keys are tasks (by name or position), it gives each
        task its own metrics (``{"price": "r2", "type": ["accuracy", "roc_auc"]}``).
    y_score : array-like, DataFrame or list of arrays, default=None
        Class scores for the metrics that need them, in the forms described for ``y_pred``. The other metrics then use
        ``y_pred``.
    classes : list of arrays, dict or array, default=None
        Classes of each task in the order of the score columns, as in ``estimator.classes_``, or a dict by task name;
        for one task, an array. Needed only if the labels leave it open: without it, integer labels below the number
        of columns are column numbers, and otherwise all classes must appear among the labels.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the rows, or of the single labels.
    task_names : sequence of str, default=None
        Task names for an array, by default ``y0``, ``y1``, ...; a table uses its column names.

    Returns
    -------
    scores : DataFrame of shape (n_tasks, n_metrics), float64
        One row per task, one column per metric; NaN if a metric is undefined or not requested.

    Raises
    ------
    ValueError
        If shapes or names do not match, a metric is unknown, or it refuses the labels.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        Once per call, naming the metrics and tasks with undefined values: no label, or labels of only one class for a
        ROC AUC.

    See Also
    --------
    make_task_scorer : Makes a scorer of the same metrics, for searches and cross-validation.

    Notes
    -----
    Values are those of scikit-learn's functions on the rows with a label. For metrics of class scores:

    - Labels are converted to class numbers, so string classes work; the second of two classes is the positive one.
    - ROC AUC of more than two classes is the unweighted one-vs-rest mean, unless the metric asks for another one
      (``"roc_auc_ovo"``, ``partial(roc_auc_score, average="weighted")``). It is undefined if a class has no row.
    - Average precision without a positive row is undefined (scikit-learn's function returns 0), and so is any skill
      score (D²) on labels of one class.
    - A class that is among the labels but not in ``classes`` has probability 0, since the estimator has never seen it.

    If scikit-learn defines an ill-defined value by convention (precision without predicted positives is 0), the value
    is kept, and the warning mentions it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.metrics import task_scores
    >>> y_true = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]])
    >>> y_pred = np.array([[1.0, 12.0], [2.0, 21.0], [3.0, 30.0]])
    >>> task_scores(y_true, y_pred, ["r2", "mean_absolute_error"]).round(6).to_dict("index")
    {'y0': {'r2': 1.0, 'mean_absolute_error': 0.0}, 'y1': {'r2': 0.98, 'mean_absolute_error': 1.0}}
    """
    targets = read_targets(y_true, caller="task_scores", task_names=task_names)
    plan = plan_metrics(metrics, targets.names)
    responses = Responses.given(y_pred, y_score, classes, targets)
    return score_table(targets, responses, plan, read_weights(sample_weight, targets), stacklevel=2)
