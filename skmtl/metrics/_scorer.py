"""Scorer that averages a metric over tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .._names import proposal
from ._base_scorer import Average, BaseTaskScorer, average_of, check_average, check_direction
from ._inputs import read_targets
from ._metric import RESPONSE_METHODS, Metric, resolve_metric
from ._plan import by_position, task_position


class TaskScorer(BaseTaskScorer):
    """Scorer that averages a metric over tasks; made and described by `make_task_scorer`.

    Parameters
    ----------
    metric : str, callable or dict
        The metric, or a dict of metrics by task (name or position).
    task : str or int, default=None
        Name or position of the only task to score.
    average : {"mean", "median", "min", "max"}, default="mean"
        How to average the scores of the tasks.
    response_method : {"auto", "predict", "predict_proba", "decision_function"}, default="auto"
        Method of the estimator whose output the metric takes.
    greater_is_better : bool, default=None
        Direction of a custom metric.
    """

    def __init__(
        self,
        metric: Any,
        *,
        task: str | int | None = None,
        average: Average = "mean",
        response_method: str = "auto",
        greater_is_better: bool | None = None,
    ) -> None:
        self.metric = metric
        self.task = task
        self.average = average
        self.response_method = response_method
        self.greater_is_better = greater_is_better

    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator, or a fitted pipeline or search.
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        y : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
            Labels; NaN, None or pandas.NA for a missing label.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of the single labels.

        Returns
        -------
        score : float
            Average score; higher is better. NaN if no task has a defined score.
        """
        return average_of(self.task_scores(estimator, X, y, sample_weight), self.average)

    def task_scores(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> pd.Series:
        """Score every task separately.

        Parameters
        ----------
        estimator, X, y, sample_weight : object
            As in ``score``.

        Returns
        -------
        scores : Series of length n_tasks, float64
            Scores that ``score`` averages; NaN if undefined.
        """
        targets = read_targets(y, caller="TaskScorer")
        # Warnings point to the line that calls the scorer, five frames up.
        table = self._table(estimator, X, targets, self._plan(targets.names), sample_weight, stacklevel=5)
        # Each task has exactly one metric.
        return table.max(axis=1).rename("score")

    def _plan(self, names: tuple[str, ...]) -> dict[int, list[Metric]]:
        if isinstance(self.metric, Mapping):
            plan = by_position(self.metric, names, lambda one: [self._resolve(one)])
        else:
            metric = self._resolve(self.metric)
            plan = {task: [metric] for task in range(len(names))}
        if self.task is None:
            return plan
        position = task_position(self.task, names)
        if position not in plan:
            raise ValueError(f"metric has no entry for the task {self.task!r}: {self.metric}.")
        return {position: plan[position]}

    def _resolve(self, metric: Any) -> Metric:
        resolved = resolve_metric(
            metric, response_method=self.response_method, greater_is_better=self.greater_is_better
        )
        return check_direction(resolved)

    def _accept_sample_weight(self) -> bool:
        # scikit-learn calls this on each scorer of a dict when weights are passed without metadata routing.
        metrics = self.metric.values() if isinstance(self.metric, Mapping) else [self.metric]
        return all(self._resolve(metric).takes_weights for metric in metrics)


def make_task_scorer(
    metric: Any,
    *,
    task: str | int | None = None,
    average: Average = "mean",
    response_method: str = "auto",
    greater_is_better: bool | None = None,
) -> TaskScorer:
    """Make a scorer of several tasks for the ``scoring`` of searches and cross-validation.

    It supports cases where scikit-learn's own scorers fail: missing labels, tasks with more than two classes, and
    metrics of probabilities for several tasks. It works with any estimator whose ``predict`` returns one column per
    task, also at the end of a pipeline.

    Parameters
    ----------
    metric : str, callable or dict
        The metric: the name of a scikit-learn scorer or of a function in ``sklearn.metrics``, a function or a scorer,
        as described in `task_scores`. A dict maps tasks (by name or position) to their own metrics; tasks that it does
        not name are left out.
    task : str or int, default=None
        Name or position of the only task to score; by default, all tasks count.
    average : {"mean", "median", "min", "max"}, default="mean"
        How to average the scores of the tasks. Tasks with an undefined score are left out, with a warning.
    response_method : {"auto", "predict", "predict_proba", "decision_function"}, default="auto"
        Method of the estimator whose output the metric takes. ``"auto"`` uses ``predict_proba`` for scikit-learn's
        metrics of scores, or ``decision_function`` if there is no ``predict_proba`` and the metric only ranks; for all
        other metrics it uses ``predict``. scikit-learn's own ranking scorers try ``decision_function`` first.
    greater_is_better : bool, default=None
        Direction of a custom metric. Needed if its name does not end in ``_score`` (higher is better), ``_error``,
        ``_loss`` or ``_deviance`` (lower is better).

    Returns
    -------
    scorer : TaskScorer
        Callable ``scorer(estimator, X, y, sample_weight=None)``. Higher is better: errors and losses are negated.
        ``scorer.task_scores(estimator, X, y)`` returns the scores before averaging. With metadata routing,
        ``scorer.set_score_request(sample_weight=True)`` requests weights.

    Raises
    ------
    ValueError, TypeError
        If the metric is unknown, or an option does not apply to it.

    See Also
    --------
    make_multimetric_task_scorer : Makes a scorer of several metrics, averaged and per task.
    task_scores : Scores given predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmtl.metrics import make_task_scorer
    >>> X = np.arange(60.0).reshape(-1, 1)
    >>> y = np.column_stack([X[:, 0] > 30, X[:, 0] // 20]).astype(int)
    >>> forest = RandomForestClassifier(n_estimators=5, random_state=0)
    >>> scorer = make_task_scorer("roc_auc")
    >>> scorer(forest.fit(X, y), X, y)
    1.0
    >>> make_task_scorer("accuracy", task="y1", average="mean")
    TaskScorer(metric='accuracy', task='y1')
    """
    check_average(average)
    if task is not None and average != "mean":
        raise ValueError(f"average={average!r} has no effect, since only one task, {task!r}, is scored.")
    if response_method not in RESPONSE_METHODS:
        raise ValueError(f"response_method={response_method!r}.{proposal(response_method, RESPONSE_METHODS)}")
    scorer = TaskScorer(
        metric,
        task=task,
        average=average,
        response_method=response_method,
        greater_is_better=greater_is_better,
    )
    # This resolves the metric, so that a wrong one is refused before a search fits anything.
    scorer._accept_sample_weight()
    return scorer
