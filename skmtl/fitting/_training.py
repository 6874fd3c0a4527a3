"""From a built network and checked data to the records of the training engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._arrays import aligned_zeros
from .._origin import is_library_code
from .._records import EncodedTargets, TargetScaling, TrainingNumbers
from .._weights import relative_weights
from ..inference._fitted import FittedNetwork
from ..targets import ScalingMode
from ..training import TrainingData, TrainingStructure, resolve_optimizer
from ..training._buckets import bucket
from ..training._compile_choice import worth_compiling
from ..training._optimizer import OptimizerRule
from ..training._rows import RowPlan
from ..training._sampling import RowSampling, plan_sampling
from ..training._structure import PROGRAMS, TrainingJob
from ._balancing import Balance
from ._held_out import held_out_plan
from ._input import FitInput, Settings, all_rows
from ._networks import BuiltNetwork

# Bound on the labels of a constant task, which is not learned: every loss is finite for it.
_LARGE = 1e6


def training_job(
    settings: Settings,
    data: FitInput,
    built: BuiltNetwork,
    network: FittedNetwork,
    numbers: TrainingNumbers,
    seed: int,
    balance: Balance,
) -> TrainingJob:
    """Return what the engine needs to train the network on the data."""
    plan = held_out_plan(settings, data, numbers, seed)
    if not any(len(rows) for rows in plan.evaluate):
        numbers = replace(numbers, early_stopping=False)
    structure = structure_of(settings, built, network, balance, _compiled(settings, built, plan, numbers))
    inputs, labels, weights = data.once("rows", lambda: _rows(settings, data, built, network))
    training = TrainingData(
        inputs=inputs,
        labels=labels,
        weights=weights,
        units=1.0 / network.units,
        # Only losses of positive quantities see the caller's units.
        scale=np.where([rule.positive for rule in built.objective.rules], network.scaling.divisor, 1.0),
        plan=plan,
        parameters=built.parameters,
        frozen=built.frozen,
        optimizer_state=network.optimizer_state,
        balancing=balance.state,
        sampling=_sampling(settings, data.targets.weights),
    )
    return TrainingJob(structure, training, numbers, settings["jit_compile"] == "auto" and built.spec is not None)


def _rows(
    settings: Settings, data: FitInput, built: BuiltNetwork, network: FittedNetwork
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs, labels and weights as the network sees them, with validation rows after training rows."""
    X, targets = all_rows(data)
    rows, dtype = bucket(len(targets.values)), settings["dtype"]
    return (
        network.features.transform(X, n_rows=rows, dtype=np.dtype(dtype)),
        network_labels(targets, network.scaling, built.objective.modes, rows, dtype),
        _padded(learning_weights(targets, network.scaling), rows, dtype),
    )


def structure_of(
    settings: Settings, built: BuiltNetwork, network: FittedNetwork, balance: Balance, jit: bool
) -> TrainingStructure:
    """Return what the program of this fit depends on."""
    optimizer = _optimizer(settings, built)
    return TrainingStructure(
        # A network without a key cannot be compared with others: it gets one that equals nothing else.
        key=object() if built.key is None else built.key,
        make_network=built.make,
        groups=built.objective.groups,
        optimizer=optimizer,
        task_names=tuple(task.name for task in network.tasks),
        jit=jit,
        separate=built.spec is None,
        balancing=balance.method,
        programs=settings.programs if _reads_own_code(built, optimizer, balance) else PROGRAMS,
    )


def _reads_own_code(built: BuiltNetwork, optimizer: OptimizerRule, balance: Balance) -> bool:
    """Whether the program contains the caller's code, which may behave differently in the next fit."""
    own_loss = any(rule.own for rule in built.objective.rules)
    return built.key is None or built.own or own_loss or optimizer.own or not is_library_code(type(balance.method))


def _sampling(settings: Settings, weights: np.ndarray) -> RowSampling | None:
    if settings["task_sampling"] is None:
        return None
    if not settings["shuffle"]:
        raise ValueError(
            f"task_sampling={settings['task_sampling']} draws every epoch's rows at random, but shuffle=False asks "
            "for their original order. Set shuffle=True, or task_sampling=None."
        )
    return plan_sampling(weights, float(settings["task_sampling"]))


def _optimizer(settings: Settings, built: BuiltNetwork) -> OptimizerRule:
    for name in ("learning_rate", "weight_decay"):
        if settings[name] is not None and name in settings.routed["optimizer"]:
            raise ValueError(f"{name} and optimizer__{name} are both given; give one of them.")
    optimizer = settings["optimizer"]
    if built.compiled_optimizer is not None and "optimizer" not in settings.changed:
        optimizer = built.compiled_optimizer
    rule = resolve_optimizer(optimizer, settings.routed["optimizer"], settings["weight_decay"])
    if rule.has_schedule and settings["learning_rate_schedule"] == "cosine":
        raise ValueError(
            'The optimizer has its own learning rate schedule: leave learning_rate_schedule at "auto", or give '
            "the optimizer a number."
        )
    return rule


def _compiled(settings: Settings, built: BuiltNetwork, plan: RowPlan, numbers: TrainingNumbers) -> bool:
    steps = max(plan.steps(numbers.batch_size)) * numbers.epochs
    return is_compiled(settings, built, numbers.batch_size, steps)


def is_compiled(settings: Settings, built: BuiltNetwork, batch_size: int, steps: int) -> bool:
    """Whether XLA compiles the program of a fit with this many steps."""
    if settings["jit_compile"] != "auto":
        return bool(settings["jit_compile"])
    if built.spec is None:
        return False
    return worth_compiling(steps, built.flops * batch_size, len(built.parameters))


def network_labels(
    targets: EncodedTargets, scaling: TargetScaling, modes: Sequence[ScalingMode], rows: int, dtype: str
) -> np.ndarray:
    """Return the targets as the network sees them; missing labels are 0."""
    scaled = scaling.to_outputs(targets.values)
    # Constants have no weight, but a loss of unscaled labels may be undefined at 0.
    raw = (scaling.scale == 0) & (np.asarray(modes) != "standard")
    scaled[:, raw] = np.clip(targets.values[:, raw], -_LARGE, _LARGE)
    scaled[~targets.observed] = 0.0
    return _padded(scaled, rows, dtype)


def learning_weights(targets: EncodedTargets, scaling: TargetScaling) -> np.ndarray:
    """Return the weights relative to each task's largest, so that float32 can hold them; 0 for constant tasks."""
    return relative_weights(targets.weights, axis=0) * (scaling.scale != 0)


def _padded(values: np.ndarray, rows: int, dtype: str) -> np.ndarray:
    out = aligned_zeros((rows, values.shape[1]), dtype)
    out[: len(values)] = values
    return out
