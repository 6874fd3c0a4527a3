"""Which tasks belong together: how far their gradients, or their labels, go the same way."""

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
from ..targets import TargetColumns, as_table, infer_kinds, read_columns
from ._affinity_result import TaskAffinity
from ._baselines import seeded, with_kinds
from ._estimators import core, task_kinds
from ._label_correlation import LabelTable
from ._null import Null, no_null, pooled_null, ranked_null
from ._trained_affinity import Measured, measure, measure_permuted

_METHODS = ("gradient_cosine", "tag", "label_correlation")
# Training is dear and all pairs' draws are pooled; correlations cost little.
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
) -> TaskAffinity:
    """Measure how far every two tasks go together.

    Parameters
    ----------
    estimator : estimator
        One of skmtl's, or a pipeline that ends in one, not necessarily fitted. It is cloned and trained, with all
        its settings; several members (``ensemble_size``) make the result surer. "label_correlation" trains
        nothing; it takes any estimator, of which it wants to know the tasks' kinds, or None.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Features.
    y : {array-like, DataFrame} of shape (n_samples, n_tasks)
        Targets, at least two; NaN, None or pandas.NA where a label is not known.
    method : {"gradient_cosine", "tag", "label_correlation"}, default="gradient_cosine"
        What to measure, see Notes.
    n_permutations : int, default=None
        How often to measure on permuted labels, 0 (nothing is then said of chance) or at least 2. None is 10
        for the methods that train, each of which trains once more for every permutation, and 200
        for "label_correlation".
    level : float, default=0.05
        Share of chance findings among all pairs together, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations, and of estimators whose own ``random_state`` is None.

    Returns
    -------
    affinity : TaskAffinity
        The matrix, with errors, p-values and ``frame()``.

    Raises
    ------
    TypeError
        Where a method that trains gets an estimator that is not skmtl's.
    ValueError
        Where y has fewer than two tasks, the network shares nothing, or a parameter is out of its range.

    See Also
    --------
    suggest_task_groups : Groups of tasks to learn together.
    TaskAffinityDisplay : The matrix as a plot.
    compare_with_single_task : Whether learning together helps, which is what counts in the end.

    Notes
    -----
    **gradient_cosine** is the cosine of two tasks' gradients over the shared parameters, as in [1]_. It says
    whether the tasks pull the shared layers the same way.

    **tag** is the lookahead of [2]_: one step of the shared parameters on task i's loss alone, with the network's
    own optimizer, heads unchanged; by which fraction does task j's loss on the same batch fall?
    It differs from the paper in that the part of the step that momentum makes without any gradient is taken out,
    Z[i, j] = (L_j(step without gradient) - L_j(step for i)) / L_j. This part is the same for all i, and with an
    optimizer such as Adam larger than what is looked for; without momentum the two definitions are the same. Weight
    decay takes no part.

    Both are measured at the end of every epoch, on random batches of a member's training rows: of the fit's batch
    size, but 128 rows at least where there are as many, one batch for ten steps of the epoch and at most eight.
    They are averaged over training, up to a member's best epoch where it stops early, and over members.
    The standard error is that of the members' means; a single network's is that of the means of ten successive
    parts of its training.

    **label_correlation** is the absolute value of Pearson's correlation on the rows that have both labels: a
    head can turn a task's sign at no cost. A task of two classes counts as a number; where one has more,
    it is the largest canonical correlation of the classes' indicators. The standard error is the jackknife's over 20
    blocks of rows. Tasks may well share what they need of X and yet be uncorrelated.

    **Chance.** The labels of every task are permuted, each task's for itself among the rows that have one, and
    all is measured anew (training for as many epochs, without stopping early). The hypothesis is that the labels
    have nothing to do with X or with one another. For the methods that train, the permuted affinities of
    all pairs are pooled and taken for normal; a p-value is two-sided, and the bounds are corrected for the number
    of pairs after Bonferroni. For
    correlations the p-value is the rank among the pair's own, and the bound a quantile of the largest
    of all pairs. Tasks that can be learnt but have nothing in common may still be "opposed": they compete for a
    narrow layer, and a step for another task costs one that is near its minimum.

    **Similar is not the same.** Tasks that agree in part help each other as long as they learn what they have in
    common; after that, their gradients are what they differ in, and these oppose one another where
    the shared layers have no room for both. The average over training may then be negative. In a wide network they
    may use units of their own, and their affinity is small.

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
        return _of_labels(estimator, columns, number, seed, float(level))
    return _of_training(estimator, X, y, columns, method, number, seed, float(level))


def _of_labels(estimator: Any, columns: TargetColumns, number: int, seed: int, level: float) -> TaskAffinity:
    kinds = infer_kinds(columns, None) if estimator is None else task_kinds(estimator, columns)
    table = LabelTable(columns, kinds)
    values = table.correlations()
    null = ranked_null(values, table.permuted(number, seed), level) if number else no_null(len(values))
    measured = Measured(values, table.std_error(seed), values, 0, columns.n_samples)
    found = _affinity("label_correlation", columns, measured, null, number, level)
    return replace(found, conflict_share=None)


def _of_training(
    estimator: Any, X: Any, y: Any, columns: TargetColumns, method: str, number: int, seed: int, level: float
) -> TaskAffinity:
    network = core(estimator)
    if not isinstance(network, BaseMultiTask) or core(estimator) is not _last(estimator):
        raise TypeError(
            f'method="{method}" looks at the gradients of a network in training: it needs one of skmtl\'s estimators, '
            f"or a pipeline that ends in one, got {type(estimator).__name__}. For a search, pass its best_estimator_; "
            'method="label_correlation" takes any estimator.'
        )
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        X = clone(estimator[:-1]).fit_transform(X, y)
    lookahead = method == "tag"
    network = with_kinds(clone(network), columns.names, network._kinds(columns)).set_params(warm_start=False)
    measured = measure(seeded(network, 0, seed), X, y, lookahead)
    null = no_null(len(columns.names))
    if number:
        draws = measure_permuted(
            network, X, y, columns, lookahead, epochs=measured.epochs, n_permutations=number, seed=seed
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
    """The estimator itself, or the last step of a pipeline; what a search holds is not trained by it alone."""
    return _last(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def _columns(y: Any) -> TargetColumns:
    columns = read_columns(y, estimator="task_affinity")
    if len(columns.names) < 2:
        raise ValueError("y has one task, which has nothing to be compared with: pass at least two columns.")
    for name, observed in zip(columns.names, columns.observed, strict=True):
        if not observed.any():
            raise ValueError(f"Task {name!r} has no label at all; leave its column out.")
    return columns


def _check_options(method: Any, n_permutations: Any, level: Any) -> None:
    if method not in _METHODS:
        raise ValueError(f"method={method!r}.{proposal(str(method), _METHODS)}")
    whole = isinstance(n_permutations, Integral) and not isinstance(n_permutations, bool)
    if n_permutations is not None and (not whole or n_permutations < 0 or n_permutations == 1):
        raise ValueError(f"n_permutations should be 0, an integer of at least 2, or None, got {n_permutations!r}.")
    if isinstance(level, bool) or not isinstance(level, Real) or not 0 < float(level) < 1:
        raise ValueError(f"level should be a number in (0, 1), got {level!r}.")
