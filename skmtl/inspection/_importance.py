"""Compute the permutation importance of every feature for every task."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._records import Kind
from ..metrics._inputs import read_targets, read_weights
from ..metrics._responses import Responses
from ..metrics._table import score_table
from ..targets import TargetColumns
from ._columns import as_table, column, feature_names, with_column
from ._estimators import core, task_kinds
from ._scoring import TaskMetric, task_metrics


def task_permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    scoring: Any = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: Any = None,
    sample_weight: Any = None,
) -> Bunch:
    """Compute the permutation importance of every feature for every task, all tasks in one pass.

    The importance is the drop in a task's score when the values of the feature are shuffled.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of one or several tasks.
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        Rows to predict. Rows that the estimator was not fitted to show which features help to generalise.
    y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
        Targets; NaN, None or pandas.NA for a missing label.
    scoring : str, callable, scorer, dict or TaskScorer, default=None
        Metric, as in `make_task_scorer`. A dict maps tasks (by name or position) to their own metrics; tasks that it
        does not name are left out. None means R2 for regressions and accuracy for classifications.
    n_repeats : int, default=5
        Number of times each feature is shuffled.
    n_jobs : int, default=None
        Number of features computed in parallel; -1 means all processors. It does not affect the result.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the rows, or of the single labels, in the scores.

    Returns
    -------
    result : Bunch
        With the attributes

        importances_mean, importances_std : DataFrame of shape (n_features, n_tasks), float64
            Mean and standard deviation over repeats.
        importances : ndarray of shape (n_features, n_tasks, n_repeats), float64
            How much worse the score becomes: positive also for metrics where lower is better. NaN if a score is
            undefined.
        baseline : Series of length n_tasks, float64
            Scores on the unshuffled rows.
        metrics : Series of length n_tasks, str
            Names of the metrics.

    See Also
    --------
    TaskImportanceDisplay : Plots the result.

    Notes
    -----
    The method is that of [1]_, for any model as in [2]_: one column is shuffled and nothing is refitted. The cost is
    ``n_features * n_repeats + 1`` predictions of X. Each serves all tasks, so many tasks cost hardly more than one;
    scikit-learn's function needs a pass per task. Features that carry the same information share their importance,
    and each of them may look unimportant.

    References
    ----------
    .. [1] L. Breiman (2001). Random forests. Machine Learning 45.
    .. [2] A. Fisher, C. Rudin, F. Dominici (2019). All models are wrong, but many are useful. JMLR 20.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl.inspection import task_permutation_importance
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> y = np.column_stack([X[:, 0], X.sum(axis=1)])
    >>> result = task_permutation_importance(LinearRegression().fit(X, y), X, y, random_state=0)
    >>> result.importances_mean.round().to_dict("index")
    {'x0': {'y0': 2.0, 'y1': 1.0}, 'x1': {'y0': 0.0, 'y1': 1.0}}
    """
    check_is_fitted(estimator)
    if isinstance(n_repeats, bool) or not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats should be an integer of at least 1, got {n_repeats!r}.")
    X = as_table(X, "task_permutation_importance")
    targets = _targets(estimator, y)
    check_consistent_length(X, targets.values[0])
    weights = read_weights(sample_weight, targets)
    metrics = task_metrics(scoring, targets.names, _kinds(estimator, targets))
    baseline = _score(estimator, X, targets, metrics, weights)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    with warnings.catch_warnings():
        # The baseline has already warned about undefined scores.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        scores = Parallel(n_jobs=n_jobs)(
            delayed(_shuffled_scores)(estimator, X, targets, metrics, weights, position, int(n_repeats), seed)
            for position in range(X.shape[1])
        )
    signs = np.array([metric.gain_sign for metric in metrics.values()])
    losses = signs[:, None] * (baseline[:, None] - np.stack(scores))
    names = pd.Index([targets.names[task] for task in metrics], name="task")
    features = pd.Index(feature_names(X), name="feature")
    return Bunch(
        importances_mean=pd.DataFrame(losses.mean(axis=2), index=features, columns=names),
        importances_std=pd.DataFrame(losses.std(axis=2), index=features, columns=names),
        importances=losses,
        baseline=pd.Series(baseline, index=names, name="score"),
        metrics=pd.Series([metric.metric.name for metric in metrics.values()], index=names, name="metric"),
    )


def _targets(estimator: Any, y: Any) -> TargetColumns:
    """Return the columns of y; those of an array get the task names of the estimator."""
    targets = read_targets(y, caller="task_permutation_importance")
    known = getattr(core(estimator), "task_names_", None)
    if known is None or targets.is_frame or len(known) != len(targets.names):
        return targets
    return read_targets(y, caller="task_permutation_importance", task_names=known)


def _kinds(estimator: Any, targets: TargetColumns) -> tuple[Kind, ...]:
    """Return the kinds of the tasks, as in ``fit`` if the estimator is one of skmtl's."""
    network = getattr(core(estimator), "network_", None)
    if network is not None and len(network.tasks) == len(targets.names):
        return tuple(task.kind for task in network.tasks)
    return task_kinds(estimator, targets)


def _score(
    estimator: Any, X: Any, targets: TargetColumns, metrics: dict[int, TaskMetric], weights: np.ndarray | None
) -> np.ndarray:
    plan = {task: [metric.metric] for task, metric in metrics.items()}
    table = score_table(targets, Responses.of_estimator(estimator, X, targets), plan, weights, stacklevel=3)
    return table.max(axis=1).to_numpy()


def _shuffled_scores(
    estimator: Any,
    X: Any,
    targets: TargetColumns,
    metrics: dict[int, TaskMetric],
    weights: np.ndarray | None,
    position: int,
    n_repeats: int,
    seed: int,
) -> np.ndarray:
    """Return scores (n_tasks, n_repeats) with one column shuffled; the order depends only on seed and column."""
    random = np.random.default_rng((seed, position))
    values, scores = column(X, position), []
    for _ in range(n_repeats):
        order = random.permutation(len(values))
        shuffled = values.iloc[order] if isinstance(values, pd.Series) else values[order]
        scores.append(_score(estimator, with_column(X, position, shuffled), targets, metrics, weights))
    return np.stack(scores, axis=1)
