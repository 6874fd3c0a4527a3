"""Scorer of several metrics and tasks from one prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._base_scorer import Average, BaseTaskScorer, average_of, check_average, check_direction
from ._inputs import read_targets
from ._metric import Metric
from ._plan import plan_metrics


class MultiMetricTaskScorer(BaseTaskScorer):
    """Scorer that returns a dict of scores; made and described by `make_multimetric_task_scorer`.

    Parameters
    ----------
    metrics : str, callable, list or dict
        The metrics, in the forms of `task_scores`.
    average : {"mean", "median", "min", "max"} or None, default="mean"
        How to average the scores of the tasks; None leaves the average out.
    per_task : bool, default=True
        Whether to return the score of every task as well.
    """

    def __init__(self, metrics: Any, *, average: Average | None = "mean", per_task: bool = True) -> None:
        self.metrics = metrics
        self.average = average
        self.per_task = per_task

    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
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
        scores : dict of str to float
            Scores; higher is better. ``"metric"`` is the average, ``"metric__task"`` the score of a task.
        """
        targets = read_targets(y, caller="MultiMetricTaskScorer")
        plan = self._plan(targets.names)
        table = self._table(estimator, X, targets, plan, sample_weight, stacklevel=4)
        by_metric: dict[str, dict[str, float]] = {}
        for row, (task, metrics) in enumerate(plan.items()):
            for metric in metrics:
                column = int(table.columns.get_loc(metric.name))
                name = metric.name if metric.greater_is_better else f"neg_{metric.name}"
                by_metric.setdefault(name, {})[targets.names[task]] = float(table.iat[row, column])
        scores: dict[str, float] = {}
        for name, by_task in by_metric.items():
            if self.average is not None:
                scores[name] = average_of(by_task.values(), self.average)
            if self.per_task:
                scores.update({f"{name}__{task}": value for task, value in by_task.items()})
        return scores

    def _plan(self, names: tuple[str, ...]) -> dict[int, list[Metric]]:
        if self.average is not None:
            check_average(self.average)
        elif not self.per_task:
            raise ValueError("average=None with per_task=False leaves nothing to return; set one of them.")
        plan = plan_metrics(self.metrics, names)
        for metrics in plan.values():
            for metric in metrics:
                check_direction(metric)
        return plan


def make_multimetric_task_scorer(
    metrics: Any, *, average: Average | None = "mean", per_task: bool = True
) -> MultiMetricTaskScorer:
    """Make a scorer that returns several metrics, averaged and per task, from one prediction.

    Pass the scorer itself as ``scoring``, not in a dict or list: scikit-learn accepts a callable that returns a dict.
    In a search, set ``refit`` to the name of one of the scores.

    Parameters
    ----------
    metrics : str, callable, list or dict
        The metrics, in the forms of `task_scores`.
    average : {"mean", "median", "min", "max"} or None, default="mean"
        How to average the scores of the tasks; None leaves the average out.
    per_task : bool, default=True
        Whether to return the score of every task as well.

    Returns
    -------
    scorer : MultiMetricTaskScorer
        Callable ``scorer(estimator, X, y, sample_weight=None)`` that returns a dict: ``"r2"`` is the average over
        tasks, ``"r2__price"`` the score of the task "price". Higher is better: errors and losses are negated, and
        their names start with ``neg_``.

    See Also
    --------
    make_task_scorer : Makes a scorer that returns one number.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl.metrics import make_multimetric_task_scorer
    >>> X = np.arange(10.0).reshape(-1, 1)
    >>> y = np.column_stack([X, -X])
    >>> model = LinearRegression().fit(X, y)
    >>> y[3, 1] = np.nan
    >>> scores = make_multimetric_task_scorer(["r2", "max_error"])(model, X, y)
    >>> list(scores)
    ['r2', 'r2__y0', 'r2__y1', 'neg_max_error', 'neg_max_error__y0', 'neg_max_error__y1']
    >>> round(scores["r2__y1"], 6)
    1.0
    """
    scorer = MultiMetricTaskScorer(metrics, average=average, per_task=per_task)
    # Without a dict, all tasks have the same metrics: check them before anything is fitted.
    if not isinstance(metrics, Mapping):
        scorer._plan(("y0",))
    return scorer
