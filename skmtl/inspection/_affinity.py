"""Measure how similar tasks are, by their gradients or by their labels."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state, indexable

from .._names import proposal
from ..estimators._base import BaseMultiTask
from ..model_selection._progress import Done, fit_progress
from ..targets import TargetColumns, as_table, infer_kinds, read_columns
from ._affinity_result import TaskAffinity
from ._baselines import seeded, with_kinds
from ._estimators import core, task_kinds
from ._label_correlation import LabelTable
from ._null import Null, no_null, pooled_null, ranked_null
from ._trained_affinity import Measured, measure, measure_permuted

_METHODS = ("gradient_cosine", "tag", "label_correlation")
# Training is expensive, and the draws of all pairs are pooled; correlations are cheap.
_PERMUTATIONS = {"gradient_cosine": 10, "tag": 10, "label_correlation": 200}


def task_affinity(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    method: Literal["gradient_cosine", "tag", "label_correlation"] = "gradient_cosine",
    n_permutations: int | None = None,
    level: float = 0.05,
    random_state: Any = None,
    verbose: int = 0,
) -> TaskAffinity:
    """Measure the affinity of every pair of tasks.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's estimators, or a pipeline that ends in one, fitted or not. It is cloned and trained with all
        its settings; several members (``ensemble_size``) make the result more precise. "label_correlation" trains
        nothing: it takes any estimator, which only decides whether a task is a regression or a classification, or
        None.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples, n_tasks)
        Targets, at least two; NaN, None or pandas.NA for a missing label.
    method : {"gradient_cosine", "tag", "label_correlation"}, default="gradient_cosine"
        What to measure, see Notes.
    n_permutations : int, default=None
        Number of permutations of the labels that show which affinities arise by chance: at least 2, or 0 for none.
        None means 200 for "label_correlation" and 10 for the other methods, which train once per permutation.
    level : float, default=0.05
        Significance level over all pairs together, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations, and of estimators whose own ``random_state`` is None.
    verbose : int, default=0
        From 1 on, a line counts the fits; "label_correlation" makes none.

    Returns
    -------
    affinity : TaskAffinity
        The matrix with standard errors and p-values, and ``frame()``, a table of all pairs.

    Raises
    ------
    TypeError
        If a method that trains gets an estimator that is not one of skmtl's.
    ValueError
        If y has fewer than two tasks, the network shares nothing, or a parameter is out of range.

    See Also
    --------
    suggest_task_groups : Suggests groups of tasks to train together.
    TaskAffinityDisplay : Plots the matrix.
    compare_with_single_task : Tests whether sharing improves predictions, which is what matters in the end.

    Notes
    -----
    **Cost.** "gradient_cosine" and "tag" fit the estimator ``1 + n_permutations`` times: 11 times by default. The
    epochs take longer than in an ordinary fit, since the tasks' gradients are taken on extra batches after each.
    "label_correlation" fits nothing.

    **gradient_cosine** is the cosine between two tasks' gradients with respect to the shared parameters, as in [1]_.
    It shows whether the tasks pull the shared layers in the same direction.

    **tag** is the lookahead of [2]_: take one step of the shared parameters on the loss of task i alone, with the
    network's own optimizer and the heads unchanged, and measure by which fraction the loss of task j on the same
    batch falls. Unlike the paper, we subtract the part of the step that momentum takes without any gradient:
    Z[i, j] = (L_j(step without gradient) - L_j(step for i)) / L_j. This part is the same for all i and, with an
    optimizer such as Adam, larger than the effect to be measured. Without momentum the two definitions agree. Weight
    decay is left out of the step.

    Both are measured at the end of every epoch, on random batches of a member's training rows. A batch has the batch
    size of the fit, but at least 128 rows if there are as many. There is one batch for every ten steps of the epoch,
    and at most eight. The values are averaged over training, up to the best epoch of a member that stops early, and
    over members. The standard error is that of the members' means. For a single network it is that of the means of
    ten successive parts of its training.

    **label_correlation** is the absolute value of Pearson's correlation on the rows that have both labels; the sign
    does not matter, because a head can flip it at no cost. A task with two classes counts as a number. If either task
    has more classes, the value is the largest canonical correlation of the class indicators. The standard error comes
    from a jackknife over 20 blocks of rows. Uncorrelated tasks may still need the same information from X.

    **Chance.** The labels of each task are permuted independently, among the rows that have one, and everything is
    measured again, training for as many epochs without early stopping. The null hypothesis is that the labels are
    unrelated to X and to one another. For the methods that train, the permuted affinities of all pairs are pooled and
    treated as normal; p-values are two-sided, and the bounds are Bonferroni-corrected for the number of pairs. For
    correlations, the p-value is the rank among the pair's own permutations, and the bound is a quantile of the maximum
    over all pairs. Learnable tasks with nothing in common may still come out as "opposed": they compete for a narrow
    layer, and a step for one task raises the loss of another that is near its minimum.

    **Partly related tasks.** Tasks that agree in part help each other while they learn what they have in common.
    After that, the gradients reflect the differences, and they oppose each other if the shared layers have no room for
    both. The average over training may then be negative. In a wide network each task may use units of its own, and
    the affinity is small.

    References
    ----------
    .. [1] Y. Du, W. M. Czarnecki, S. M. Jayakumar, M. Farajtabar, R. Pascanu, B. Lakshminarayanan (2018). Adapting
       auxiliary losses using gradient similarity. arXiv:1812.02224.
    .. [2] C. Fifty, E. Amid, Z. Zhao, T. Yu, R. Anil, C. Finn (2021). Efficiently identifying task groupings
       for multi-task learning. NeurIPS.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import suggest_task_groups, task_affinity
    >>> X, y = make_related_tasks(400, 10, 4, relatedness=1.0, task_groups=[0, 0, 1, 1], random_state=0)
    >>> affinity = task_affinity(MultiTaskKerasRegressor(), X, y, method="label_correlation", random_state=0)
    >>> affinity.matrix.shape
    (4, 4)
    >>> suggest_task_groups(affinity)
    [['y0', 'y1'], ['y2', 'y3']]
    """
    _check_options(method, n_permutations, level)
    X, y = indexable(X, as_table(y))
    columns = _columns(y)
    check_consistent_length(X, columns.values[0])
    number = _PERMUTATIONS[method] if n_permutations is None else int(n_permutations)
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    if method == "label_correlation":
        return _label_affinity(estimator, columns, number, seed, float(level))
    with fit_progress(verbose, 1 + number) as done:
        return _gradient_affinity(estimator, X, y, columns, method, number, seed, float(level), done)


def _label_affinity(estimator: Any, columns: TargetColumns, number: int, seed: int, level: float) -> TaskAffinity:
    kinds = infer_kinds(columns, None) if estimator is None else task_kinds(estimator, columns)
    table = LabelTable(columns, kinds)
    values = table.correlations()
    null = ranked_null(values, table.permuted(number, seed), level) if number else no_null(len(values))
    measured = Measured(values, table.std_error(seed), values, 0, columns.n_samples)
    affinity = _affinity("label_correlation", columns, measured, null, number, level)
    return replace(affinity, conflict_share=None)


def _gradient_affinity(
    estimator: Any,
    X: Any,
    y: Any,
    columns: TargetColumns,
    method: str,
    number: int,
    seed: int,
    level: float,
    done: Done,
) -> TaskAffinity:
    network = core(estimator)
    if not isinstance(network, BaseMultiTask) or core(estimator) is not _last(estimator):
        raise TypeError(
            f'method="{method}" measures the gradients of a network in training: it needs one of skmtl\'s estimators, '
            f"or a pipeline that ends in one, got {type(estimator).__name__}. For a search, pass its best_estimator_; "
            'method="label_correlation" takes any estimator.'
        )
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        X = clone(estimator[:-1]).fit_transform(X, y)
    lookahead = method == "tag"
    network = with_kinds(clone(network), columns.names, network._kinds(columns)).set_params(warm_start=False)
    measured = measure(seeded(network, 0, seed), X, y, lookahead)
    done(1)
    null = no_null(len(columns.names))
    if number:
        draws = measure_permuted(
            network, X, y, columns, lookahead, epochs=measured.epochs, n_permutations=number, seed=seed, done=done
        )
        null = pooled_null(measured.values, draws, not lookahead, level)
    return _affinity(method, columns, measured, null, number, level)


def _affinity(
    method: str, columns: TargetColumns, measured: Measured, null: Null, number: int, level: float
) -> TaskAffinity:
    def table(values: np.ndarray) -> pd.DataFrame:
        names = pd.Index(list(columns.names), dtype=object)
        return pd.DataFrame(values, index=names.rename("task"), columns=names)

    return TaskAffinity(
        method=method,
        matrix=table(measured.values),
        std_error=table(measured.std_error),
        p_value=table(null.p_value),
        low=table(null.low),
        high=table(null.high),
        null_mean=table(null.mean),
        null_std=table(null.std),
        conflict_share=table(measured.negative),
        n_permutations=number,
        n_measurements=measured.count,
        level=level,
    )


def _last(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself; unlike ``core`` it does not look into a search."""
    return _last(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def _columns(y: Any) -> TargetColumns:
    columns = read_columns(y, estimator="task_affinity")
    if len(columns.names) < 2:
        raise ValueError("y has one task, but affinities need pairs of tasks: pass at least two columns.")
    for name, observed in zip(columns.names, columns.observed, strict=True):
        if not observed.any():
            raise ValueError(f"Task {name!r} has no label at all; drop its column.")
    return columns


def _check_options(method: Any, n_permutations: Any, level: Any) -> None:
    if method not in _METHODS:
        raise ValueError(f"method={method!r}.{proposal(str(method), _METHODS)}")
    integer = isinstance(n_permutations, Integral) and not isinstance(n_permutations, bool)
    if n_permutations is not None and (not integer or n_permutations < 0 or n_permutations == 1):
        raise ValueError(f"n_permutations should be 0, an integer of at least 2, or None, got {n_permutations!r}.")
    if isinstance(level, bool) or not isinstance(level, Real) or not 0 < float(level) < 1:
        raise ValueError(f"level should be a number in (0, 1), got {level!r}.")
