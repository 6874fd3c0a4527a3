"""User-defined Keras models (``model=``), trained by the same engine as the built-in schemes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._names import proposal
from .._records import Task
from ._kernel_cache import count_build
from ._network import lay_out, split
from ._random import seeded
from ._sharing import shared_variables
from ._source import CustomSource as CustomSource
from ._source import build_by_call, in_training, input_width
from ._source import describe as describe


def call_builder(
    builder: Callable[..., Any], arguments: Mapping[str, Any], seed: int, n_inputs: int | None = None
) -> keras.Model:
    """Call the builder such that the model's initial weights depend only on ``seed``.

    With ``n_inputs``, a model without an input shape is built under the same seed.
    """
    count_build()
    with seeded(seed):
        model = builder(**arguments)
        if isinstance(model, keras.Model) and not model.built and n_inputs is not None:
            _built_outputs(model, n_inputs)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"model= should be a function that returns a keras.Model, but it returned {type(model).__name__}."
        )
    for method in ("train_step", "compute_loss"):
        if getattr(type(model), method) is not getattr(keras.Model, method):
            raise ValueError(
                f"{type(model).__name__} overrides {method}, which skmtl's training loop does not call. "
                "Use a loss function (loss=) or add_loss in a layer instead."
            )
    return model


def builder_arguments(
    builder: Callable[..., Any],
    routed: Mapping[str, Any],
    meta: dict[str, Any],
    compile_kwargs: Callable[[], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the ``model__*`` parameters, and ``meta`` and ``compile_kwargs`` if the builder takes them."""
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


class CustomNetwork:
    """One or several copies of a user-defined model as a function of flat parameters.

    Members are traced one after the other, because user-defined layers have no member axis.
    """

    def __init__(self, models: Sequence[keras.Model], tasks: Sequence[Task]) -> None:
        self.models = tuple(models)
        self.members = len(models)
        self.fits = 1
        self.dtype = "float32"
        self.separate = True
        self._task_names = tuple(task.name for task in tasks)
        variables = models[0].trainable_variables
        self.parameters = lay_out([v.path for v in variables], [tuple(v.shape) for v in variables])
        self.constraints: Sequence[tuple[int, Callable[[tf.Tensor], tf.Tensor]]] = [
            (i, v.constraint) for i, v in enumerate(variables) if v.constraint is not None
        ]
        self._n_frozen = len(models[0].non_trainable_variables)

    def sharing(self) -> tuple[bool, ...]:
        """Whether several tasks share each parameter, determined by differentiating the model's outputs."""
        width = input_width(self.models[0])
        if width is None:
            return (True,) * len(self.parameters)
        return shared_variables(self.models[0], self._columns, width)

    def _columns(self, outputs: Any) -> list[Any]:
        """Return one output per task, splitting a single output of all tasks."""
        columns = ordered_outputs(outputs, self._task_names)
        several = len(columns) < len(self._task_names)
        return tf.split(columns[0], len(self._task_names), axis=1) if several else columns

    def initial_frozen(self, seed: int, dropout: float) -> list[np.ndarray]:  # noqa: ARG002
        """Return the moving averages and random states of the built models, which the builder's seed determines."""
        return frozen_values(self.models)

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Compute raw outputs (members, batch, units) for inputs (members or 1, batch, n_inputs)."""
        parts = split(flat, self.parameters)
        outputs, after, penalties = [], [], []
        for member, model in enumerate(self.models):
            values = [part[member] for part in parts]
            own = list(frozen[member * self._n_frozen : (member + 1) * self._n_frozen])
            rows = inputs[member if inputs.shape[0] == self.members else 0]
            mode = in_training(model, training)
            result, own, losses = model.stateless_call(values, own, rows, return_losses=True, **mode)
            columns = [tf.cast(column, tf.float32) for column in ordered_outputs(result, self._task_names)]
            outputs.append(columns[0] if len(columns) == 1 else tf.concat(columns, axis=-1))
            after += own
            penalties.append(tf.add_n([tf.reduce_sum(loss) for loss in losses]) if losses else tf.zeros(()))
        return tf.stack(outputs), after, tf.stack(penalties)


def parameter_values(models: Sequence[keras.Model]) -> np.ndarray:
    """Return the models' trainable variables as one (members, n_parameters) array; unbuilt models are built first."""
    width = input_width(models[0])
    for model in models:
        if not model.built and width is not None:
            build_by_call(model, width)
    rows = [np.concatenate([v.numpy().ravel() for v in model.trainable_variables]) for model in models]
    return np.stack(rows).astype(np.float32)


def frozen_values(models: Sequence[keras.Model]) -> list[np.ndarray]:
    """Return the models' non-trainable variables, one member after the other."""
    return [v.numpy() for model in models for v in model.non_trainable_variables]


def ordered_outputs(outputs: Any, task_names: Sequence[str]) -> list[Any]:
    """Return a model's outputs in the order of the tasks, each 2-D."""
    if isinstance(outputs, Mapping):
        if set(outputs) != set(task_names):
            raise ValueError(
                f"The model's outputs are named {sorted(outputs)}, but the tasks are named {sorted(task_names)}; the "
                "names should be the same."
            )
        outputs = [outputs[name] for name in task_names]
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    return [output[:, None] if len(output.shape) == 1 else output for output in outputs]


def head_widths(model: keras.Model, n_inputs: int, tasks: Sequence[Task]) -> list[int]:
    """Return the number of units of each task's head; raise if inputs or outputs do not match the data."""
    if len(getattr(model, "inputs", None) or [None]) != 1:
        raise ValueError(
            f"The model has {len(model.inputs)} inputs; skmtl needs a single one, of shape (batch, {n_inputs})."
        )
    outputs = ordered_outputs(_built_outputs(model, n_inputs), [task.name for task in tasks])
    for output in outputs:
        if len(output.shape) != 2:
            raise ValueError(f"The model has an output of shape {tuple(output.shape)}; skmtl needs (batch, units).")
    widths = [int(output.shape[-1]) for output in outputs]
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


def _built_outputs(model: keras.Model, n_inputs: int) -> Any:
    try:
        return build_by_call(model, n_inputs)
    except Exception as error:
        raise ValueError(f"The model does not accept inputs of shape (batch, {n_inputs}): {error}") from error


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


def linear_heads(model: keras.Model, task_names: Sequence[str]) -> list[bool]:
    """Return which heads are known to have a linear activation, from a functional model's last layers."""
    return [
        isinstance(layer, keras.layers.Dense) and layer.activation is keras.activations.linear
        for layer in _last_layers(model, task_names)
    ]


def activated_heads(model: keras.Model, task_names: Sequence[str]) -> list[bool]:
    """Return which heads are known to have a non-linear activation, so that their values may be bounded."""
    return [_is_activated(layer) for layer in _last_layers(model, task_names)]


def _is_activated(layer: Any) -> bool:
    if type(layer).__module__.startswith("keras.src.layers.activations") and not hasattr(layer, "activation"):
        return True
    return getattr(layer, "activation", None) not in (None, keras.activations.linear)


def _last_layers(model: Any, task_names: Sequence[str]) -> list[Any]:
    """Return the layer that outputs each head, None if unknown; one output with a column per task counts for all."""
    structure = getattr(model, "_outputs_struct", None)
    if structure is None and isinstance(model, keras.Sequential) and model.built:
        structure = model.outputs
    if structure is None:
        return [None] * len(task_names)
    layers = [_last_layer(output) for output in ordered_outputs(structure, task_names)]
    return layers * len(task_names) if len(layers) == 1 else layers


def _last_layer(output: Any) -> Any:
    """Return the layer that computes an output; for a nested model, the layer inside it."""
    history = getattr(output, "_keras_history", None)
    if history is None:
        return None
    layer = history.operation
    if isinstance(layer, keras.Model) and len(getattr(layer, "outputs", None) or ()) > history.tensor_index:
        return _last_layer(layer.outputs[history.tensor_index])
    return layer
