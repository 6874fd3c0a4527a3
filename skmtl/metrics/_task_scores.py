"""Scores of predictions, one row per task."""

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
        Labels of any kind; NaN, None or pandas' NA where a label is not known.
    y_pred : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks), or list of arrays
        Predictions: the output of ``predict`` for metrics of labels and quantities. Metrics of
        class scores take the output of ``predict_proba`` here, unless ``y_score`` holds it: a list with one
        array of shape (n_samples, n_classes) per task (None for a regression), or an array of shape
        (n_samples, n_tasks) with the scores of the second class of binary tasks. For one
        task, an array of shape (n_samples,) or (n_samples, n_classes).
    metrics : str, callable, list or dict
        What to compute. Each metric is

        - a name of scikit-learn's scorers such as ``"r2"``, ``"neg_mean_squared_error"`` or ``"roc_auc"``:
          the value has the scorer's sign, more is better;
        - a name of a function of ``sklearn.metrics`` such as ``"mean_squared_error"`` or ``"log_loss"``:
          the value is the function's;
        - a function ``f(y_true, y_pred)`` or ``f(y_true, y_pred, sample_weight=...)``, among them those of
          ``sklearn.metrics``, which may be bound to options by ``functools.partial``;
        - a scorer as ``sklearn.metrics.make_scorer`` makes it.

        A dict names the metrics (``{"name": metric}``), or, where its keys are tasks (by name or position),
        gives each task its own (``{"price": "r2", "type": ["accuracy", "roc_auc"]}``).
    y_score : array-like, DataFrame or list of arrays, default=None
        Class scores for the metrics that need them, in the forms named under ``y_pred``, which then serves
        the other metrics.
    classes : list of arrays, dict or array, default=None
        Per task the classes in the order of the score columns, as in ``estimator.classes_``; a dict by task
        name; for one task, an array. Needed only where the labels do not tell: without it, integer
        labels below the number of columns are column numbers, else all classes must be among the labels.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the rows, or of every label.
    task_names : sequence of str, default=None
        Names of the tasks of an array, by default ``y0``, ``y1``, ...; a table has its column names.

    Returns
    -------
    scores : DataFrame of shape (n_tasks, n_metrics), float64
        One row per task, one column per metric; NaN where a metric is undefined or not asked for.

    Raises
    ------
    ValueError
        Where shapes or names do not match, a metric is unknown, or it refuses the labels.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        Once per call, naming the metrics and tasks, where values are undefined: no label, or labels of one
        class for a ROC AUC.

    See Also
    --------
    make_task_scorer : The same metrics as one number, for searches and cross-validation.

    Notes
    -----
    On the rows with a label the values are those of scikit-learn's functions. For metrics of class scores:

    - Labels count as class numbers, so that string classes work; of two classes the second is the positive
      one.
    - ROC AUC of more than two classes is the unweighted mean of one-versus-rest, unless the metric says
      otherwise (``"roc_auc_ovo"``, ``partial(roc_auc_score, average="weighted")``). It is undefined where a
      class has no row.
    - Average precision without a positive row is undefined (scikit-learn's function gives 0), and so is any
      skill (D²) on labels of one class.
    - A class that is among the labels and not among ``classes`` has probability 0: that is what an
      estimator says of a class that it never saw.

    Where scikit-learn sets an ill-defined value by convention (precision without predicted positives is 0),
    the value stays and the warning says so.

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
