"""Compare a multi-task estimator with single-task baselines in cross-validation."""

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
from ..model_selection._progress import Done, fit_progress
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
    verbose: int = 0,
) -> SingleTaskComparison:
    """Compare a multi-task estimator with its single-task baselines in cross-validation.

    A single-task baseline is the same estimator with the same settings, fitted to one task alone on the same folds.
    The comparison shows for each task whether sharing helped.

    Parameters
    ----------
    estimator : estimator
        A multi-task estimator, fitted or not: one of skmtl's, a pipeline or search that ends in one, or any other
        that takes a 2-D y. It is cloned.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples, n_tasks)
        Targets, at least two; NaN, None or pandas.NA for a missing label. A baseline is fitted to the rows that have
        a label for its task.
    cv : int, splitter or iterable of (train, test), default=5
        Folds. An integer is the number of folds of `MultiTaskStratifiedKFold`, or of its group variant if ``groups``
        is given, shuffled if ``random_state`` is given or ``n_repeats`` > 1.
    n_repeats : int, default=1
        Number of repetitions with different folds, for an integer cv. More repeats narrow the intervals.
    scoring : str, callable, scorer, dict or TaskScorer, default=None
        Metric, as in `make_task_scorer`. A dict maps tasks (by name or position) to their own metrics; tasks that it
        does not name are trained as well, but not compared. None means R2 for regressions and accuracy for
        classifications.
    budget : {"full", "equal_parameters"}, default="full"
        Size of the baselines: that of the estimator, or with hidden layers scaled down so that all baselines together
        have as many parameters as the multi-task network. "equal_parameters" needs one of skmtl's architectures.
    other_estimators : dict of str to estimator, default=None
        Additional estimators to compare, by name. An estimator is fitted task by task, on the rows that have a label,
        if it cannot take all tasks at once or if labels are missing and it is not one of skmtl's. Instead of an
        estimator, a dict ``{"regression": ..., "classification": ...}`` gives one for tasks of each kind, fitted
        task by task.
    groups : array-like of shape (n_samples,), default=None
        Group of each row, for splitters that keep groups in one fold.
    confidence_level : float, default=0.95
        Level of the confidence intervals, in (0, 1).
    n_jobs : int, default=None
        Number of processes; -1 means one per processor. In one process, networks of the same structure are trained
        together on all processors. This is the fastest option on a single machine for estimators without a blend.
        More processes give the same scores up to rounding.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, and of all estimators whose own ``random_state`` is None. An estimator whose own is a number
        gets a different number in each fold, derived from it and shared by its single-task baselines.
    verbose : int, default=0
        From 1 on, a line counts the fits.

    Returns
    -------
    comparison : SingleTaskComparison
        Its ``frame()`` compares task by task, its ``summary()`` over all tasks.

    Raises
    ------
    ValueError
        If y has fewer than two tasks, or a parameter does not match the estimator or the data.

    See Also
    --------
    SingleTaskComparisonDisplay : Plots the result.

    Notes
    -----
    **Cost.** Each fold takes one multi-task fit, one fit per compared task, and the fits of ``other_estimators``: with
    the default 5 folds and T tasks, 5 (1 + T) fits, or ``n_repeats`` times as many. The fits of a baseline get only
    the rows that have a label for its task.

    **Interval and verdict.** The score differences in the J folds have mean d and variance s². Since the folds share
    training rows, the variance of d is estimated as (1/J + n_test/n_train) s² [1]_, where n counts the task's labels.
    The interval is Student's with J - 1 degrees of freedom; for repeated cross-validation see [2]_. The verdict is
    "helped" or "hurt" if the interval excludes 0. At the default level, about one in twenty tasks for which sharing
    makes no difference gets one of these verdicts.

    **delta-m** is the mean over tasks of the relative loss reduction in per cent, **positive if multi-task learning is
    better**, as in [3]_; part of the literature reports the negative. It is computed from losses, because the relative
    gain of a score such as R2 means nothing if the score is near 0. The loss is 1 - R2 (the squared error relative to
    that of the mean), 1 - accuracy (the error rate), 1 - score for any other score of scikit-learn whose best value
    is 1, and errors, losses and deviances as they are. A custom score, whose best value is unknown, is used as it is.
    The denominator is the mean loss of the baselines over folds. A task whose baseline has zero loss has no relative
    gain and is left out. The interval of delta-m is computed from its values in the folds. The measure is not
    symmetric: a loss can be reduced by at most 100 %, but it can grow by more.

    **Equal parameters** means that the widths of all hidden layers of a baseline are multiplied by one factor. It is
    chosen so that the number of parameters comes closest to that of the network divided by the number of tasks.

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
    table = Table(X, y, columns, {task: metric.metric for task, metric in metrics.items()})
    plan = Plan(columns, kinds, tuple(metrics), folds, seed)
    # Invalid arguments are refused before the first fit.
    joint, rest = list(plan.joint_jobs(estimator)), list(plan.other_jobs(others))
    if budget == "equal_parameters":
        check_scalable(estimator)
    with fit_progress(verbose, len(joint) + len(metrics) * len(folds) + len(rest)) as done:
        if budget == "full":
            outcomes = _run_all([*joint, *plan.baseline_jobs(estimator, budget, None), *rest], table, n_jobs, done)
        else:
            outcomes = _run_all(joint, table, n_jobs, done)
            baselines = plan.baseline_jobs(estimator, budget, outcomes[0].spec)
            outcomes += _run_all([*baselines, *rest], table, n_jobs, done)
    return _comparison(outcomes, columns, folds, metrics, budget, float(confidence_level))


def _run_all(jobs: Sequence[Job], table: Table, n_jobs: int | None, done: Done) -> list[Outcome]:
    """Run the jobs together in this process, or in several processes."""
    if effective_n_jobs(n_jobs) == 1:
        return run_together(jobs, table, done)
    outcomes = []
    for outcome in Parallel(n_jobs=n_jobs, return_as="generator")(delayed(run)(job, table) for job in jobs):
        outcomes.append(outcome)
        done(1)
    return outcomes


def _columns(y: Any) -> TargetColumns:
    columns = read_columns(y, estimator="compare_with_single_task")
    if len(columns.names) < 2:
        raise ValueError("y has one task, so there is nothing to share: pass at least two columns.")
    for name, observed in zip(columns.names, columns.observed, strict=True):
        if not observed.any():
            raise ValueError(f"Task {name!r} has no label at all; drop its column.")
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
        raise TypeError(f"other_estimators should be a dict of name to estimator, got {type(others).__name__}.")
    for name, given in others.items():
        if not isinstance(name, str) or name in _RESERVED:
            raise ValueError(
                f"other_estimators names an estimator {name!r}; use a string other than {sorted(_RESERVED)}."
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
        {"estimator": outcome.label, "task": names[task], "fold": outcome.fold, "score": score}
        for outcome in outcomes
        for task, score in outcome.scores.items()
    ]
    fits = [
        {
            "estimator": outcome.label,
            "task": None if outcome.task is None else names[outcome.task],
            "fold": outcome.fold,
            "fit_time": outcome.fit_time,
            "n_parameters": outcome.n_parameters,
        }
        for outcome in outcomes
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
            f"Scores are undefined in some folds (their number in brackets) of {listing}{more}; the comparison leaves "
            "those folds out for these tasks.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
