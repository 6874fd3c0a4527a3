"""An estimator of several tasks against its own single-task twins, on the same folds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import pandas as pd
from joblib import effective_n_jobs
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed

from .._names import proposal
from ..targets import TargetColumns, read_columns
from ._budget import check_scalable
from ._comparison import MULTI, SINGLE, SingleTaskComparison
from ._estimators import task_kinds
from ._folds import Folds, make_folds
from ._jobs import Job, Outcome, Table, run, run_together
from ._plan import Plan
from ._scoring import TaskMetric, task_metrics

_BUDGETS = ("full", "equal_parameters")
_KINDS = {"regression", "classification"}
_RESERVED = {MULTI, SINGLE}


def compare_with_single_task(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    cv: Any = 5,
    n_repeats: int = 1,
    scoring: Any = None,
    budget: Literal["full", "equal_parameters"] = "full",
    other_estimators: Mapping[str, Any] | None = None,
    groups: Any = None,
    confidence_level: float = 0.95,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> SingleTaskComparison:
    """Cross-validate an estimator of several tasks against its own single-task twins.

    A twin is the same estimator with the same settings, fitted to one task alone, on the same folds. What the
    comparison says is whether learning the tasks together helped, task by task.

    Parameters
    ----------
    estimator : estimator
        A multi-task estimator, not necessarily fitted: one of skmtl's, a pipeline or search that ends in
        one, or any other that takes a 2-D y. It is cloned.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples, n_tasks)
        Targets, at least two; NaN, None or pandas.NA where a label is not known. A twin is
        fitted to the rows that have a label of its task.
    cv : int, splitter or iterable of (train, test), default=5
        Folds. An integer is the number of folds of `MultiTaskStratifiedKFold`, or of its group variant
        where there are groups, shuffled where ``random_state`` is given or ``n_repeats`` > 1.
    n_repeats : int, default=1
        How often an integer cv is repeated with other folds. More repeats narrow the intervals.
    scoring : str, callable, scorer, dict or TaskScorer, default=None
        Metric, as `make_task_scorer` takes it; a dict gives tasks (by name or position) their own, and tasks
        that it does not name are learnt along, but not compared. None is R2 of a regression and accuracy of
        a classification.
    budget : {"full", "equal_parameters"}, default="full"
        Size of the twins: the estimator's own, or hidden layers scaled down, so that all twins together have
        as many parameters as the multi-task network. The latter needs one of skmtl's architectures.
    other_estimators : dict of str to estimator, default=None
        Further estimators to compare, by a name of the caller's. One that cannot take all tasks at once, or
        any but skmtl's where labels are missing, is fitted task by task, on the rows that have a label.
        In place of an estimator, a dict ``{"regression": ..., "classification": ...}`` gives one for tasks
        of either kind, fitted task by task.
    groups : array-like of shape (n_samples,), default=None
        Which rows belong together, for splitters that keep groups in one fold.
    confidence_level : float, default=0.95
        Level of the confidence intervals, in (0, 1).
    n_jobs : int, default=None
        Number of processes; -1 is one a processor. With one, networks of the same structure are trained together on
        all processors, which is the quickest way on one machine for all that has no blend. More processes give the
        same scores but for rounding.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of all estimators whose own ``random_state`` is None. One whose own is a number
        gets another number, derived from it, in each fold, in which its twins share it.

    Returns
    -------
    comparison : SingleTaskComparison
        With ``frame()`` per task and ``summary()`` over all.

    Raises
    ------
    ValueError
        Where y has fewer than two tasks, or a parameter does not fit estimator or data.

    See Also
    --------
    SingleTaskComparisonDisplay : The result as a plot.

    Notes
    -----
    **Interval and verdict.** The differences of the scores on the J folds have mean d and variance s². Since the
    folds share training rows, the variance of d is taken as (1/J + n_test/n_train) s² [1]_, with labels of
    the task for rows, and the interval is Student's with J - 1 degrees of freedom; for repeated
    cross-validation as in [2]_. "helped" and "hurt" are said where the interval excludes 0. With the default
    level, about one task in twenty on which sharing makes no difference will be said to be helped or hurt.

    **delta-m** is the mean over tasks of the relative reduction of the loss in per cent, **positive where
    multi-task learning is better**, as in [3]_; part of the literature reports the negative. It is taken of losses,
    since a relative gain of a score such as R2 means nothing where the score is near 0: of 1 - R2 (the squared
    error relative to the mean's), 1 - accuracy (the error rate), 1 - any other score of scikit-learn
    whose best value is 1, and of errors, losses and deviances as they are. A score of your own, whose best
    value is not known, is taken itself. The denominator is the twins' mean loss over folds. A task whose
    twin has no loss at all has no relative gain and is left out. The interval of delta-m is that of its
    values in the folds. The measure is not symmetric: all of a loss can be saved, which is 100 %, but
    more than all can be added.

    **Equal parameters** means that all widths of a twin's hidden layers are multiplied by the factor that makes
    its number of parameters come nearest to the network's divided by the number of tasks.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio (2003). Inference for the generalization error. Machine Learning 52.
    .. [2] R. R. Bouckaert, E. Frank (2004). Evaluating the replicability of significance tests for comparing
       learning algorithms. PAKDD.
    .. [3] K.-K. Maninis, I. Radosavovic, I. Kokkinos (2019). Attentive single-tasking of multiple tasks.
       CVPR.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import compare_with_single_task
    >>> X, y = make_related_tasks(200, 10, 3, relatedness=1.0, noise=1.0, missing=0.5, random_state=0)
    >>> model = MultiTaskKerasRegressor(hidden_layer_sizes=16, epochs=20, random_state=0)
    >>> comparison = compare_with_single_task(model, X, y, cv=3, other_estimators={"ridge": Ridge()})
    >>> comparison.frame()[["metric", "verdict"]].shape
    (3, 2)
    >>> list(comparison.summary().index)
    ['multi_task', 'single_task', 'ridge']
    """
    X, y, groups = indexable(X, y, groups)
    columns = _columns(y)
    _check_options(budget, confidence_level)
    others = _checked_others(other_estimators)
    kinds = task_kinds(estimator, columns)
    metrics = task_metrics(scoring, columns.names, kinds)
    random = check_random_state(random_state)
    shuffling = None if random_state is None else random
    folds = make_folds(cv, n_repeats, X, y, columns=columns, kinds=kinds, groups=groups, random_state=shuffling)
    seed = int(random.randint(2**31 - 1))
    table = Table(X, y, columns, {task: found.metric for task, found in metrics.items()})
    plan = Plan(columns, kinds, tuple(metrics), folds, seed)
    # All that can be refused is refused before the first fit.
    joint, rest = plan.joint_jobs(estimator), list(plan.other_jobs(others))
    if budget == "equal_parameters":
        check_scalable(estimator)
    if budget == "full":
        outcomes = _run_all([*joint, *plan.baseline_jobs(estimator, budget, None), *rest], table, n_jobs)
    else:
        outcomes = _run_all(list(joint), table, n_jobs)
        outcomes += _run_all([*plan.baseline_jobs(estimator, budget, outcomes[0].spec), *rest], table, n_jobs)
    return _comparison(outcomes, columns, folds, metrics, budget, float(confidence_level))


def _run_all(jobs: Sequence[Job], table: Table, n_jobs: int | None) -> list[Outcome]:
    """Together in this process, unless several are asked for."""
    if effective_n_jobs(n_jobs) == 1:
        return run_together(jobs, table)
    return Parallel(n_jobs=n_jobs)(delayed(run)(job, table) for job in jobs)


def _columns(y: Any) -> TargetColumns:
    columns = read_columns(y, estimator="compare_with_single_task")
    if len(columns.names) < 2:
        raise ValueError("y has one task, so that there is nothing to learn together: pass at least two columns.")
    for name, observed in zip(columns.names, columns.observed, strict=True):
        if not observed.any():
            raise ValueError(f"Task {name!r} has no label at all; leave its column out.")
    return columns


def _check_options(budget: Any, confidence_level: Any) -> None:
    if budget not in _BUDGETS:
        raise ValueError(f"budget={budget!r}.{proposal(str(budget), _BUDGETS)}")
    if (
        isinstance(confidence_level, bool)
        or not isinstance(confidence_level, Real)
        or not 0 < float(confidence_level) < 1
    ):
        raise ValueError(f"confidence_level should be a number in (0, 1), got {confidence_level!r}.")


def _checked_others(others: Any) -> dict[str, Any]:
    if others is None:
        return {}
    if not isinstance(others, Mapping):
        raise TypeError(f"other_estimators should be a dict from name to estimator, got {type(others).__name__}.")
    for name, given in others.items():
        if not isinstance(name, str) or name in _RESERVED:
            raise ValueError(
                f"other_estimators names an estimator {name!r}; names are strings other than {sorted(_RESERVED)}."
            )
        parts = given.values() if isinstance(given, Mapping) else [given]
        if isinstance(given, Mapping) and (not given or not set(given) <= _KINDS):
            raise ValueError(f"other_estimators[{name!r}] should have keys of {sorted(_KINDS)}, got {list(given)}.")
        for part in parts:
            if isinstance(part, type) or not hasattr(part, "fit"):
                raise TypeError(f"other_estimators[{name!r}] should be an estimator, got {part!r}.")
    return dict(others)


def _comparison(
    outcomes: Sequence[Outcome],
    columns: TargetColumns,
    folds: Folds,
    metrics: Mapping[int, TaskMetric],
    budget: str,
    confidence_level: float,
) -> SingleTaskComparison:
    names = columns.names
    scores = [
        {"estimator": one.label, "task": names[task], "fold": one.fold, "score": score}
        for one in outcomes
        for task, score in one.scores.items()
    ]
    fits = [
        {
            "estimator": one.label,
            "task": None if one.task is None else names[one.task],
            "fold": one.fold,
            "fit_time": one.fit_time,
            "n_parameters": one.n_parameters,
        }
        for one in outcomes
    ]
    comparison = SingleTaskComparison(
        fold_scores=pd.DataFrame(scores),
        fits=pd.DataFrame(fits),
        task_names=tuple(names[task] for task in metrics),
        n_folds=len(folds),
        budget=budget,
        confidence_level=confidence_level,
        _metrics={names[task]: metric for task, metric in metrics.items()},
        _test_to_train={names[task]: folds.test_to_train(columns.observed[task]) for task in metrics},
    )
    _warn_of_undefined(comparison.fold_scores)
    return comparison


def _warn_of_undefined(fold_scores: pd.DataFrame) -> None:
    undefined = fold_scores[fold_scores["score"].isna()]
    if len(undefined):
        counts = undefined.groupby("task", sort=False)["fold"].nunique()
        listing = ", ".join(f"{task!r} ({count})" for task, count in counts.head(10).items())
        more = f" and {len(counts) - 10} more tasks" if len(counts) > 10 else ""
        warnings.warn(
            f"Scores are undefined in folds (their number in brackets) of {listing}{more}; the comparison leaves those "
            "folds out for these tasks.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
