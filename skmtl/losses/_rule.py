"""Rules for computing a Keras loss as one value per row: the form of its labels, and the link before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import keras
import tensorflow as tf

from .._records import Kind, Link
from ._instance import identity, instantiate, is_library_loss

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
_SPARSE = (keras.losses.SparseCategoricalCrossentropy, keras.losses.CategoricalGeneralizedCrossEntropy)
_BINARY = (
    keras.losses.BinaryCrossentropy,
    keras.losses.BinaryFocalCrossentropy,
    keras.losses.Hinge,
    keras.losses.SquaredHinge,
)
# Constant or undefined for a single number.
_CATEGORICAL = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
    keras.losses.CategoricalHinge,
    keras.losses.KLDivergence,
    keras.losses.CosineSimilarity,
    *_SPARSE,
)
_ACROSS_ROWS = (keras.losses.Circle, keras.losses.CTC)


@dataclass(frozen=True)
class LossRule:
    """A task's loss and how to compute it; ``key`` identifies it.

    Attributes
    ----------
    key : tuple
        Identity of the loss; equal keys mean equal computations.
    target_form : {"value", "codes", "one_hot"}
        Form in which the loss takes labels.
    link : str
        Function of the raw output that the loss is computed on.
    positive : bool
        Whether the loss is computed in the caller's units, on targets that are only divided by a scale.
    function : callable
        Maps (y_true, y_pred), with two axes each (codes have one), to one value per row.
    from_logits : bool
        Whether the caller asked for a loss of logits, with heads of a caller's model that end without a softmax.
    entropy : bool
        Whether the loss of the best constant is the entropy of the class shares.
    own : bool
        Whether the caller's code is part of it, which may depend on more than the key.
    """

    key: tuple[Any, ...]
    target_form: TargetForm
    link: Link
    positive: bool = False
    function: Callable[[Any, Any], Any] = field(compare=False, default=None)  # type: ignore[assignment]
    from_logits: bool = field(compare=False, default=False)
    entropy: bool = field(compare=False, default=False)
    own: bool = field(compare=False, default=False)

    @property
    def squared(self) -> bool:
        """Whether it is the squared error, for which the mean is the best constant."""
        return len(self.key) > 1 and self.key[1] is keras.losses.MeanSquaredError

    def rows(self, labels: tf.Tensor, raw: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
        """Return the loss of each row, for ``labels`` (rows,), ``raw`` (rows, units) and ``scale`` (rows,)."""
        predicted = _LINKS[self.link](raw)
        if self.target_form == "one_hot":
            truth = tf.one_hot(tf.cast(labels, tf.int32), raw.shape[-1], dtype=raw.dtype)
        elif self.target_form == "codes":
            truth = tf.cast(labels, tf.int32)
        else:
            truth = tf.cast(labels[:, None], raw.dtype)
        if self.positive:
            truth, predicted = truth * scale[:, None], predicted * scale[:, None]
        values = tf.convert_to_tensor(self.function(truth, predicted))
        return tf.cast(self._one_per_row(values, predicted), raw.dtype)

    def _one_per_row(self, values: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        """Return the values, averaged over units if the loss has not done so, as in Keras."""
        rows, units = predicted.shape
        if values.shape.rank == 2 and values.shape[1] in (1, units) and values.shape[0] in (None, rows):
            return tf.reduce_mean(values, axis=1)
        if values.shape.rank == 1 and values.shape[0] in (None, rows):
            return values
        raise ValueError(
            f"The loss {self.key[0]!r} returned shape {values.shape}; skmtl needs one value per row, so "
            "that missing labels can be left out: do not average over the batch inside the loss."
        )


_LINKS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "identity": lambda raw: raw,
    "none": lambda raw: raw,
    "softmax": tf.nn.softmax,
    "sigmoid": tf.nn.sigmoid,
    "softplus": tf.nn.softplus,
}


@functools.cache
def default_rule(kind: Kind, *, probabilities: bool, units: int) -> LossRule:
    """Return squared error for a regression, cross-entropy for a classification (binary for one sigmoid unit)."""
    if kind == "regression":
        name = "mean_squared_error"
    else:
        name = "binary_crossentropy" if units == 1 and probabilities else "categorical_crossentropy"
    return resolve_rule(name, kind, "y", probabilities=probabilities, units=units)


def resolve_rule(loss: Any, kind: Kind, task: str, *, probabilities: bool, units: int) -> LossRule:
    """Return the rule of a Keras loss given as a string, class, instance or function.

    ``probabilities`` says whether classification heads end in their own softmax or sigmoid (a caller's model) or in
    logits (a built-in scheme).
    """
    instance = instantiate(loss, task)
    rule = _rule_of(instance, kind, task, probabilities, units)
    return replace(rule, own=not is_library_loss(instance))


def _rule_of(instance: Any, kind: Kind, task: str, probabilities: bool, units: int) -> LossRule:
    name = getattr(instance, "__name__", type(instance).__name__)
    if not isinstance(instance, keras.losses.Loss):
        return _function_rule(name, instance, kind, probabilities, units)
    _check_kind(instance, kind, task, probabilities, units)
    key = (name, type(instance), identity(instance))
    if kind == "regression":
        positive = isinstance(instance, _POSITIVE)
        link: Link = "softplus" if positive and not probabilities else "identity"
        return LossRule((*key, link), "value", link, positive, instance.call)
    return _classification_rule(instance, key, task, probabilities, units)


def _check_kind(instance: keras.losses.Loss, kind: Kind, task: str, probabilities: bool, units: int) -> None:
    name = type(instance).__name__
    if isinstance(instance, _ACROSS_ROWS):
        raise ValueError(f"loss of task {task!r}: {name} is not a loss of single rows and labels.")
    if kind == "classification":
        if isinstance(instance, _POSITIVE):
            raise ValueError(f"loss of task {task!r}: {name} is for regressions, but the task is a classification.")
        if units == 1 and isinstance(instance, _CATEGORICAL):
            raise ValueError(
                f"loss of task {task!r}: {name} needs one unit per class (softmax), but the head has a single one; "
                "give the head more units, or use a binary loss."
            )
        return
    # A caller's own head may learn shares between 0 and 1 by cross-entropy.
    refused = _CATEGORICAL if probabilities else (*_CATEGORICAL, *_BINARY)
    if isinstance(instance, refused):
        raise ValueError(f"loss of task {task!r}: {name} is for classifications, but the task is a regression.")


def _classification_rule(
    instance: keras.losses.Loss, key: tuple[Any, ...], task: str, probabilities: bool, units: int
) -> LossRule:
    form: TargetForm = "codes" if isinstance(instance, _SPARSE) else "value" if units == 1 else "one_hot"
    entropy = _is_entropy(instance, units)
    logits = bool(getattr(instance, "from_logits", False))
    if probabilities:
        return LossRule((*key, "none", form), form, "none", False, instance.call, logits, entropy)
    binary, built_in = isinstance(instance, _BINARY), type(instance).__module__.startswith("keras.")
    if built_in and hasattr(instance, "from_logits") and logits is binary:
        # Built-in heads return logits of a softmax, so cross-entropies take logits, except those of a sigmoid.
        logits = not binary
        instance = type(instance).from_config({**instance.get_config(), "from_logits": logits})
    elif binary and logits:
        raise ValueError(
            f"loss of task {task!r}: the heads end in a softmax; pass {type(instance).__name__} with from_logits=False."
        )
    link: Link = "identity" if logits else "softmax"
    return LossRule((*key, link, form), form, link, False, instance.call, False, entropy)


def _is_entropy(instance: keras.losses.Loss, units: int) -> bool:
    plain = not getattr(instance, "label_smoothing", 0) and getattr(instance, "ignore_class", None) is None
    binary = type(instance) is keras.losses.BinaryCrossentropy and units <= 2
    kinds = (keras.losses.CategoricalCrossentropy, keras.losses.SparseCategoricalCrossentropy)
    return plain and (binary or type(instance) in kinds)


def _function_rule(name: str, function: Callable[..., Any], kind: Kind, probabilities: bool, units: int) -> LossRule:
    key = (name, identity(function))
    if kind == "regression":
        return LossRule(key, "value", "identity", False, function)
    form: TargetForm = "value" if units == 1 and probabilities else "one_hot"
    return LossRule((*key, form), form, "none" if probabilities else "softmax", False, function)


def is_regression_only(rule: LossRule) -> bool:
    """Whether the loss is one of Keras' regression losses."""
    return len(rule.key) > 1 and isinstance(rule.key[1], type) and issubclass(rule.key[1], _REGRESSION_ONLY)
