"""Classifier with one estimator per group of tasks."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import ClassifierMixin, MultiOutputMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._records import Kind
from .._snapshot import on_snapshot
from ..estimators import MultiTaskKerasClassifier
from ..estimators._logarithms import logarithms
from ._base import BaseTaskGrouping


class TaskGroupingClassifier(MultiOutputMixin, ClassifierMixin, BaseTaskGrouping):
    """Classifier that fits one estimator per group of tasks.

    Related tasks share a network, and unrelated tasks do not disturb each other.

    Parameters
    ----------
    estimator : estimator, default=None
        Estimator to fit to each group: one of skmtl's classifiers, or a pipeline that ends in one. If groups are given,
        or found by "label_correlation", any classifier that takes a 2-D y. None means `MultiTaskKerasClassifier`
        with its defaults. It is cloned. Per-task settings (``loss``, ``loss_weights``, ``class_weight``) are
        restricted to the tasks of the group.
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
    classes_ : ndarray or list of ndarray
        Classes of the task for 1-D y, or a list with one array per task for 2-D y.
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
    >>> import numpy as np
    >>> from skmtl import MultiTaskKerasClassifier
    >>> from skmtl.grouping import TaskGroupingClassifier
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 0] > 0.5])
    >>> network = MultiTaskKerasClassifier(hidden_layer_sizes=16, epochs=5, random_state=0)
    >>> model = TaskGroupingClassifier(network, groups=[[0, 2], [1]]).fit(X, y)
    >>> [proba.shape for proba in model.predict_proba(X)]
    [(100, 2), (100, 2), (100, 2)]
    """

    _kind: ClassVar[Kind] = "classification"

    @property
    def classes_(self) -> Any:
        """Classes of the task for 1-D y, or a list with one array per task for 2-D y."""
        check_is_fitted(self)
        parts = [[model.classes_] if len(group) == 1 else list(model.classes_) for model, group in self._parts()]
        classes = self._in_order(parts)
        return classes[0] if self._one_dimensional else classes

    @available_if(lambda self: _has_probabilities(self))
    @on_snapshot
    def predict_proba(self, X: Any) -> Any:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), or list of them
            One array for 1-D y, one per task for 2-D y; columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        parts = []
        for model, group in self._parts():
            proba = model.predict_proba(X)
            parts.append([proba] if len(group) == 1 else list(proba))
        ordered = self._in_order(parts)
        return ordered[0] if self._one_dimensional else ordered

    @available_if(lambda self: _has_probabilities(self))
    def predict_log_proba(self, X: Any) -> Any:
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes), or list of them
            Logarithms of the output of ``predict_proba``, in the same form; minus infinity for a probability of 0.
        """
        return logarithms(self.predict_proba(X))

    # The score of ClassifierMixin supports neither several tasks nor missing labels.
    score = BaseTaskGrouping.score

    def __sklearn_tags__(self) -> Any:
        """Return tags: several outputs, several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _default(self) -> Any:
        return MultiTaskKerasClassifier()


def _has_probabilities(model: TaskGroupingClassifier) -> bool:
    """Return whether the estimator predicts probabilities."""
    inner = model._default() if model.estimator is None else model.estimator
    if not hasattr(inner, "predict_proba"):
        raise AttributeError(f"{type(inner).__name__} has no predict_proba.")
    return True
