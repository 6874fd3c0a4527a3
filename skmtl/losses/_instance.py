"""The Keras loss that the caller's ``loss`` stands for, and a key that identifies it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Hashable, Mapping
from typing import Any

import keras

from .._names import proposal
from .._origin import is_library_code, is_settled

# Attributes of every Keras loss on which no computation depends.
_COMMON = ("name", "reduction", "_dtype_policy", "_dtype")


def instantiate(loss: Any, task: str) -> Any:
    """Return the instance or plain function of a Keras loss given as a string, class, instance or function."""
    if isinstance(loss, str):
        try:
            function = keras.losses.get(loss)
        except ValueError as error:
            names = [n for n in dir(keras.losses) if n[:1].islower() and n not in ("get", "serialize", "deserialize")]
            raise ValueError(
                f"loss of task {task!r}: Keras has no loss named {loss!r}.{proposal(loss, names)}"
            ) from error
        return _with_class(function)
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        return loss()
    if isinstance(loss, keras.losses.Loss):
        return loss
    if callable(loss):
        return _with_class(loss)
    raise TypeError(
        f"loss of task {task!r} should be a Keras loss (string, class, instance) or a function, got {loss!r}."
    )


def _with_class(loss: Any) -> Any:
    """Return an instance of the class that belongs to a Keras loss function, if there is one: it has the settings."""
    if not inspect.isfunction(loss):
        return loss() if isinstance(loss, type) else loss
    classes = (getattr(keras.losses, name) for name in dir(keras.losses))
    for candidate in classes:
        if isinstance(candidate, type) and candidate is not keras.losses.Loss:
            try:
                instance = candidate()
            except TypeError:
                continue
            if getattr(instance, "fn", None) is loss:
                return instance
    return loss


def identity(loss: Any) -> Hashable:
    """Return a key of a loss's settings: losses of a class with equal keys compute the same.

    The key uses attributes instead of ``get_config``, which the caller's own losses need not override. If an attribute
    can be neither serialised nor hashed, a loss is only equal to itself.
    """
    if not isinstance(loss, keras.losses.Loss):
        return _by_value_or_object(loss)
    attributes = {name: value for name, value in vars(loss).items() if name not in _COMMON}
    try:
        return tuple((name, _comparable(value)) for name, value in sorted(attributes.items()))
    except TypeError:
        return Only(loss)


def is_library_loss(loss: Any) -> bool:
    """Whether a loss is Keras' own with plain settings, so that its `identity` determines what it computes."""
    if not isinstance(loss, keras.losses.Loss):
        return is_library_code(loss)
    settings = (value for name, value in vars(loss).items() if name not in _COMMON)
    return is_library_code(type(loss)) and all(is_settled(value) for value in settings)


def _comparable(value: Any) -> Hashable:
    """Return plain settings as text, and other objects unchanged; raise TypeError if they have no hash."""
    if isinstance(value, Mapping):
        return tuple((name, _comparable(entry)) for name, entry in sorted(value.items()))
    try:
        return json.dumps(value, sort_keys=True)
    except TypeError:
        hash(value)
        return value


def _by_value_or_object(loss: Any) -> Hashable:
    try:
        hash(loss)
    except TypeError:
        return Only(loss)
    return loss


class Only:
    """A key that equals only keys of the same object, which it keeps alive so that its id stays unique."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Only) and other.held is self.held

    def __hash__(self) -> int:
        return id(self.held)
