"""Regressor with one estimator per group of tasks."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import MultiOutputMixin, RegressorMixin

from .._records import Kind
from ..estimators import MultiTaskKerasRegressor
from ._base import BaseTaskGrouping


class TaskGroupingRegressor(MultiOutputMixin, RegressorMixin, BaseTaskGrouping):
    """Regressor that fits one estimator per group of tasks.

    Related tasks share a network, and unrelated tasks do not disturb each other.

    Parameters
    ----------
    estimator : estimator, default=None
        Estimator to fit to each group: one of skmtl's regressors, or a pipeline that ends in one. If groups are given,
        or found by "label_correlation", any regressor that takes a 2-D y. None means `MultiTaskKerasRegressor`
        with its defaults. It is cloned. Per-task settings (``loss``, ``loss_weights``) are restricted to the
        tasks of the group.
    groups : "auto" or list of lists, default="auto"
        Names or positions of the tasks in each group, with each task in exactly one group. "auto" finds groups with
        `task_affinity` and `suggest_task_groups`, on the rows passed to ``fit``.
    affinity : {"gradient_cosine", "tag", "label_correlation"}, default="gradient_cosine"
        Affinity by which to find groups.
    max_groups : int, default=None
        Maximum number of groups to find; None means no limit.
    n_permutations : int, default=None
        Number of permutations of the labels that show which affinities arise by chance, see `task_affinity`.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations, and of estimators whose own ``random_state`` is None.

    Attributes
    ----------
    groups_ : list of list of str
        Names of the tasks in each group.
    estimators_ : list of estimators
        The fitted estimator of each group.
    affinity_ : TaskAffinity or None
        Affinities by which the groups were found; None if groups were given or there is only one task.
    task_names_ : list of str
        Names of the tasks.
    n_tasks_ : int
        Number of tasks.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X has any.

    See Also
    --------
    skmtl.inspection.task_affinity : Measures affinities.
    skmtl.inspection.suggest_task_groups : Suggests groups from affinities.

    Notes
    -----
    ``fit`` makes one fit per group. Finding groups takes ``1 + n_permutations`` more, 11 by default, before that;
    "label_correlation" takes none. To follow a long ``fit``, call `task_affinity` with ``verbose=1`` first and pass the
    result of `suggest_task_groups` as ``groups``.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.grouping import TaskGroupingRegressor
    >>> X, y = make_related_tasks(200, 10, 3, relatedness=1.0, task_groups=[0, 1, 0], random_state=0)
    >>> network = MultiTaskKerasRegressor(hidden_layer_sizes=16, epochs=5, random_state=0)
    >>> model = TaskGroupingRegressor(network, affinity="label_correlation", random_state=0).fit(X, y)
    >>> model.groups_
    [['y0', 'y2'], ['y1']]
    >>> model.predict(X).shape
    (200, 3)
    """

    _kind: ClassVar[Kind] = "regression"

    # The score of RegressorMixin does not support missing labels.
    score = BaseTaskGrouping.score

    def _default(self) -> Any:
        return MultiTaskKerasRegressor()
