"""The Keras loss behind what the caller passed, and what tells one loss from another."""

from __future__ import annotations

import inspect
import json
from collections.abc import Hashable, Mapping
from typing import Any

import keras

from .._names import proposal
from .._origin import is_library_code, is_settled

# What every Keras loss has and no computation depends on.
_COMMON = ("name", "reduction", "_dtype_policy", "_dtype")


def instantiate(loss: Any, task: str) -> Any:
    """Loss instance or plain function of a Keras loss given as a string, class, instance or function."""
    if isinstance(loss, str):
        try:
            found = keras.losses.get(loss)
        except ValueError as error:
            names = [n for n in dir(keras.losses) if n[:1].islower() and n not in ("get", "serialize", "deserialize")]
            raise ValueError(
                f"loss of task {task!r}: Keras has no loss named {loss!r}.{proposal(loss, names)}"
            ) from error
        return _with_class(found)
    if isinstance(loss, type) and issubclass(loss, keras.losses.Loss):
        return loss()
    if isinstance(loss, keras.losses.Loss):
        return loss
    if callable(loss):
        return _with_class(loss)
    raise TypeError(
        f"loss of task {task!r} should be a Keras loss (string, class, instance) or a function, got {loss!r}."
    )


def _with_class(found: Any) -> Any:
    """Instance of the class of a Keras loss function, where it has one: the class carries the settings."""
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


def identity(loss: Any) -> Hashable:
    """What of a loss's settings tells it from others of its class: equal values mean equal computations.

    The attributes count rather than ``get_config``, which a loss of the caller's own need not override.
    Where an attribute can neither be compared nor written down, only the very same object is equal.
    """
    if not isinstance(loss, keras.losses.Loss):
        return _by_value_or_object(loss)
    attributes = {name: value for name, value in vars(loss).items() if name not in _COMMON}
    try:
        return tuple((name, _comparable(value)) for name, value in sorted(attributes.items()))
    except TypeError:
        return Only(loss)


def is_library_loss(loss: Any) -> bool:
    """Whether a loss is Keras' own, with settings that say all of themselves: its `identity` is all there is to it."""
    if not isinstance(loss, keras.losses.Loss):
        return is_library_code(loss)
    settings = (value for name, value in vars(loss).items() if name not in _COMMON)
    return is_library_code(type(loss)) and all(is_settled(value) for value in settings)


def _comparable(value: Any) -> Hashable:
    """Text of plain settings, and functions and other objects as they are; TypeError for what has no hash."""
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
    """Equal to what holds the very same object; keeps it, so that no other can take its place in memory."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Only) and other.held is self.held

    def __hash__(self) -> int:
        return id(self.held)
