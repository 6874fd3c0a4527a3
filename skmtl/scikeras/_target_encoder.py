"""Target encoder for scikeras wrappers with several tasks: one Keras output per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._names import proposal
from .._records import Kind
from ..fitting._per_task import per_task
from ..targets import TargetColumns, TargetEncoder, infer_kinds, read_columns, stacked
from ..targets._kinds import KINDS

# Keras losses that compare outputs with one-hot rows rather than class codes.
_ONE_HOT_LOSSES = ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge")
# Tolerance for probabilities outside [0, 1] due to rounding.
_ROUNDING = 1e-5


class MultiTaskTargetEncoder(TransformerMixin, BaseEstimator):
    """Target encoder for scikeras wrappers whose model has one output per task.

    Return it from the ``target_encoder`` property of a subclass of ``KerasClassifier`` or ``KerasRegressor``. The
    columns of y become a list of targets, one per output of the Keras model, in the order of the columns. The
    outputs become columns again, with each task's own labels.

    Parameters
    ----------
    task_types : {"regression", "classification"} or sequence or dict of them, default=None
        Kind of all tasks, or of each task by position or name ("y0", "y1", …, because scikeras passes the columns
        without their names). If None, strings, booleans and numbers with at most two distinct values are
        classifications, all other numbers are regressions.
    loss : str, class, keras.losses.Loss, callable, or sequence or dict of them, default=None
        Losses with which the model is compiled: one for all tasks, or one per task by position or name.
        Categorical losses get one-hot targets, all others class codes. With ``from_logits=True``, outputs are
        converted to probabilities.
    classes : sequence, default=None
        All labels of each task, None for a regression. Needed if the first call of ``partial_fit`` lacks some
        labels.

    Attributes
    ----------
    targets_ : TargetEncoder
        Tasks and their classes.

    See Also
    --------
    from_scikeras : Converts a wrapper to a multi-task estimator, which also accepts missing labels.

    Notes
    -----
    ``meta`` describes the tasks to the builder, with the names that skmtl's own estimators use: ``output_units_``
    (units of each output: the number of classes, or 1), ``task_types_``, ``task_names_``, ``n_tasks_``,
    ``n_outputs_expected_`` (number of outputs), ``classes_`` and ``n_classes_`` (lists for 2-D y). The same builder
    therefore works with both. A task with two classes may have one unit (sigmoid) or two (softmax). The model must
    return its outputs as a list: scikeras would match a dict in alphabetical order.

    scikeras checks y before it calls the encoder. These checks refuse missing labels, and columns of strings next to
    columns of numbers. To allow the second, define ``_type_of_target`` in the subclass so that it returns "unknown".
    ``score`` is the wrapper's own: scikit-learn's accuracy does not support several columns with more than two
    labels, so a classifier needs a ``scorer``, as in the example. For cross-validation, use
    `skmtl.metrics.make_task_scorer`.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.scikeras import MultiTaskTargetEncoder
    >>> y = np.array([["cold", "dry"], ["warm", "wet"], ["mild", "dry"]])
    >>> encoder = MultiTaskTargetEncoder().fit(y)
    >>> [column.ravel().tolist() for column in encoder.transform(y)]
    [[0.0, 2.0, 1.0], [0.0, 1.0, 0.0]]
    >>> encoder.get_metadata()["output_units_"]
    [3, 2]
    >>> outputs = [np.array([[0.1, 0.7, 0.2]]), np.array([[0.9]])]  # softmax of 3 units, sigmoid of 1
    >>> encoder.inverse_transform(outputs).tolist()
    [['mild', 'wet']]

    In a wrapper:

    >>> from scikeras.wrappers import KerasClassifier
    >>> class MultiHeadClassifier(KerasClassifier):
    ...     @property
    ...     def target_encoder(self):
    ...         return MultiTaskTargetEncoder("classification", loss=self.loss)
    ...
    ...     @staticmethod
    ...     def scorer(y_true, y_pred, sample_weight=None):
    ...         return np.average((y_true == y_pred).mean(axis=1), weights=sample_weight)
    """

    def __init__(self, task_types: Any = None, *, loss: Any = None, classes: Any = None) -> None:
        self.task_types = task_types
        self.loss = loss
        self.classes = classes

    def fit(self, y: Any) -> MultiTaskTargetEncoder:
        """Learn the tasks and their classes.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets without missing labels.

        Returns
        -------
        self : MultiTaskTargetEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If a label is missing, or a column does not match the kind of its task.
        """
        columns = _complete_columns(y)
        kinds = self._kinds(columns)
        targets = TargetEncoder.fit(columns, kinds, self._known_classes(columns, kinds))
        one_hot = _flags(self.loss, columns.names, _wants_one_hot)
        logits = _flags(self.loss, columns.names, from_logits)
        self.targets_, self._one_hot, self._logits = targets, one_hot, logits
        return self

    def transform(self, y: Any) -> Any:
        """Convert the columns of y to targets of the Keras model.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets without missing labels.

        Returns
        -------
        targets : list of ndarray, or ndarray
            One array per task, not in a list if there is only one task; in Keras' float type. Regression targets
            and class codes have shape (n_samples, 1), one-hot rows (n_samples, n_classes).
        """
        import keras

        check_is_fitted(self)
        values = self.targets_.encode(_complete_columns(y), None).values.astype(keras.config.floatx())
        arrays = []
        for i, task in enumerate(self.targets_.tasks):
            if task.kind == "classification" and self._one_hot[i]:
                arrays.append(np.eye(len(task.classes), dtype=values.dtype)[values[:, i].astype(np.intp)])
            else:
                arrays.append(values[:, [i]])
        return arrays[0] if len(arrays) == 1 else arrays

    def inverse_transform(self, y: Any, return_proba: bool = False) -> Any:
        """Convert outputs of the Keras model to predictions.

        Parameters
        ----------
        y : list of ndarray of shape (n_samples, units), or ndarray
            One output per task; an array if there is only one task.
        return_proba : bool, default=False
            Whether to return class probabilities instead of labels.

        Returns
        -------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_tasks), or list of ndarray
            Predictions, one column per task, in the form of the y passed to ``fit``. With ``return_proba``, a
            list with an array of shape (n_samples, n_classes) per task, None for a regression; not in a list
            for 1-D y.

        Raises
        ------
        ValueError
            If the outputs do not match the tasks, or are not probabilities.
        """
        check_is_fitted(self)
        outputs = self._heads(y)
        classes = self.targets_.classes
        values = [
            output[:, 0] if known is None else self._probabilities(i, output)
            for i, (known, output) in enumerate(zip(classes, outputs, strict=True))
        ]
        if return_proba:
            proba = [None if known is None else rows for known, rows in zip(classes, values, strict=True)]
            return proba[0] if self.targets_.one_dimensional else proba
        columns = [
            column if known is None else self.targets_.decode_labels(column.argmax(axis=1), i)
            for i, (known, column) in enumerate(zip(classes, values, strict=True))
        ]
        return columns[0] if self.targets_.one_dimensional else stacked(columns)

    def get_metadata(self) -> dict[str, Any]:
        """Describe the tasks, for the builder's ``meta`` and the wrapper's attributes.

        Returns
        -------
        metadata : dict
            Names, kinds and classes of the tasks, and units of their outputs.
        """
        from ..fitting._networks import target_meta

        check_is_fitted(self)
        meta = target_meta(self.targets_)
        # scikeras sets these three itself.
        return {name: value for name, value in meta.items() if name not in ("target_type_", "y_dtype_", "y_ndim_")}

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the encoder is fitted."""
        return hasattr(self, "targets_")

    def _kinds(self, columns: TargetColumns) -> Sequence[Kind]:
        given = self.task_types
        if given is None or isinstance(given, Mapping):
            return infer_kinds(columns, given)
        kinds: list[Any] = [given] * len(columns.names) if isinstance(given, str) else list(given)
        if len(kinds) != len(columns.names):
            raise ValueError(f"task_types has {len(kinds)} entries, but y has {len(columns.names)} columns.")
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"task_types has the entry {kind!r}.{proposal(str(kind), KINDS)}")
        return kinds

    def _known_classes(self, columns: TargetColumns, kinds: Sequence[Kind]) -> list[Any] | None:
        if self.classes is None:
            return None
        entries = [self.classes] if columns.one_dimensional else list(self.classes)
        if len(entries) != len(kinds):
            raise ValueError(f"classes has {len(entries)} entries, but y has {len(kinds)} columns: pass one for each.")
        return entries

    def _heads(self, y: Any) -> list[np.ndarray]:
        tasks = self.targets_.tasks
        if isinstance(y, Mapping):
            raise ValueError(
                "The Keras model returns a dict of outputs, which scikeras matches to the tasks in alphabetical "
                "order. Build a model with a list of outputs, in the order of y's columns."
            )
        outputs = [np.asarray(output) for output in (y if isinstance(y, list | tuple) else [y])]
        if len(outputs) != len(tasks):
            raise ValueError(
                f"The Keras model has {len(outputs)} outputs, but y has {len(tasks)} tasks: each task needs one output."
            )
        outputs = [output[:, None] if output.ndim == 1 else output for output in outputs]
        for task, output in zip(tasks, outputs, strict=True):
            n_classes = len(task.classes)
            allowed = {1} if task.kind == "regression" else {n_classes} | ({1} if n_classes <= 2 else set())
            if output.ndim != 2 or output.shape[1] not in allowed:
                raise ValueError(
                    f"The output of task {task.name!r} should have shape (n_samples, "
                    f"{' or '.join(map(str, sorted(allowed)))}), got {output.shape}."
                )
        return outputs

    def _probabilities(self, position: int, output: np.ndarray) -> np.ndarray:
        task = self.targets_.tasks[position]
        if self._logits[position]:
            output = expit(output) if output.shape[1] == 1 else softmax(output, axis=1)
        if not ((output >= -_ROUNDING) & (output <= 1 + _ROUNDING)).all():
            raise ValueError(
                f"The output of task {task.name!r} should be probabilities in [0, 1], but is between "
                f"{output.min():.3g} and {output.max():.3g}. End the head in a softmax or sigmoid, or pass the encoder "
                "a loss with from_logits=True (loss=)."
            )
        if output.shape[1] == len(task.classes):
            return output
        return np.hstack([1 - output, output])


def _complete_columns(y: Any) -> TargetColumns:
    columns = read_columns(y, estimator=MultiTaskTargetEncoder.__name__)
    for name, observed in zip(columns.names, columns.observed, strict=True):
        if not observed.all():
            raise ValueError(
                f"Task {name!r} has {int((~observed).sum())} missing labels, which scikeras and Keras losses do not "
                "support. Drop these rows, or convert the wrapper with skmtl.scikeras.from_scikeras: skmtl estimators "
                "leave missing labels out of the loss."
            )
    return columns


def _flags(loss: Any, names: Sequence[str], test: Any) -> list[bool]:
    return [one is not None and test(one) for one in per_task(loss, names, "loss")]


def _wants_one_hot(loss: Any) -> bool:
    from scikeras.utils import loss_name

    return loss_name(loss) in _ONE_HOT_LOSSES


def from_logits(loss: Any) -> bool:
    """Whether a Keras loss (instance or class) expects logits."""
    instance = loss() if isinstance(loss, type) else loss
    config = instance.get_config() if hasattr(instance, "get_config") else {}
    return bool(config.get("from_logits", False))
