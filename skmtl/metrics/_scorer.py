"""A scorer that averages a metric over tasks, for searches and cross-validation."""

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
    """Scorer that averages a metric over tasks; `make_task_scorer` makes and describes it.

    Parameters
    ----------
    metric : str, callable or dict
        The metric, or a dict that gives tasks (by name or position) their own.
    task : str or int, default=None
        Name or position of the only task to score.
    average : {"mean", "median", "min", "max"}, default="mean"
        How the scores of the tasks become one.
    response_method : {"auto", "predict", "predict_proba", "decision_function"}, default="auto"
        What feeds the metric.
    greater_is_better : bool, default=None
        Direction of a metric of your own.
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
            Labels; NaN, None or pandas' NA where a label is not known.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of every label.

        Returns
        -------
        score : float
            More is better; NaN where no task has a defined score.
        """
        return average_of(self.task_scores(estimator, X, y, sample_weight), self.average)

    def task_scores(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> pd.Series:
        """Score every task on its own.

        Parameters
        ----------
        estimator, X, y, sample_weight : object
            As for ``score``.

        Returns
        -------
        scores : Series of length n_tasks, float64
            What ``score`` averages; NaN where undefined.
        """
        targets = read_targets(y, caller="TaskScorer")
        # A warning names the line of the caller's call of the scorer, five frames up.
        table = self._table(estimator, X, targets, self._plan(targets.names), sample_weight, stacklevel=5)
        # Each task has one metric, whatever its name.
        return table.max(axis=1).rename("score")

    def _plan(self, names: tuple[str, ...]) -> dict[int, list[Metric]]:
        if isinstance(self.metric, Mapping):
            plan = by_position(self.metric, names, lambda one: [self._resolve(one)])
        else:
            found = self._resolve(self.metric)
            plan = {task: [found] for task in range(len(names))}
        if self.task is None:
            return plan
        position = task_position(self.task, names)
        if position not in plan:
            raise ValueError(f"metric names no metric for the task {self.task!r}: {self.metric}.")
        return {position: plan[position]}

    def _resolve(self, metric: Any) -> Metric:
        found = resolve_metric(metric, response_method=self.response_method, greater_is_better=self.greater_is_better)
        return check_direction(found)

    def _accept_sample_weight(self) -> bool:
        # scikit-learn asks each scorer of a dict this, where weights are passed without metadata routing.
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
    """Make a scorer for ``scoring=`` of searches and cross-validation that copes with several tasks.

    It works where scikit-learn's own scorers fail: with missing labels, with tasks of more than two
    classes, and with metrics of probabilities for several tasks. It serves any estimator whose ``predict``
    gives one column per task, also at the end of a pipeline.

    Parameters
    ----------
    metric : str, callable or dict
        The metric: a scikit-learn scorer's name, a name of a function of ``sklearn.metrics``, a function
        or a scorer, as described in `task_scores`. A dict whose keys are tasks (by name or position) gives
        tasks their own metric; tasks that it does not name are left out.
    task : str or int, default=None
        Name or position of the only task to score; by default all count.
    average : {"mean", "median", "min", "max"}, default="mean"
        How the scores of the tasks become one. Tasks whose score is undefined are left out, with a warning.
    response_method : {"auto", "predict", "predict_proba", "decision_function"}, default="auto"
        What feeds the metric. ``"auto"``: ``predict_proba`` (if there is none and the metric only ranks,
        ``decision_function``) for scikit-learn's metrics of scores, ``predict`` for all others. scikit-learn's
        own scorers of rankings ask for ``decision_function`` first.
    greater_is_better : bool, default=None
        Direction of a metric of your own, needed where its name does not end in ``_score`` (more is
        better), ``_error``, ``_loss`` or ``_deviance`` (less is better).

    Returns
    -------
    scorer : TaskScorer
        Callable ``scorer(estimator, X, y, sample_weight=None)``; more is better, so that the sign of errors
        and losses is changed. ``scorer.task_scores(estimator, X, y)`` gives the scores before averaging.
        Under metadata routing ``scorer.set_score_request(sample_weight=True)`` asks for weights.

    Raises
    ------
    ValueError, TypeError
        Where the metric is unknown or an option does not fit it.

    See Also
    --------
    make_multimetric_task_scorer : Several metrics, and every task's score, from one prediction.
    task_scores : Scores of given predictions.

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
        raise ValueError(f"average={average!r} has nothing to average where one task, {task!r}, is scored.")
    if response_method not in RESPONSE_METHODS:
        raise ValueError(f"response_method={response_method!r}.{proposal(response_method, RESPONSE_METHODS)}")
    scorer = TaskScorer(
        metric,
        task=task,
        average=average,
        response_method=response_method,
        greater_is_better=greater_is_better,
    )
    # Asking once here brings a wrong metric to light before a search has fitted anything.
    scorer._accept_sample_weight()
    return scorer
