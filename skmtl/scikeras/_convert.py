"""From a scikeras wrapper to the multi-task estimator of the same builder and settings."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from ._builder import CopyBuilder, MethodBuilder, WrapperBuilder, asks_for
from ._parameters import SCIKERAS_OPTIMIZER, translate
from ._target_encoder import MultiTaskTargetEncoder

# What a subclass may define of its own: these are carried over, or have no part in training.
_MAY_OVERRIDE = {"_more_tags", "_type_of_target", "scorer", "target_encoder"}
_METHODS = (FunctionType, property, staticmethod, classmethod)
_KINDS = {"KerasRegressor": "regression", "KerasClassifier": "classification"}


def from_scikeras(wrapper: Any) -> MultiTaskKerasRegressor | MultiTaskKerasClassifier | MultiTaskKerasEstimator:
    """Make the multi-task estimator with the builder and the settings of a scikeras wrapper.

    Parameters
    ----------
    wrapper : scikeras.wrappers.KerasRegressor or scikeras.wrappers.KerasClassifier
        The wrapper, fitted or not; only its parameters are used.

    Returns
    -------
    estimator : MultiTaskKerasRegressor or MultiTaskKerasClassifier
        Unfitted estimator; a ``MultiTaskKerasEstimator`` where the wrapper has a `MultiTaskTargetEncoder`
        for regressions and classifications. Its ``model`` calls the wrapper's builder as scikeras would,
        with ``meta``, ``compile_kwargs`` and ``params`` where the builder asks for them, and the wrapper's
        own arguments for the builder become ``model__*`` parameters.

    Raises
    ------
    TypeError
        Where ``wrapper`` is no such wrapper.
    ValueError
        Where a setting changes what is learnt and has no counterpart here, or a subclass overrides
        methods that would not be called.

    Warns
    -----
    UserWarning
        Where a setting has no effect here (``metrics``, ``run_eagerly``, ``predict__batch_size``, …), or
        acts differently (``validation_split``).

    Notes
    -----
    What is different afterwards:

    - Losses are divided by the loss of a constant prediction, task by task. It makes no difference to
      optimizers that normalise their steps (RMSprop, Adam), but steps of SGD, and the weight of the model's
      own regularisers, change by that factor. Targets stay as they are, as in scikeras;
      ``set_params(scale_targets="auto")`` standardises them.
    - ``validation_split`` holds rows out at random, not the last ones, and keeps the weights of the best
      epoch; Keras only records. Training is never cut short by it.
    - Class weights count for each task alone; scikeras multiplies them over the columns.
    - ``loss`` and ``loss_weights`` by name go by the names of y's columns, not of the model's outputs.
    - An optimizer or a loss that the wrapper was given counts even where the builder compiles another;
      scikeras drops such an optimizer silently, and refuses such a loss.
    - A ready model is copied, with its weights: training starts from these, as in scikeras, but the
      caller's model stays as it is. Members of an ensemble then start alike.
    - A classifier's single output for a matrix of 0/1 labels is cut into one output a column.

    Examples
    --------
    >>> import keras
    >>> from scikeras.wrappers import KerasRegressor
    >>> from sklearn.datasets import load_linnerud
    >>> from skmtl.scikeras import from_scikeras
    >>> def build(meta, hidden):
    ...     inputs = keras.Input((meta["n_features_in_"],))
    ...     return keras.Model(inputs, keras.layers.Dense(meta["n_outputs_"])(keras.layers.Dense(hidden)(inputs)))
    >>> wrapper = KerasRegressor(build, hidden=8, loss="mse", optimizer="adam", epochs=5, verbose=0, random_state=0)
    >>> model = from_scikeras(wrapper)
    >>> model.epochs, model.batch_size, model.model__hidden
    (5, 32, 8)
    >>> X, y = load_linnerud(return_X_y=True)
    >>> y[::2, 1] = float("nan")  # which the wrapper could not take
    >>> model.fit(X, y).predict(X).shape
    (20, 3)
    """
    kind = _check_kind(wrapper)
    encoder = _own_encoder(wrapper, kind)
    _check_overrides(wrapper, kind)
    own = _own_parameters(wrapper)
    translation = translate(wrapper, own)
    function = _builder_function(wrapper, own)
    builder = WrapperBuilder(
        function,
        optimizer=None if "optimizer" in translation.parameters else SCIKERAS_OPTIMIZER,
        parameters=wrapper.get_params(deep=False) if _wants_params(function) else {},
        several_outputs=encoder is not None,
    )
    target, more = _target(kind, encoder)
    estimator = target(model=builder, **translation.parameters, **more)
    for message in (*translation.warnings, *_warnings(wrapper, kind)):
        warnings.warn(f"from_scikeras: {message}", UserWarning, stacklevel=2)
    return estimator


def _check_kind(wrapper: Any) -> type:
    """The wrapper's class in scikeras."""
    from scikeras.wrappers import BaseWrapper, KerasClassifier, KerasRegressor

    for kind in (KerasClassifier, KerasRegressor, BaseWrapper):
        if isinstance(wrapper, kind):
            return kind
    raise TypeError(
        f"wrapper should be a KerasRegressor or KerasClassifier of scikeras, got {type(wrapper).__name__}. "
        "Of a pipeline or a search, convert the wrapper inside it."
    )


def _own_encoder(wrapper: Any, kind: type) -> MultiTaskTargetEncoder | None:
    """The wrapper's encoder where it is ours, None where it is scikeras' own."""
    if type(wrapper).target_encoder is kind.target_encoder and kind.__name__ != "BaseWrapper":  # type: ignore[attr-defined]
        return None
    copied = _unfitted(wrapper)
    copied.classes_ = None  # as scikeras' fit begins
    encoder = copied.target_encoder
    if not isinstance(encoder, MultiTaskTargetEncoder):
        raise ValueError(
            f"{type(wrapper).__name__} encodes y with {type(encoder).__name__}, which skmtl would not call: its "
            "estimators encode y themselves. Transform y before fit (TransformedTargetRegressor), and convert "
            "a plain KerasRegressor or KerasClassifier."
        )
    if encoder.classes is not None:
        raise ValueError("The MultiTaskTargetEncoder has classes=, which here belongs into partial_fit: leave it out.")
    return encoder


def _check_overrides(wrapper: Any, kind: type) -> None:
    """A subclass' own methods would not be called: refuse it rather than train something else."""
    overridden = set()
    for cls in type(wrapper).__mro__[: type(wrapper).__mro__.index(kind)]:
        methods = (name for name, value in vars(cls).items() if isinstance(value, _METHODS))
        overridden |= {name for name in methods if hasattr(kind, name) and not name.startswith("__")}
    lost = sorted(overridden - _MAY_OVERRIDE)
    if lost:
        hint = " Put the feature encoder before the estimator, in a pipeline." if "feature_encoder" in lost else ""
        raise ValueError(
            f"{type(wrapper).__name__} overrides {', '.join(lost)} of {kind.__name__}, which skmtl's estimators would "
            f"not call.{hint} Convert a plain {kind.__name__} with the same parameters."
        )


def _own_parameters(wrapper: Any) -> tuple[str, ...]:
    """Names of the parameters that scikeras does not know, and hands to the builder or leaves to the subclass."""
    from scikeras.wrappers import KerasClassifier

    known = set(inspect.signature(KerasClassifier.__init__).parameters)
    elsewhere = {*wrapper._fit_kwargs, *wrapper._compile_kwargs, *wrapper._predict_kwargs}
    given = [name for name in wrapper.get_params(deep=False) if name not in known and "__" not in name]
    passed: set[str] = getattr(wrapper, "_user_params", set())
    if wrapper.model is None and wrapper.build_fn is None:
        return tuple(given)
    return tuple(name for name in given if name in passed and name not in elsewhere)


def _builder_function(wrapper: Any, own: tuple[str, ...]) -> Callable[..., Any]:
    model = wrapper.model if wrapper.model is not None else wrapper.build_fn
    method = getattr(wrapper, "_keras_build_fn", None)
    if (model is None) == (method is None):
        raise ValueError(
            f"{type(wrapper).__name__} has {'no' if model is None else 'more than one'} way to build its network: "
            "give it either model= or a method _keras_build_fn."
        )
    if model is None:
        return MethodBuilder(_unfitted(wrapper), own)
    if not hasattr(model, "train_step"):
        if not callable(model):
            raise TypeError(f"model should be a function that builds a Keras model, or a Keras model, got {model!r}.")
        return model
    return CopyBuilder(model)


def _wants_params(function: Callable[..., Any]) -> bool:
    return not isinstance(function, MethodBuilder) and asks_for(function, "params")


def _unfitted(wrapper: Any) -> Any:
    """A copy without what fit found out."""
    copied = copy.copy(wrapper)
    for name in [name for name in vars(copied) if name.endswith("_") and not name.startswith("_")]:
        delattr(copied, name)
    return copied


def _target(kind: type, encoder: MultiTaskTargetEncoder | None) -> tuple[type, dict[str, Any]]:
    """Class of the estimator, and what that class needs besides."""
    kinds = _KINDS[kind.__name__] if encoder is None else encoder.task_types
    if isinstance(kinds, str):
        return (MultiTaskKerasRegressor if kinds == "regression" else MultiTaskKerasClassifier), {}
    if isinstance(kinds, list | tuple):
        kinds = {f"y{i}": one for i, one in enumerate(kinds)}
    return MultiTaskKerasEstimator, {} if kinds is None else {"task_types": dict(kinds)}


def _warnings(wrapper: Any, kind: type) -> list[str]:
    found = []
    if wrapper.model is not None and getattr(wrapper, "model_", None) is wrapper.model:
        found.append(
            "the wrapper was fitted and has trained the model that it was given; the estimator will start from these "
            "trained weights."
        )
    if type(wrapper).scorer is not kind.scorer:  # type: ignore[attr-defined]
        found.append(
            f"the scorer of {type(wrapper).__name__} is not carried over: score gives the mean of the tasks' R2 or "
            "accuracy. Use skmtl.metrics.make_task_scorer for another metric."
        )
    return found
