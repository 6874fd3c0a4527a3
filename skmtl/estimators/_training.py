"""From a built network and checked data to the engine's records, and through the engine."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from .._arrays import aligned_zeros
from .._names import proposal
from .._records import EncodedTargets, TargetScaling, TrainingNumbers, TrainingResult
from ..networks._export import write_members
from ..training import TrainingData, TrainingStructure, resolve_optimizer, train
from ..training._buckets import bucket
from ..training._callbacks import KerasCallbacks
from ..training._compile_choice import worth_compiling
from ..training._rows import RowPlan, plan_rows
from ._fit import FitInput, Settings, all_rows
from ._fitted import FittedNetwork
from ._networks import BuiltNetwork


def run_training(
    settings: Settings,
    data: FitInput,
    built: BuiltNetwork,
    network: FittedNetwork,
    numbers: TrainingNumbers,
    seed: int,
    callbacks: KerasCallbacks | None,
) -> TrainingResult:
    """Train the network on the data."""
    X, targets = all_rows(data)
    rows = bucket(len(targets.values))
    plan = _plan(settings, data, numbers, seed)
    if not any(len(rows) for rows in plan.evaluate):
        numbers = replace(numbers, early_stopping=False)
    structure = TrainingStructure(
        key=built.key,
        make_network=built.make,
        groups=built.objective.groups,
        optimizer=_optimizer(settings, built),
        task_names=tuple(task.name for task in network.tasks),
        jit=_compiled(settings, built, plan, numbers),
        separate=built.spec is None,
    )
    training = TrainingData(
        inputs=network.features.transform(X, n_rows=rows, dtype=np.dtype(settings["dtype"])),
        labels=_labels(targets, network.scaling, rows, settings["dtype"]),
        weights=_padded(targets.weights, rows, settings["dtype"]),
        units=1.0 / network.units,
        # Only losses of positive quantities see the caller's units.
        scale=np.where([rule.positive for rule in built.objective.rules], network.scaling.scale, 1.0),
        plan=plan,
        parameters=built.parameters,
        frozen=built.frozen,
        optimizer_state=network.optimizer_state,
    )
    return train(structure, training, numbers, callbacks, int(settings["verbose"]))


def _optimizer(settings: Settings, built: BuiltNetwork) -> Any:
    optimizer = settings["optimizer"]
    if built.compiled_optimizer is not None and "optimizer" not in settings.changed:
        optimizer = built.compiled_optimizer
    return resolve_optimizer(optimizer, settings.routed["optimizer"], settings["weight_decay"])


def _plan(settings: Settings, data: FitInput, numbers: TrainingNumbers, seed: int) -> RowPlan:
    members = int(settings["ensemble_size"])
    if data.validation is not None:
        train_rows, held = np.arange(data.n_train), np.arange(data.n_train, data.n_train + data.validation.n_train)
        return RowPlan((train_rows,) * members, (held,) * members)
    fraction = float(settings["validation_fraction"]) if numbers.early_stopping else 0.0
    classified = [task.kind == "classification" for task in data.encoder.tasks]
    plan = plan_rows(data.targets, classified, members, fraction, seed)
    if numbers.early_stopping and any(len(rows) == 0 for rows in plan.evaluate):
        if settings["early_stopping"] == "auto":
            return plan_rows(data.targets, classified, members, 0.0, seed)
        raise ValueError(
            f"early_stopping=True holds {fraction:.0%} of the rows out, but with n_samples={data.n_train} none can be "
            "spared without losing the last label of a task or class. Set early_stopping=False, or give more samples."
        )
    return plan


def _compiled(settings: Settings, built: BuiltNetwork, plan: RowPlan, numbers: TrainingNumbers) -> bool:
    if settings["jit_compile"] != "auto":
        return bool(settings["jit_compile"])
    if built.spec is None:
        return False
    steps = -(-max(len(rows) for rows in plan.train) // numbers.batch_size) * numbers.epochs
    return worth_compiling(steps, built.flops * numbers.batch_size, len(plan.train))


def _labels(targets: EncodedTargets, scaling: TargetScaling, rows: int, dtype: str) -> np.ndarray:
    """Targets as the network sees them; 0 where there is no label."""
    scaled = (targets.values - scaling.shift) / scaling.scale
    scaled[~targets.observed] = 0.0
    return _padded(scaled, rows, dtype)


def _padded(values: np.ndarray, rows: int, dtype: str) -> np.ndarray:
    out = aligned_zeros((rows, values.shape[1]), dtype)
    out[: len(values)] = values
    return out


def callbacks_for(settings: Settings, network: FittedNetwork) -> KerasCallbacks | None:
    """The caller's callbacks, copied, around a model of their own; None where there are none."""
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
    """The caller's own models inside the exported one."""
    if network.spec is not None:
        return None
    return [layer for layer in model.layers if isinstance(layer, keras.Model)]


def _other_variables(model: Any, network: FittedNetwork) -> list[Any]:
    return list(model.non_trainable_variables) if network.spec is not None else []


def make_callbacks(callbacks: Any, routed: Mapping[str, Any]) -> list[Any]:
    """Fresh callbacks from instances, classes, or lists and dicts of them; ``callbacks__*`` are arguments of classes.

    ``callbacks__patience`` goes to the one class (or to all), ``callbacks__0__patience`` to the first of a
    list, ``callbacks__stop__patience`` to the entry "stop" of a dict.
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
        if name.split("__", 1)[0] not in entries:
            raise ValueError(f"callbacks__{name}: there is no such callback.{proposal(name.split('__', 1)[0], entries)}")
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
        raise TypeError(f"callbacks should be Keras callbacks (instances or classes), got {entry!r}.")
    if arguments:
        raise ValueError(
            f"callbacks__{next(iter(arguments))}: {type(entry).__name__} is an instance; pass the class to have "
            "its arguments routed."
        )
    # A callback keeps what it saw; a copy keeps the caller's as it was, for clone and for the next fit.
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
                f"The callback {kind.__name__} needs {parameter.name!r}: pass callbacks__{parameter.name}, or an instance."
            )
