"""Checks that refuse optimizers and settings that only work inside Keras' own ``apply``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np

from .._origin import is_library_code

# Settings that are a number, or None, in every optimizer.
_NUMBERS = ("learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm")
_REFUSED = {"use_ema": False, "gradient_accumulation_steps": None, "loss_scale_factor": None}


def check_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Raise ValueError if the optimizer does more than its ``update_step`` and its settings describe."""
    kind = type(optimizer)
    for method in ("apply", "apply_gradients"):
        if getattr(kind, method) is not getattr(keras.optimizers.Optimizer, method):
            raise ValueError(
                f"optimizer: {kind.__name__} overrides {method}, which skmtl's training loop does not call. "
                "Use an optimizer that only overrides update_step."
            )
    _check_learning_rate(optimizer)
    config = optimizer.get_config()
    for name, harmless in _REFUSED.items():
        if config.get(name, harmless) not in (harmless, 0, 1.0 if name == "loss_scale_factor" else harmless):
            raise ValueError(f"optimizer: {name}={config[name]!r} is not supported; leave it at {harmless!r}.")
    _check_weight_decay(optimizer, config)
    if not kind.__module__.startswith("keras."):
        _check_own_config(optimizer, config)


def own_schedule(optimizer: keras.optimizers.Optimizer) -> type[Any] | None:
    """Return the class of the caller's own learning rate schedule, which Keras cannot find by name, or None."""
    kind = type(optimizer._learning_rate)
    schedules = keras.optimizers.schedules.LearningRateSchedule
    return kind if issubclass(kind, schedules) and not kind.__module__.startswith("keras.") else None


def checked_numbers(kind: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an optimizer's settings with Python numbers; raise ValueError for values that are not numbers."""
    return {name: _checked(kind, name, value) for name, value in settings.items()}


def _checked(kind: type, name: str, value: Any) -> Any:
    parameter = inspect.signature(kind).parameters.get(name)
    default = None if parameter is None else parameter.default
    if isinstance(default, bool):
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"optimizer__{name} should be True or False, got {value!r}.")
        return bool(value)
    if name not in _NUMBERS and not isinstance(default, int | float):
        return value
    if (value is None and default is None) or (name == "learning_rate" and callable(value)):
        return value
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise ValueError(f"optimizer__{name} should be a number, got {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not np.isfinite(number) or (name in _NUMBERS and number < 0):
        least = " of at least 0" if name in _NUMBERS else ""
        raise ValueError(f"optimizer__{name} should be a finite number{least}, got {value!r}.")
    return int(value) if isinstance(value, Integral) else number


def has_own_code(optimizer: keras.optimizers.Optimizer, config: Any) -> bool:
    """Whether the optimizer, or anything in its configuration, is not Keras' own."""
    if not is_library_code(type(optimizer)) or own_schedule(optimizer) is not None:
        return True
    return any(module.split(".")[0] != "keras" for module in _modules(config))


def _modules(config: Any) -> Iterator[str]:
    """Yield the modules of the objects that a configuration names."""
    if isinstance(config, Mapping):
        if "class_name" in config and "registered_name" in config:
            yield str(config.get("module") or "")
        config = list(config.values())
    if isinstance(config, list | tuple):
        for entry in config:
            yield from _modules(entry)


def create(kind: Any, config: Mapping[str, Any], schedule: type[Any] | None) -> Any:
    """Return an optimizer with that configuration; ``schedule`` comes from :func:`own_schedule`."""
    with keras.saving.custom_object_scope({} if schedule is None else {schedule.__name__: schedule}):
        return kind.from_config(dict(config))


def _check_learning_rate(optimizer: keras.optimizers.Optimizer) -> None:
    rate = optimizer._learning_rate
    if callable(rate) and not isinstance(rate, keras.Variable | keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(
            "optimizer: a function as learning_rate is not supported; use a "
            "keras.optimizers.schedules.LearningRateSchedule, or the callback LearningRateScheduler."
        )


def _check_weight_decay(optimizer: keras.optimizers.Optimizer, config: dict[str, Any]) -> None:
    if getattr(optimizer, "_exclude_from_weight_decay", None) or getattr(
        optimizer, "_exclude_from_weight_decay_pattern", None
    ):
        raise ValueError(
            "optimizer: exclude_from_weight_decay is not supported; the estimator's own weight_decay= "
            "does not apply to biases."
        )
    if config.get("adam_weight_decay", config["weight_decay"]) != config["weight_decay"]:
        raise ValueError(
            f"optimizer: adam_weight_decay={config['adam_weight_decay']!r} differs from "
            f"weight_decay={config['weight_decay']!r}, which is not supported; give both the same value."
        )


def _check_own_config(optimizer: keras.optimizers.Optimizer, config: dict[str, Any]) -> None:
    """Check that the caller's own optimizer can be rebuilt from its get_config."""
    rebuilt = create(type(optimizer), config, own_schedule(optimizer))
    for name, value in vars(optimizer).items():
        if isinstance(value, bool | int | float | str) and name != "name" and getattr(rebuilt, name, None) != value:
            raise ValueError(
                f"optimizer: {type(optimizer).__name__}.get_config leaves out {name}={value!r}; override it so that "
                "from_config makes an equal optimizer."
            )
