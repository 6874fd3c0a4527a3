"""The caller's own Keras model, trained by the same engine as the built-in schemes."""

from __future__ import annotations

import inspect
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._names import proposal
from .._records import Task
from ._network import lay_out, split

_BUILD_LOCK = threading.Lock()


@dataclass(frozen=True)
class CustomSource:
    """How to build the caller's model again: from its saved configuration, else by calling the builder."""

    builder: Callable[..., Any] | None
    arguments: Mapping[str, Any]
    configuration: str | None = None
    classes: Mapping[str, type] = field(default_factory=dict)

    def build(self) -> keras.Model:
        """A model of the same structure; its weights are to be overwritten."""
        if self.configuration is not None:
            return keras.models.model_from_json(self.configuration, custom_objects=dict(self.classes))
        if self.builder is None:
            raise ValueError("The model can be built neither from a configuration nor from a builder function.")
        return self.builder(**self.arguments)


def call_builder(builder: Callable[..., Any], arguments: Mapping[str, Any], seed: int) -> keras.Model:
    """Call the caller's builder so that its initial weights depend on ``seed`` alone.

    Keras draws the seeds of its initialisers from Python's global generator: it is seeded for the call
    and put back after it, under a lock.
    """
    with _BUILD_LOCK, _seeded(seed):
        model = builder(**arguments)
    if not isinstance(model, keras.Model):
        raise TypeError(f"model= should be a function that returns a keras.Model, it returned {type(model).__name__}.")
    for method in ("train_step", "compute_loss"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise ValueError(
                f"{type(model).__name__} overrides {method}, which skmtl's training loop does not call. "
                "Put what it does into the loss (loss=) or into layers (add_loss)."
            )
    return model


def builder_arguments(
    builder: Callable[..., Any],
    routed: Mapping[str, Any],
    meta: dict[str, Any],
    compile_kwargs: Callable[[], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The ``model__*`` parameters, and ``meta`` and ``compile_kwargs`` where the builder asks for them."""
    try:
        signature = inspect.signature(builder)
    except (TypeError, ValueError):
        return {**routed, "meta": meta}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    names = [name for name, p in signature.parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for name in routed:
        if not takes_any and name not in names:
            raise ValueError(
                f"model__{name} was given, but the function passed as model= has no parameter {name!r}."
                f"{proposal(name, names)}"
            )
    arguments = dict(routed)
    if "meta" in names or takes_any:
        arguments["meta"] = meta
    if compile_kwargs is not None and ("compile_kwargs" in names or takes_any):
        arguments["compile_kwargs"] = compile_kwargs()
    return arguments


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global generator is meant
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def describe(model: keras.Model, builder: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Any, CustomSource]:
    """Key of the model's structure for the program cache (None: not cacheable), and how to build it again.

    The configuration is the structure; layers of the caller's own count with their class object, so that
    a class defined anew under the same name is not mistaken for the old one.
    """
    layers = list(model._flatten_layers(include_self=True, recursive=True))
    own = {type(layer).__name__: type(layer) for layer in layers if not type(layer).__module__.startswith("keras.")}
    fallback = CustomSource(builder, dict(arguments))
    if any(isinstance(layer, keras.layers.Lambda) for layer in layers):
        return None, fallback
    try:
        text = model.to_json()
        twin = keras.models.model_from_json(text, custom_objects=own)
    except Exception:
        return None, fallback
    if [tuple(v.shape) for v in twin.variables] != [tuple(v.shape) for v in model.variables]:
        return None, fallback
    key = (_without_names(text, layers), tuple(own.values()))
    return key, CustomSource(None, {}, text, own)


def _without_names(text: str, layers: Sequence[Any]) -> str:
    """The configuration with the layers' running numbers taken out (dense_7 is dense_9 of the next build)."""
    for position, layer in enumerate(layers):
        text = text.replace(json.dumps(layer.name), f'"layer {position}"')
    tree = json.loads(text)
    _drop(tree, ("seed", "build_config", "compile_config", "shared_object_id"))
    return json.dumps(tree, sort_keys=True)


def _drop(tree: Any, names: tuple[str, ...]) -> None:
    if isinstance(tree, dict):
        for name in names:
            tree.pop(name, None)
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        _drop(child, names)


class CustomNetwork:
    """One or several copies of the caller's model as a function of flat parameters.

    Members are traced one after the other: the caller's layers know no member axis.
    """

    def __init__(self, models: Sequence[keras.Model], tasks: Sequence[Task]) -> None:
        self.models = tuple(models)
        self.members = len(models)
        self.dtype = "float32"
        self.separate = True
        self._task_names = tuple(task.name for task in tasks)
        variables = models[0].trainable_variables
        self.parameters = lay_out([v.path for v in variables], [tuple(v.shape) for v in variables])
        self.constraints: Sequence[tuple[int, Callable[[tf.Tensor], tf.Tensor]]] = [
            (i, v.constraint) for i, v in enumerate(variables) if v.constraint is not None
        ]
        self._n_frozen = len(models[0].non_trainable_variables)

    def initial_frozen(self, seed: int, dropout: float) -> list[np.ndarray]:  # noqa: ARG002
        """Moving averages and random states as the builder made them (seeded when it was called)."""
        return frozen_values(self.models)

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Raw outputs (members, batch, units) of inputs (members or 1, batch, n_inputs)."""
        parts = split(flat, self.parameters)
        outputs, after, penalties = [], [], []
        for member, model in enumerate(self.models):
            values = [part[member] for part in parts]
            own = list(frozen[member * self._n_frozen : (member + 1) * self._n_frozen])
            rows = inputs[member if inputs.shape[0] == self.members else 0]
            result, own, losses = model.stateless_call(values, own, rows, training=training, return_losses=True)
            columns = [tf.cast(column, tf.float32) for column in ordered_outputs(result, self._task_names)]
            outputs.append(columns[0] if len(columns) == 1 else tf.concat(columns, axis=-1))
            after += own
            penalties.append(tf.add_n([tf.reduce_sum(loss) for loss in losses]) if losses else tf.zeros(()))
        return tf.stack(outputs), after, tf.stack(penalties)


def parameter_values(models: Sequence[keras.Model]) -> np.ndarray:
    """The models' trainable variables as one (members, n_parameters) array."""
    rows = [np.concatenate([v.numpy().ravel() for v in model.trainable_variables]) for model in models]
    return np.stack(rows).astype(np.float32)


def frozen_values(models: Sequence[keras.Model]) -> list[np.ndarray]:
    """The models' other variables, one member after the other."""
    return [v.numpy() for model in models for v in model.non_trainable_variables]


def ordered_outputs(outputs: Any, task_names: Sequence[str]) -> list[Any]:
    """A model's outputs in the order of the tasks, each 2-D."""
    if isinstance(outputs, Mapping):
        if set(outputs) != set(task_names):
            raise ValueError(
                f"The model's outputs are named {sorted(outputs)}, the tasks {sorted(task_names)}; they should agree."
            )
        outputs = [outputs[name] for name in task_names]
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    return [output[:, None] if len(output.shape) == 1 else output for output in outputs]


def head_widths(model: keras.Model, n_inputs: int, tasks: Sequence[Task]) -> list[int]:
    """Units of each task's head; refuses a model whose inputs or outputs do not fit the tasks."""
    if len(getattr(model, "inputs", None) or [None]) != 1:
        raise ValueError(f"The model has {len(model.inputs)} inputs; skmtl feeds one, of shape (batch, {n_inputs}).")
    try:
        result = model(np.zeros((2, n_inputs), dtype=np.float32), training=False)
    except Exception as error:
        raise ValueError(f"The model does not take inputs of shape (batch, {n_inputs}): {error}") from error
    widths = [int(output.shape[-1]) for output in ordered_outputs(result, [task.name for task in tasks])]
    if len(widths) == 1 and widths[0] == len(tasks) > 1 and all(task.kind == "regression" for task in tasks):
        return [1] * len(tasks)
    if len(widths) != len(tasks):
        raise ValueError(
            f"The model has {len(widths)} outputs, but y has {len(tasks)} tasks "
            f"({', '.join(task.name for task in tasks)}): the builder should return one head per task."
        )
    for task, width in zip(tasks, widths, strict=True):
        _check_width(task, width)
    return widths


def _check_width(task: Task, width: int) -> None:
    if task.kind == "regression":
        if width != 1:
            raise ValueError(f"The head of task {task.name!r} has {width} units; a regression needs 1.")
        return
    n_classes = len(task.classes)
    if width != n_classes and not (width == 1 and n_classes <= 2):
        raise ValueError(
            f"The head of task {task.name!r} has {width} units, but the task has {n_classes} classes: "
            f"give it {n_classes} (softmax){', or 1 (sigmoid)' if n_classes == 2 else ''}."
        )


def linear_heads(model: keras.Model, n_heads: int) -> list[bool]:
    """Which heads certainly end in a linear activation (a functional model's last layer says so)."""
    outputs = getattr(model, "outputs", None) or []
    flags = [_is_linear(getattr(getattr(output, "_keras_history", None), "operation", None)) for output in outputs]
    if len(flags) == 1:
        return flags * n_heads
    return flags if len(flags) == n_heads else [False] * n_heads


def _is_linear(layer: Any) -> bool:
    if isinstance(layer, keras.Model):
        return all(linear_heads(layer, 1))
    return isinstance(layer, keras.layers.Dense) and layer.activation is keras.activations.linear
