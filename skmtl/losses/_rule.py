"""What the engine needs to know of a Keras loss: the form it wants, and one value per row."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import tensorflow as tf

from .._names import proposal
from .._records import Kind, Link

TargetForm = Literal["value", "codes", "one_hot"]

# Losses that make sense only on positive quantities in their own units.
_POSITIVE = (
    keras.losses.Poisson,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.MeanAbsolutePercentageError,
)
_REGRESSION_ONLY = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.Huber,
    keras.losses.LogCosh,
    *_POSITIVE,
)


@dataclass(frozen=True)
class LossRule:
    """A task's loss, told apart from others by ``key`` alone.

    Attributes
    ----------
    key : tuple
        What the loss is; equal keys mean equal computations.
    target_form : {"value", "codes", "one_hot"}
        How the loss wants the labels.
    link : str
        What is done to the raw output before the loss sees it.
    positive : bool
        The loss is computed in the caller's units, on targets that are only divided by a scale.
    function : callable
        (y_true, y_pred) of two axes each to one value per row.
    """

    key: tuple[Any, ...]
    target_form: TargetForm
    link: Link
    positive: bool = False
    function: Callable[[Any, Any], Any] = field(compare=False, default=None)  # type: ignore[assignment]

    def rows(self, labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Loss of each row: ``labels`` (rows,), ``raw`` (rows, units), ``scale`` (rows,)."""
        predicted = _LINKS[self.link](raw)
        if self.target_form == "one_hot":
            truth = tf.one_hot(tf.cast(labels, tf.int32), raw.shape[-1], dtype=raw.dtype)
        elif self.target_form == "codes":
            truth = tf.cast(labels, tf.int32)[:, None]
        else:
            truth = tf.cast(labels[:, None], raw.dtype)
        if self.positive:
            truth, predicted = truth * scale[:, None], predicted * scale[:, None]
        values = self.function(truth, predicted)
        if len(values.shape) != 1:
            raise ValueError(
                f"The loss {self.key[0]!r} returned shape {tuple(values.shape)}; skmtl needs one value per row, so "
                "that missing labels can be left out: do not average over the batch inside the loss."
            )
        return tf.cast(values, raw.dtype)


_LINKS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "identity": lambda raw: raw,
    "none": lambda raw: raw,
    "softmax": tf.nn.softmax,
    "sigmoid": tf.nn.sigmoid,
    "softplus": tf.nn.softplus,
}


def default_rule(kind: Kind, *, probabilities: bool, units: int) -> LossRule:
    """Squared error for a regression, cross-entropy for a classification (or Brier-free binary form of it)."""
    if kind == "regression":
        return resolve_rule(keras.losses.MeanSquaredError(), kind, "y", probabilities=probabilities, units=units)
    name = "binary_crossentropy" if units == 1 and probabilities else "categorical_crossentropy"
    return resolve_rule(name, kind, "y", probabilities=probabilities, units=units)


def resolve_rule(loss: Any, kind: Kind, task: str, *, probabilities: bool, units: int) -> LossRule:
    """Rule for a Keras loss given as a string, class, instance or function.

    ``probabilities`` says that the network's classification heads end in their own softmax or sigmoid
    (a caller's model), not in logits (ours).
    """
    instance = _instantiate(loss, task)
    if not isinstance(instance, keras.losses.Loss):
        return _function_rule(instance, kind, probabilities, units)
    if kind == "classification" and isinstance(instance, _POSITIVE):
        raise ValueError(
            f"loss of task {task!r}: {type(instance).__name__} is for regressions, the task is a classification."
        )
    key = (type(instance).__name__, type(instance), _configuration(instance))
    if kind == "regression":
        positive = isinstance(instance, _POSITIVE)
        link: Link = "softplus" if positive and not probabilities else "identity"
        return LossRule((*key, link), "value", link, positive, instance.call)
    return _classification_rule(instance, key, probabilities, units)


def _classification_rule(
    instance: keras.losses.Loss, key: tuple[Any, ...], probabilities: bool, units: int
) -> LossRule:
    sparse = isinstance(instance, keras.losses.SparseCategoricalCrossentropy)
    form: TargetForm = "codes" if sparse else "value" if units == 1 and probabilities else "one_hot"
    config = instance.get_config() if _has_config(instance) else {}
    if probabilities:
        return LossRule((*key, "none", form), form, "none", False, instance.call)
    binary = isinstance(instance, keras.losses.BinaryCrossentropy | keras.losses.BinaryFocalCrossentropy)
    if "from_logits" in config and not binary:
        # Our heads give logits: the same loss, computed without leaving the log domain.
        instance = type(instance).from_config({**config, "from_logits": True})
        return LossRule((*key, "logits", form), form, "identity", False, instance.call)
    return LossRule((*key, "softmax", form), form, "softmax", False, instance.call)


def _function_rule(function: Callable[..., Any], kind: Kind, probabilities: bool, units: int) -> LossRule:
    name = getattr(function, "__name__", type(function).__name__)
    if kind == "regression":
        return LossRule((name, function), "value", "identity", False, function)
    form: TargetForm = "value" if units == 1 and probabilities else "one_hot"
    return LossRule((name, function, form), form, "none" if probabilities else "softmax", False, function)


def _instantiate(loss: Any, task: str) -> Any:
    if isinstance(loss, str):
        try:
            found = keras.losses.get(loss)
        except ValueError as error:
            names = [
                name
                for name in dir(keras.losses)
                if name[:1].islower() and name not in ("get", "serialize", "deserialize")
            ]
            raise ValueError(
                f"loss of task {task!r}: Keras has no loss named {loss!r}.{proposal(loss, names)}"
            ) from error
        return _wrap(found)
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        return loss()
    if isinstance(loss, keras.losses.Loss):
        return loss
    if callable(loss):
        return _wrap(loss)
    raise TypeError(
        f"loss of task {task!r} should be a Keras loss (string, class, instance) or a function, got {loss!r}."
    )


def _wrap(found: Any) -> Any:
    """Class of a Keras loss function, where it has one: the class carries the settings."""
    if not inspect.isfunction(found):
        return found() if isinstance(found, type) else found
    classes = (getattr(keras.losses, name) for name in dir(keras.losses))
    for candidate in classes:
        if isinstance(candidate, type) and candidate is not keras.losses.Loss:
            try:
                instance = candidate()
            except TypeError:
                continue
            if getattr(instance, "fn", None) is found:
                return instance
    return found


def _has_config(instance: keras.losses.Loss) -> bool:
    try:
        instance.get_config()
    except NotImplementedError:
        return False
    return True


def _configuration(instance: keras.losses.Loss) -> Any:
    """Settings as text; an instance that cannot tell them counts by itself."""
    try:
        config = {k: v for k, v in instance.get_config().items() if k not in ("name", "reduction")}
        return json.dumps(config, sort_keys=True)
    except (NotImplementedError, TypeError):
        return instance


def is_regression_only(rule: LossRule) -> bool:
    """Whether the loss is one of Keras' regression losses."""
    return len(rule.key) > 1 and isinstance(rule.key[1], type) and issubclass(rule.key[1], _REGRESSION_ONLY)
