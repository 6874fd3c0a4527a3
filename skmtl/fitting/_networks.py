"""The network that a fit trains, with its initial values: a built-in scheme, or the caller's own model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from .._names import proposal
from .._records import NetworkSpec, Task
from ..features import FeatureEncoder
from ..inference._fitted import FittedNetwork
from ..networks import (
    CustomNetwork,
    CustomSource,
    Network,
    NumericEmbedding,
    PiecewiseLinear,
    network_of,
    resolve_numeric_embedding,
)
from ..networks._build import resolve_architecture
from ..networks._custom import (
    activated_heads,
    builder_arguments,
    call_builder,
    describe,
    frozen_values,
    head_widths,
    linear_heads,
    parameter_values,
)
from ..networks._network import has_own_code
from ..targets import TargetEncoder
from ..training import resolve_optimizer
from ..training._buckets import bucket
from ._input import FitInput, Settings
from ._losses import Objective, objective

# Activations that scikit-learn and Keras name differently.
_ACTIVATIONS = {"logistic": "sigmoid", "identity": "linear"}

# Least room for bins: without it, the shape of a small network would change with the rows, and so its program.
_FEWEST_BINS = 64

# Parameters of the built-in schemes, which do not apply to a network that the caller builds.
_SCHEME_PARAMETERS = frozenset(
    (
        "architecture",
        "hidden_layer_sizes",
        "head_layer_sizes",
        "activation",
        "dropout",
        "one_hot_max_size",
        "numeric_embedding",
        "dtype",
    )
)


@dataclass(frozen=True)
class BuiltNetwork:
    """A network to train: how to make it, its initial values, and its tasks' losses."""

    make: Callable[..., Network]
    key: Any
    objective: Objective
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]
    spec: NetworkSpec | None = None
    source: CustomSource | None = None
    custom_key: Any = None
    compiled_optimizer: Any = None
    flops: float = 0.0
    own: bool = False  # whether the caller's code is part of the network


def build_fit(
    settings: Settings, data: FitInput, features: FeatureEncoder, previous: FittedNetwork | None, seeds: dict[str, int]
) -> BuiltNetwork:
    """Build the network that the settings ask for, with the values of ``previous`` if there is one."""
    build = _build_custom if settings["model"] is not None else _build_scheme
    built = build(settings, data, features, seeds)
    if previous is None:
        return built
    if built.parameters.shape != previous.parameters.shape or built.objective.heads != previous.heads:
        raise ValueError(
            "The network of this fit differs from the one fitted before (layers, ensemble_size or tasks changed), "
            "so training cannot continue from it: set warm_start=False, or fit a new estimator."
        )
    return replace_values(built, previous)


def replace_values(built: BuiltNetwork, previous: FittedNetwork) -> BuiltNetwork:
    """Return the same network with the values of one that was fitted before."""
    return replace(built, parameters=previous.parameters, frozen=previous.frozen)


# TensorFlow counts units in 32 bits.
_MOST_UNITS = 2**31 - 1


def sizes(value: Any, parameter: str) -> tuple[int, ...]:
    """Return layer widths as a tuple of positive integers."""
    entries = (
        np.atleast_1d(np.asarray(value, dtype=object)).tolist() if not isinstance(value, list | tuple) else list(value)
    )
    if any(isinstance(w, bool) or not isinstance(w, int | np.integer) or w < 1 for w in entries):
        raise ValueError(f"{parameter} should be positive integers, one per layer, got {value!r}.")
    if any(width > _MOST_UNITS for width in entries):
        raise ValueError(f"{parameter} has layers of more than {_MOST_UNITS} units, the largest possible: {value!r}.")
    return tuple(int(width) for width in entries)


def _build_scheme(settings: Settings, data: FitInput, features: FeatureEncoder, seeds: dict[str, int]) -> BuiltNetwork:
    scheme = resolve_architecture(settings["architecture"], settings.routed["architecture"])
    _refuse(settings.routed["model"], "model", "model= is None")
    scale = settings["scale_targets"]
    goal = objective(settings["loss"], data.encoder.tasks, scale_targets=[scale is not False] * len(data.encoder.tasks))
    spec = NetworkSpec(
        **scheme,
        n_inputs=features.n_outputs,
        # Task names are left out: networks that differ only in these share a program.
        heads=tuple(replace(head, name="") for head in goal.heads),
        hidden_layer_sizes=sizes(settings["hidden_layer_sizes"], "hidden_layer_sizes"),
        head_layer_sizes=sizes(settings["head_layer_sizes"], "head_layer_sizes"),
        activation=_activation(settings["activation"]),
        dropout=settings["dropout"] > 0,
        members=int(settings["ensemble_size"]),
        dtype=settings["dtype"],
        inputs=features.layout(_embedding(settings, features)),
    )
    network = network_of(spec)
    return BuiltNetwork(
        make=lambda members, fits=1: network_of(replace(spec, members=members, fits=fits)),
        key=replace(spec, members=1),
        objective=goal,
        parameters=network.initial_parameters(seeds["weights"]),
        frozen=network.initial_frozen(seeds["frozen"], float(settings["dropout"])),
        spec=spec,
        own=has_own_code(spec),
        flops=6.0 * sum(p.stop - p.start for p in network.parameters if not p.name.endswith("/table")),
    )


def _embedding(settings: Settings, features: FeatureEncoder) -> NumericEmbedding | None:
    """Return the embedding of numeric columns, with no more room for bins than the data need."""
    embedding = resolve_numeric_embedding(settings["numeric_embedding"], settings.routed["numeric_embedding"])
    if not isinstance(embedding, PiecewiseLinear) or features.bins is None:
        return embedding
    room = max(_FEWEST_BINS, bucket(max((len(edges) - 1 for edges in features.bins.edges), default=1)))
    return embedding if embedding.n_bins <= room else embedding.with_options(n_bins=room)


def _activation(name: str) -> str:
    name = _ACTIVATIONS.get(name, name)
    try:
        keras.activations.get(name)
    except ValueError as error:
        valid = [n for n in dir(keras.activations) if n[:1].islower() and n not in ("get", "serialize", "deserialize")]
        raise ValueError(f"activation: Keras has no activation named {name!r}.{proposal(name, valid)}") from error
    return name


def _refuse(routed: Any, prefix: str, why: str) -> None:
    if routed:
        raise ValueError(f"{', '.join(f'{prefix}__{name}' for name in routed)} given, but {why}.")


def _build_custom(settings: Settings, data: FitInput, features: FeatureEncoder, seeds: dict[str, int]) -> BuiltNetwork:
    for prefix in ("architecture", "numeric_embedding"):
        _refuse(settings.routed[prefix], prefix, "model= builds the network")
    idle = sorted(_SCHEME_PARAMETERS & settings.changed)
    if idle:
        raise ValueError(
            f"{', '.join(idle)} given, but model= builds the network and would ignore this: leave it at its default, "
            "or pass it to the builder (model__…)."
        )
    tasks, members = data.encoder.tasks, int(settings["ensemble_size"])
    meta = _meta(data, features)
    arguments = builder_arguments(settings["model"], settings.routed["model"], meta, lambda: _compile_kwargs(settings))
    models = [call_builder(settings["model"], arguments, seeds["weights"] + member) for member in range(members)]
    widths = head_widths(models[0], features.n_outputs, tasks)
    key, source = describe(models[0], settings["model"], arguments)
    goal = objective(
        _compiled_loss(settings, models[0]),
        tasks,
        scale_targets=_scales_custom(settings, models[0], tasks),
        widths=widths,
        linear=linear_heads(models[0], [task.name for task in tasks]),
    )
    # The cached program uses only the structure of these models; the initial values are passed to it.
    return BuiltNetwork(
        make=lambda count: CustomNetwork(models[:count], tasks),
        key=None if key is None else (key, tuple(task.name for task in tasks)),
        objective=goal,
        parameters=parameter_values(models),
        frozen=frozen_values(models),
        source=source,
        custom_key=None if key is None else (key, tuple(task.name for task in tasks)),
        compiled_optimizer=getattr(models[0], "optimizer", None),
    )


def _scales_custom(settings: Settings, model: Any, tasks: Sequence[Task]) -> list[bool]:
    """Which targets to standardise; "auto" means all whose head does not end in an activation."""
    if settings["scale_targets"] != "auto":
        return [bool(settings["scale_targets"])] * len(tasks)
    return [not activated for activated in activated_heads(model, [task.name for task in tasks])]


def _compiled_loss(settings: Settings, model: Any) -> Any:
    """Return the estimator's loss, or else the one that the builder compiled into the model."""
    if settings["loss"] is not None or getattr(model, "optimizer", None) is None:
        return settings["loss"]
    # Keras wraps a dict or list to track it.
    loss = model.loss
    return dict(loss) if isinstance(loss, Mapping) else list(loss) if isinstance(loss, list | tuple) else loss


def _compile_kwargs(settings: Settings) -> dict[str, Any]:
    """Return arguments for ``Model.compile``, for builders that compile their model themselves, as in scikeras."""
    rule = resolve_optimizer(settings["optimizer"], settings.routed["optimizer"], settings["weight_decay"])
    optimizer = rule.create()
    if not rule.has_schedule:
        optimizer.learning_rate = rule.learning_rate if settings["learning_rate"] is None else settings["learning_rate"]
    return {"optimizer": optimizer, "loss": settings["loss"], "metrics": None, "run_eagerly": False}


def _meta(data: FitInput, features: FeatureEncoder) -> dict[str, Any]:
    """Return facts about the data that a builder may ask for, under scikeras' names if it has one."""
    return {
        "n_features_in_": features.n_outputs,
        "X_shape_": (data.n_train, features.n_outputs),
        "X_dtype_": data.X.dtype,
        **target_meta(data.encoder),
    }


def target_meta(encoder: TargetEncoder) -> dict[str, Any]:
    """Return the part of a builder's ``meta`` that describes the tasks."""
    tasks, single = encoder.tasks, encoder.one_dimensional
    widths = [max(1, len(task.classes)) for task in tasks]
    number = np.dtype(np.float32 if encoder.single_precision else np.float64)
    return {
        "target_type_": _target_type(encoder),
        "y_dtype_": np.result_type(*(number if known is None else known.dtype for known in encoder.classes)),
        "y_ndim_": 1 if single else 2,
        "n_outputs_": len(tasks),
        "n_outputs_expected_": len(tasks),
        "n_tasks_": len(tasks),
        "task_names_": [task.name for task in tasks],
        "task_types_": [task.kind for task in tasks],
        "output_units_": widths,
        "classes_": encoder.classes[0] if single else list(encoder.classes),
        "n_classes_": widths[0] if single else widths,
    }


def _target_type(encoder: TargetEncoder) -> str:
    """Return scikit-learn's name of the target type (``type_of_target``), derived from the tasks."""
    kinds = {task.kind for task in encoder.tasks}
    if len(kinds) > 1:
        return "unknown"
    several = len(encoder.tasks) > 1
    if kinds == {"regression"}:
        return "continuous-multioutput" if several else "continuous"
    if not several:
        return "binary" if len(encoder.tasks[0].classes) <= 2 else "multiclass"
    labels = {label for task in encoder.tasks for label in task.classes}
    numeric = all(isinstance(label, int | float) for label in labels)
    return "multilabel-indicator" if numeric and len(labels) <= 2 else "multiclass-multioutput"
