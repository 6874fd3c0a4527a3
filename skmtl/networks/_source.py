"""Structure of user-defined models: a key for the program cache, and how to rebuild the model."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._origin import is_library_code
from .._records import CustomSource as CustomSource
from ._kernel_cache import count_build
from ._random import seeded

_PROBE_ROWS = 3


def build_model(source: CustomSource) -> keras.Model:
    """Build a model of the described structure, whose weights the caller overwrites."""
    count_build()
    with seeded(0):
        if source.configuration is not None:
            model = keras.models.model_from_json(source.configuration, custom_objects=dict(source.classes))
        elif source.builder is not None:
            model = source.builder(**source.arguments)
        else:
            raise ValueError("The model has neither a configuration nor a builder function, so it cannot be built.")
        if not model.built and source.n_inputs is not None:
            build_by_call(model, source.n_inputs)
    n_parameters = _n_parameters(model)
    if source.n_parameters is not None and model.built and n_parameters != source.n_parameters:
        raise ValueError(
            f"The function passed as model= now builds a network with {n_parameters} parameters, but in fit it had "
            f"{source.n_parameters}: a value that the function reads from outside has changed. Pass such values as "
            "model__… parameters."
        )
    return model


def _n_parameters(model: keras.Model) -> int:
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def build_by_call(model: keras.Model, n_inputs: int) -> Any:
    """Return outputs for two rows of zeros; a model without an input shape creates its variables in this call."""
    return model(np.zeros((2, n_inputs), dtype=np.float32), **in_training(model, False))


def in_training(model: keras.Model, training: bool) -> dict[str, bool]:
    """Return the argument ``training`` if the model's ``call`` takes it, as Keras does."""
    parameters = inspect.signature(model.call).parameters.values()
    takes = any(parameter.name == "training" or parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return {"training": training} if takes else {}


def input_width(model: keras.Model) -> int | None:
    """Return the number of inputs of a built model; None if unknown."""
    inputs = getattr(model, "inputs", None)
    shape = inputs[0].shape if inputs else (model.get_build_config() or {}).get("input_shape")
    return None if shape is None else int(shape[-1])


def describe(
    model: keras.Model, builder: Callable[..., Any], arguments: Mapping[str, Any]
) -> tuple[Hashable | None, CustomSource]:
    """Return the key of the model's structure for the program cache (None: not cacheable), and its source.

    The configuration identifies the structure only if everything in it comes from Keras or skmtl: user-defined layers
    and functions may depend on values outside the configuration. The model rebuilt from it must also compute the
    same, because the builder may have modified the model after creating it.
    """
    width = input_width(model)
    fallback = CustomSource(builder, dict(arguments), n_inputs=width, n_parameters=_n_parameters(model))
    layers = list(model._flatten_layers(include_self=True, recursive=True))
    own = {type(layer).__name__: type(layer) for layer in layers if not type(layer).__module__.startswith("keras.")}
    if width is None or any(isinstance(layer, keras.layers.Lambda) for layer in layers):
        return None, fallback
    try:
        text = model.to_json()
        source = CustomSource(None, {}, text, own, width)
        named = tuple(_named_objects(json.loads(text), own))
        same = None not in named and _computes_alike(model, build_model(source), width)
    except Exception:  # a user-defined model may fail to serialise in any way
        return None, fallback
    if not same:
        return None, fallback
    cacheable = all(is_library_code(code) for code in (*own.values(), *named))
    return (_structure(text) if cacheable else None), source


def _structure(text: str) -> str:
    """Return the configuration without details that differ between builds: numbers in layer names, Keras' seeds."""
    tree = json.loads(text)
    names: dict[str, str] = {}
    for name in _layer_names(tree):
        # Keep the stem: optimizers can select variables by name.
        names.setdefault(name, f"{re.sub(r'_[0-9]+$', '', name)} {len(names)}")
    _neutralise(tree, names)
    return json.dumps(tree, sort_keys=True)


def _layer_names(tree: Any) -> Iterator[str]:
    """Yield the names of layers and operations in a configuration, in order."""
    if isinstance(tree, list):
        for child in tree:
            yield from _layer_names(child)
    if not isinstance(tree, dict):
        return
    config = tree.get("config")
    if "class_name" in tree and isinstance(config, dict) and isinstance(config.get("name"), str):
        yield config["name"]
    for key, child in tree.items():
        if key != _DTYPE:
            yield from _layer_names(child)


# Entries of a functional model's configuration that refer to layers by name, and the entry with names of types.
_REFERENCES = ("keras_history", "input_layers", "output_layers")
_DTYPE = "dtype"


def _neutralise(tree: Any, names: Mapping[str, str]) -> None:
    """Rename layers in place, but not activations of the same name, and drop entries that do not affect programs."""
    if isinstance(tree, list):
        for child in tree:
            _neutralise(child, names)
    if not isinstance(tree, dict):
        return
    tree.pop("compile_config", None)
    tree.pop("shared_object_id", None)
    if _of_keras(tree) and isinstance(tree.get("config"), dict):
        # Keras keeps the random state in a variable, so the seed is only its initial value.
        tree["config"].pop("seed", None)
    for key, child in tree.items():
        if key == "name" and isinstance(child, str):
            tree[key] = names.get(child, child)
        elif key in _REFERENCES:
            tree[key] = _renamed(child, names)
        elif key != _DTYPE:
            _neutralise(child, names)


def _renamed(references: Any, names: Mapping[str, str]) -> Any:
    if isinstance(references, dict):
        return {key: _renamed(child, names) for key, child in references.items()}
    if isinstance(references, list):
        return [_renamed(child, names) for child in references]
    return names.get(references, references) if isinstance(references, str) else references


def _of_keras(node: Mapping[str, Any]) -> bool:
    return str(node.get("module") or "").split(".")[0] == "keras"


def _named_objects(tree: Any, own: Mapping[str, type]) -> Iterator[Any]:
    """Yield the registered functions and classes in the configuration; None for one that is not registered."""
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _named_objects(child, own)
    if not isinstance(tree, dict) or "class_name" not in tree or "config" not in tree:
        return
    if tree["class_name"] == "function":
        yield keras.saving.get_registered_object(tree["config"])
    elif "module" in tree and not _of_keras(tree) and tree["class_name"] not in own and tree["module"] != "builtins":
        yield keras.saving.get_registered_object(tree.get("registered_name") or "")


def _computes_alike(model: keras.Model, rebuilt: keras.Model, width: int) -> bool:
    """Whether two models with the same weights give the same outputs, losses and constrained weights."""
    if [tuple(v.shape) for v in rebuilt.variables] != [tuple(v.shape) for v in model.variables]:
        return False
    rows = np.random.default_rng(0).normal(size=(_PROBE_ROWS, width)).astype(np.float32)
    weights = [variable.value for variable in model.trainable_variables]
    other = [variable.value for variable in model.non_trainable_variables]
    return all(
        np.allclose(ours, theirs, rtol=1e-5, equal_nan=True)
        for training in (False, True)
        for ours, theirs in zip(
            _probe(model, weights, other, rows, training), _probe(rebuilt, weights, other, rows, training), strict=True
        )
    )


def _probe(
    model: keras.Model, weights: list[tf.Tensor], other: list[tf.Tensor], rows: np.ndarray, training: bool
) -> list[np.ndarray]:
    """Return all outputs, losses and constrained weights of the model for these weights, states and rows."""
    results = model.stateless_call(weights, other, rows, return_losses=True, **in_training(model, training))
    pairs = zip(model.trainable_variables, weights, strict=True)
    constrained = [variable.constraint(value) for variable, value in pairs if variable.constraint is not None]
    return [np.asarray(value) for value in tf.nest.flatten([results, constrained])]
