"""Regressions, group by group."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import MultiOutputMixin, RegressorMixin

from .._records import Kind
from ..estimators import MultiTaskKerasRegressor
from ._base import BaseTaskGrouping


class TaskGroupingRegressor(MultiOutputMixin, RegressorMixin, BaseTaskGrouping):
    """Regressor that learns groups of tasks apart, each group with an estimator of its own.

    Tasks that go together share a network, tasks that do not are kept out of one another's way.

    Parameters
    ----------
    estimator : estimator, default=None
        What to fit to each group: one of skmtl's regressors or a pipeline that ends in one; with groups given, or
        found by "label_correlation", any regressor that takes a 2-D y. None is `MultiTaskKerasRegressor` as
        it is. It is cloned. What it sets per task (``loss``, ``loss_weights``) is cut down to the
        group's tasks.
    groups : "auto" or list of lists, default="auto"
        Names or positions of the tasks of each group, each task once; "auto" finds them by `task_affinity` and
        `suggest_task_groups`, on the rows of ``fit`` alone.
    affinity : {"gradient_cosine", "tag", "label_correlation"}, default="gradient_cosine"
        By which affinity to find them.
    max_groups : int, default=None
        Most groups to find; None is no limit.
    n_permutations : int, default=None
        On how many permutations of the labels to measure what affinities are by chance, see `task_affinity`.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations, and of estimators whose own ``random_state`` is None.

    Attributes
    ----------
    groups_ : list of list of str
        Names of the tasks of each group.
    estimators_ : list of estimators
        The fitted estimator of each group.
    affinity_ : TaskAffinity or None
        By which the groups were found; None where they were given, or there is one task.
    task_names_ : list of str
        Names of the tasks.
    n_tasks_ : int
        Number of tasks.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has any.

    See Also
    --------
    skmtl.inspection.task_affinity : Measures affinities.
    skmtl.inspection.suggest_task_groups : Makes groups of them.

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

    # RegressorMixin has a score of its own, which knows no missing labels.
    score = BaseTaskGrouping.score

    def _default(self) -> Any:
        return MultiTaskKerasRegressor()
