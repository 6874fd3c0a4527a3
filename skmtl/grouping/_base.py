"""Base of the grouping estimators: a clone of an estimator for every group of tasks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _fit_context, clone, is_classifier, is_regressor
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._records import Kind, Task
from .._snapshot import atomic_update, on_snapshot
from .._versions import VersionedPickles
from ..fitting._checks import check_rows, check_weights
from ..fitting._per_task import by_name, is_sequence, per_task
from ..inspection import TaskAffinity, suggest_task_groups, task_affinity
from ..inspection._estimators import networks_in
from ..targets import TargetColumns, as_table, read_columns, stacked
from ..targets._scores import score_columns
from ._plan import positions

# Parameters of the networks that may differ from task to task.
_PER_TASK = ("loss", "loss_weights", "class_weight")


class BaseTaskGrouping(VersionedPickles, MetaEstimatorMixin, BaseEstimator):
    """Fit, predict and score with one estimator per group."""

    _kind: ClassVar[Kind]

    # All attributes that a fit sets, with their types; saved files hold these.
    estimators_: list[Any]
    groups_: list[list[str]]
    affinity_: TaskAffinity | None
    task_names_: list[str]
    n_tasks_: int
    n_features_in_: int
    feature_names_in_: np.ndarray
    _one_dimensional: bool
    _is_frame: bool

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "groups": [StrOptions({"auto"}), "array-like"],
        "affinity": [StrOptions({"gradient_cosine", "tag", "label_correlation"})],
        "max_groups": [Interval(Integral, 1, None, closed="left"), None],
        "n_permutations": [Interval(Integral, 0, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        groups: Any = "auto",
        affinity: str = "gradient_cosine",
        max_groups: int | None = None,
        n_permutations: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.groups = groups
        self.affinity = affinity
        self.max_groups = max_groups
        self.n_permutations = n_permutations
        self.random_state = random_state

    @abstractmethod
    def _default(self) -> Any:
        """Return the default estimator."""

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Find groups if none are given, and fit an estimator to each.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            Targets, one column per task; NaN, None or pandas.NA for a missing label, if the estimator supports them.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights of the rows, or of the single labels. Finding groups does not use them.

        Returns
        -------
        self : estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If the groups do not contain each task exactly once, or the estimator is of the wrong kind.
        """
        columns = read_columns(y, estimator=type(self).__name__)
        weights = None
        if sample_weight is not None:
            check_rows(X, columns)
            weights = check_weights(sample_weight, X, columns)
        estimator = self._seeded()
        affinity, groups = self._groups_of(estimator, X, y, columns)
        table = _as_frame(y, columns)
        fitted = [_fit_group(estimator, X, table, group, columns, weights) for group in groups]
        with atomic_update(self) as own:
            own.estimators_ = fitted
            own.groups_ = [[columns.names[task] for task in group] for group in groups]
            own.affinity_ = affinity
            own.task_names_ = list(columns.names)
            own.n_tasks_ = len(columns.names)
            own._one_dimensional = columns.one_dimensional
            own._is_frame = columns.is_frame
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(own, name):
                    delattr(own, name)
                if hasattr(fitted[0], name):
                    setattr(own, name, getattr(fitted[0], name))
        return self

    @on_snapshot
    def predict(self, X: Any) -> Any:
        """Predict all tasks.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_tasks)
            Predictions, with tasks in the order of y's columns in ``fit``; 1-D if y was 1-D.
        """
        parts = self._columns(X)
        return parts[0] if self._one_dimensional else stacked(parts)

    @on_snapshot
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean score over tasks: R2 for regressions, accuracy for classifications.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are left out.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights.

        Returns
        -------
        score : float
            Mean over the tasks that have a label in y.

        Raises
        ------
        ValueError
            If no task has a label.
        """
        scores = self.score_tasks(X, y, sample_weight)
        if scores.isna().all():
            observed = read_columns(y, estimator=type(self).__name__).observed
            if not any(mask.any() for mask in observed):
                raise ValueError("y has no label at all: there is nothing to score.")
        return float(scores.mean())

    @on_snapshot
    def score_tasks(self, X: Any, y: Any, sample_weight: Any = None) -> pd.Series:
        """Return the score of every task: R2 for regressions, accuracy for classifications.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : {array-like, DataFrame} of shape (n_samples,) or (n_samples, n_tasks)
            True values; missing labels are left out.
        sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
            Weights.

        Returns
        -------
        scores : Series
            Scores by task name; NaN for a task without a label in y.

        Raises
        ------
        ValueError
            If y has other tasks than in ``fit``.
        """
        check_is_fitted(self)
        columns = read_columns(y, estimator=type(self).__name__)
        if len(columns.names) != self.n_tasks_ or (columns.is_frame and list(columns.names) != self.task_names_):
            raise ValueError(f"y has the tasks {list(columns.names)}, in fit it had {self.task_names_}.")
        predicted = self._columns(X)
        check_rows(predicted[0], columns)
        weights = check_weights(sample_weight, predicted[0], columns, self.task_names_ if self._is_frame else None)
        tasks = [Task(name, self._kind) for name in self.task_names_]
        return score_columns(tasks, columns, predicted, weights)

    def __sklearn_tags__(self) -> Any:
        """Return tags: several outputs; support of sparse and missing X as in the estimator."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self._default() if self.estimator is None else self.estimator)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def _columns(self, X: Any) -> list[np.ndarray]:
        """Return the predictions of each task, in the order of y's columns."""
        check_is_fitted(self)
        return self._in_order([_split(model.predict(X), len(group)) for model, group in self._parts()])

    def _in_order(self, parts: list[list[Any]]) -> list[Any]:
        """Reorder the outputs of the groups, task by task, to the order of y's columns."""
        by_name = {
            name: output
            for part, group in zip(parts, self.groups_, strict=True)
            for name, output in zip(group, part, strict=True)
        }
        return [by_name[name] for name in self.task_names_]

    def _parts(self) -> list[tuple[Any, list[str]]]:
        return list(zip(self.estimators_, self.groups_, strict=True))

    def _seeded(self) -> Any:
        """Return a clone of the estimator; unset random states are derived from ``random_state``."""
        estimator = clone(self._default() if self.estimator is None else self.estimator)
        right_kind = is_regressor(estimator) if self._kind == "regression" else is_classifier(estimator)
        if not right_kind:
            raise ValueError(
                f"{type(self).__name__} needs an estimator for a {self._kind}, got {type(estimator).__name__}."
            )
        if self.random_state is not None:
            random = check_random_state(self.random_state)
            for name, value in sorted(estimator.get_params(deep=True).items()):
                if value is None and (name == "random_state" or name.endswith("__random_state")):
                    estimator.set_params(**{name: int(random.randint(2**31 - 1))})
        return estimator

    def _groups_of(self, estimator: Any, X: Any, y: Any, columns: TargetColumns) -> tuple[Any, list[list[int]]]:
        """Return the groups and, if they are found automatically, the affinities."""
        if not isinstance(self.groups, str):
            return None, positions(self.groups, columns.names)
        if len(columns.names) == 1:
            return None, [[0]]
        affinity = task_affinity(
            estimator,
            X,
            y,
            method=self.affinity,  # type: ignore[arg-type]
            n_permutations=self.n_permutations,
            random_state=self.random_state,
        )
        return affinity, positions(suggest_task_groups(affinity, self.max_groups), columns.names)


def _fit_group(
    estimator: Any, X: Any, table: pd.DataFrame, group: list[int], columns: TargetColumns, weights: np.ndarray | None
) -> Any:
    """Fit a clone to the tasks of a group; y is 1-D for a single task."""
    fitted = clone(estimator)
    for network in networks_in(fitted):
        _restrict(network, group, columns)
    y = table.iloc[:, group[0]] if len(group) == 1 else table.iloc[:, group]
    if weights is None:
        return fitted.fit(X, y)
    if weights.ndim == 2:
        weights = weights[:, group[0]] if len(group) == 1 else weights[:, group]
    return fitted.fit(X, y, sample_weight=weights)


def _restrict(network: Any, group: list[int], columns: TargetColumns) -> None:
    """Restrict per-task settings to the tasks of the group."""
    for name in _PER_TASK:
        value = by_name(getattr(network, name, None))
        if isinstance(value, Mapping) and set(map(str, value)) <= set(columns.names):
            entries = {str(task): entry for task, entry in value.items()}
            kept = {columns.names[i]: entries[columns.names[i]] for i in group if columns.names[i] in entries}
            network.set_params(**{name: kept or None})
        elif is_sequence(value):
            values = per_task(value, columns.names, name)
            network.set_params(**{name: [values[task] for task in group]})


def _as_frame(y: Any, columns: TargetColumns) -> pd.DataFrame:
    """Return y as a table with the task names, so that the tasks of a group keep their names."""
    table = as_table(y)
    if isinstance(table, pd.DataFrame):
        return table.set_axis(list(columns.names), axis=1)
    if isinstance(table, pd.Series):
        return table.to_frame(columns.names[0])
    array = table[:, None] if table.ndim == 1 else table
    return pd.DataFrame(array, columns=list(columns.names))


def _split(predicted: Any, n_tasks: int) -> list[np.ndarray]:
    """Split predictions into tasks."""
    array = np.asarray(predicted)
    return [array.reshape(len(array))] if n_tasks == 1 else [_narrow(column) for column in array.T]


def _narrow(column: np.ndarray) -> np.ndarray:
    """Convert an object column of numbers or booleans to their type; leave any other column as it is."""
    if column.dtype != object:
        return column
    inferred = pd.Series(column).infer_objects().to_numpy()
    return inferred if inferred.dtype.kind in "iufb" else column
