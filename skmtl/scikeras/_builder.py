"""Builders for ``model=`` that build the model of a scikeras wrapper."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._target_encoder import from_logits


@dataclass(frozen=True, eq=False, repr=False)
class WrapperBuilder:
    """Calls the wrapper's build function with the arguments that the wrapper would pass.

    ``optimizer`` is scikeras' default if the wrapper has no other one; it is used unless the function compiles the
    model with its own. ``parameters`` are the wrapper's, if the function takes ``params``. ``several_outputs`` says
    that the model has one output per task, not a single output as usual with scikeras.
    """

    function: Callable[..., Any]
    optimizer: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    several_outputs: bool = False

    def __repr__(self) -> str:
        name = getattr(self.function, "__qualname__", None) or repr(self.function)
        return f"WrapperBuilder({name}{f', optimizer={self.optimizer!r}' if self.optimizer is not None else ''})"

    def __call__(self, meta: dict[str, Any], compile_kwargs: dict[str, Any], **routed: Any) -> Any:
        """Build the model; ``routed`` are the estimator's ``model__*`` parameters."""
        import keras

        from ..networks._custom import builder_arguments

        if self.optimizer is not None:
            compile_kwargs = {**compile_kwargs, "optimizer": keras.optimizers.get(self.optimizer)}
        if not self.several_outputs:
            meta = scikeras_meta(meta)
        if self.parameters:
            own = {f"model__{name}" if f"model__{name}" in self.parameters else name: routed[name] for name in routed}
            routed = {**routed, "params": {**self.parameters, **own}}
        model = self.function(**builder_arguments(self.function, routed, meta, lambda: compile_kwargs))
        if not isinstance(model, keras.Model):
            return model  # the estimator raises the error
        if not self.several_outputs and meta["target_type_"] == "multilabel-indicator":
            model = _split_output(model, meta, compile_kwargs["loss"])
        if self.optimizer is not None and not model.compiled:
            model.compile(optimizer=keras.optimizers.get(self.optimizer))
        return model


@dataclass(frozen=True, eq=False, repr=False)
class MethodBuilder:
    """Calls the ``_keras_build_fn`` of a wrapper class, on a copy that has the attributes set by ``fit``.

    ``own`` names the constructor parameters that the class added; they are set on the copy.
    """

    wrapper: Any
    own: tuple[str, ...]

    def __call__(self, meta: dict[str, Any], compile_kwargs: dict[str, Any], **routed: Any) -> Any:
        """Build the model."""
        from ..networks._custom import builder_arguments

        wrapper = copy.copy(self.wrapper)
        vars(wrapper).update(meta)
        vars(wrapper).update({name: value for name, value in routed.items() if name in self.own})
        passed: set[str] = getattr(wrapper, "_user_params", set())
        routed = {name: value for name, value in routed.items() if name not in self.own or name in passed}
        method = wrapper._keras_build_fn
        if asks_for(method, "params"):
            routed["params"] = wrapper.get_params()
        return method(**builder_arguments(method, routed, meta, lambda: compile_kwargs))

    def __repr__(self) -> str:
        return f"{type(self.wrapper).__name__}._keras_build_fn"


class CopyBuilder:
    """Returns copies of a given model, with its architecture, weights and compilation."""

    def __init__(self, model: Any) -> None:
        self.model = copy_model(model)

    def __call__(self) -> Any:
        """Build the model."""
        return copy_model(self.model)

    def __repr__(self) -> str:
        return f"CopyBuilder({self.model.name!r})"


def copy_model(model: Any) -> Any:
    """Copy a model with its architecture, weights and compilation."""
    import keras

    try:
        copied = keras.models.clone_model(model)
        copied.set_weights(model.get_weights())
    except (ValueError, NotImplementedError, TypeError) as error:
        raise ValueError(f"model={model!r} cannot be copied: pass a function that builds it instead.") from error
    if getattr(model, "optimizer", None) is not None:
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        copied.compile(optimizer=optimizer, loss=_plain(model.loss))
    return copied


def scikeras_meta(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``meta`` with the values of scikeras' own encoders, which use one output for all columns.

    Several classification columns, one of which has more than two labels, cannot share an output; ``meta`` is then
    returned unchanged.
    """
    converted, tasks = dict(meta), meta["n_tasks_"]
    if set(meta["task_types_"]) == {"regression"}:
        return {**converted, "n_outputs_expected_": 1}
    if meta["target_type_"] == "multilabel-indicator":
        converted.update(classes_=np.arange(tasks), n_classes_=tasks)
    elif tasks == 1:
        classes = meta["classes_"]
        converted.update(classes_=classes if meta["y_ndim_"] == 1 else classes[0], n_classes_=meta["output_units_"][0])
    else:
        return converted
    return {**converted, "n_outputs_": 1, "n_outputs_expected_": 1}


def _split_output(model: Any, meta: Mapping[str, Any], loss: Any) -> Any:
    """Split a single output for a label matrix into one output per column; other models are returned unchanged."""
    import keras

    tasks = meta["n_tasks_"]
    inputs = keras.Input((meta["n_features_in_"],))
    output = model(inputs)
    if isinstance(output, list | tuple | dict) or output.shape[-1] != tasks or _trains_itself(model):
        return model
    _check_separate_units(model, _plain(model.loss) if loss is None and model.compiled else loss)
    split = keras.Model(inputs, [output[:, i : i + 1] for i in range(tasks)], name=f"{model.name}_by_task")
    if model.compiled:
        split.compile(optimizer=model.optimizer, loss=_plain(model.loss))
    return split


def _trains_itself(model: Any) -> bool:
    """Whether the class overrides Keras' training; such a model is left unchanged so that the estimator refuses it."""
    import keras

    return any(getattr(type(model), name) is not getattr(keras.Model, name) for name in ("train_step", "compute_loss"))


def _check_separate_units(model: Any, loss: Any) -> None:
    import keras

    from ..networks._custom import linear_heads

    last = model.layers[-1] if model.layers else None
    if getattr(last, "activation", None) is keras.activations.softmax or isinstance(last, keras.layers.Softmax):
        raise ValueError(
            "The model ends in a softmax over the columns of y, so y seems to be a single task, one-hot encoded. Pass "
            "the labels as y instead (y.argmax(axis=1)). If each column is a task, end the model in a sigmoid."
        )
    losses = loss.values() if isinstance(loss, Mapping) else loss if isinstance(loss, list) else [loss]
    if any(linear_heads(model, ["y"])) and not all(from_logits(one) for one in losses):
        raise ValueError(
            "The model ends in a linear activation: give its last layer a sigmoid, or pass a loss with "
            "from_logits=True."
        )


def _plain(loss: Any) -> Any:
    """Unwrap Keras' wrappers around lists and dicts of losses."""
    if isinstance(loss, Mapping):
        return dict(loss)
    return list(loss) if isinstance(loss, list | tuple) else loss


def asks_for(function: Callable[..., Any], name: str) -> bool:
    """Whether the function takes an argument of this name, or any keyword arguments."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
