"""Keras callbacks from the ``callbacks`` parameter, around a model with the network's weights."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .._names import proposal
from ..inference._fitted import FittedNetwork
from ..networks._export import write_members
from ..training._callbacks import KerasCallbacks
from ._input import Settings


def callbacks_for(settings: Settings, network: FittedNetwork) -> KerasCallbacks | None:
    """Return copies of the caller's callbacks around a model of their own, or None if there are none."""
    callbacks = make_callbacks(settings["callbacks"], settings.routed["callbacks"])
    if not callbacks:
        return None
    model = network.keras_model()
    members = _member_models(model, network)
    trainable, other = model.trainable_variables, _other_variables(model, network)

    def write(flat: np.ndarray, frozen: Sequence[np.ndarray]) -> None:
        if members is not None:
            write_members(members, flat, frozen)
            return
        start = 0
        for variable in trainable:
            size = int(np.prod(variable.shape)) // len(flat)
            variable.assign(flat[:, start : start + size].reshape(variable.shape))
            start += size
        for variable, value in zip(other, frozen, strict=True):
            variable.assign(value)

    def read() -> tuple[np.ndarray, list[np.ndarray]]:
        if members is not None:
            rows = [np.concatenate([v.numpy().ravel() for v in m.trainable_variables]) for m in members]
            return np.stack(rows), [v.numpy() for m in members for v in m.non_trainable_variables]
        rows = [v.numpy().reshape(network.members, -1) for v in trainable]
        return np.concatenate(rows, axis=1), [v.numpy() for v in other]

    return KerasCallbacks(callbacks, model, write, read)


def _member_models(model: Any, network: FittedNetwork) -> list[Any] | None:
    """Return the caller's own models inside the exported one."""
    if network.spec is not None:
        return None
    return [layer for layer in model.layers if isinstance(layer, keras.Model)]


def _other_variables(model: Any, network: FittedNetwork) -> list[Any]:
    return list(model.non_trainable_variables) if network.spec is not None else []


def make_callbacks(callbacks: Any, routed: Mapping[str, Any]) -> list[Any]:
    """Return fresh callbacks from instances, classes, or lists and dicts of them.

    ``callbacks__*`` are arguments of classes: ``callbacks__patience`` goes to the only class (or to all of them),
    ``callbacks__0__patience`` to the first of a list, ``callbacks__stop__patience`` to the entry "stop" of a dict.
    """
    if callbacks is None:
        if routed:
            raise ValueError(f"callbacks__{next(iter(routed))} given, but callbacks= is None.")
        return []
    if isinstance(callbacks, Mapping):
        entries = {str(name): entry for name, entry in callbacks.items()}
    elif isinstance(callbacks, Iterable):
        entries = {str(i): entry for i, entry in enumerate(callbacks)}
    else:
        entries = {"0": callbacks}
    targeted = {name: value for name, value in routed.items() if "__" in name}
    for name in targeted:
        target = name.split("__", 1)[0]
        if target not in entries:
            raise ValueError(f"callbacks__{name}: there is no such callback.{proposal(target, entries)}")
    common = {name: value for name, value in routed.items() if "__" not in name}
    made = []
    for key, entry in entries.items():
        own = {name.split("__", 1)[1]: value for name, value in targeted.items() if name.split("__", 1)[0] == key}
        made.append(_make_callback(entry, {**common, **own}))
    return made


def _make_callback(entry: Any, arguments: dict[str, Any]) -> Any:
    if isinstance(entry, type) and issubclass(entry, keras.callbacks.Callback):
        _check_callback_arguments(entry, arguments)
        return entry(**arguments)
    if not isinstance(entry, keras.callbacks.Callback):
        hint = " Pass scikit-learn's callbacks to set_callbacks." if hasattr(entry, "on_fit_task_end") else ""
        raise TypeError(f"callbacks should be Keras callbacks (instances or classes), got {entry!r}.{hint}")
    if arguments:
        raise ValueError(
            f"callbacks__{next(iter(arguments))}: {type(entry).__name__} is an instance; pass the class to have "
            "its arguments routed."
        )
    # Callbacks have state: a copy leaves the caller's unchanged, for clone and for the next fit.
    return copy.deepcopy(entry)


def _check_callback_arguments(kind: type, arguments: Mapping[str, Any]) -> None:
    parameters = [p for name, p in inspect.signature(kind.__init__).parameters.items() if name != "self"]  # type: ignore[misc]
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for name in arguments:
        if name not in names and not takes_any:
            raise ValueError(
                f"The callback {kind.__name__} has no parameter {name!r} (callbacks__{name}).{proposal(name, names)}"
            )
    for parameter in parameters:
        if parameter.name in names and parameter.default is parameter.empty and parameter.name not in arguments:
            raise ValueError(
                f"The callback {kind.__name__} needs {parameter.name!r}: pass callbacks__{parameter.name}, "
                "or an instance."
            )
