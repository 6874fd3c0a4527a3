"""Convert a scikeras wrapper to a multi-task estimator with the same builder and settings."""

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

# Methods that a subclass may override: they are carried over, or do not affect training.
_MAY_OVERRIDE = {"_more_tags", "_type_of_target", "scorer", "target_encoder"}
_METHODS = (FunctionType, property, staticmethod, classmethod)
_KINDS = {"KerasRegressor": "regression", "KerasClassifier": "classification"}


def from_scikeras(wrapper: Any) -> MultiTaskKerasRegressor | MultiTaskKerasClassifier | MultiTaskKerasEstimator:
    """Convert a scikeras wrapper to a multi-task estimator.

    The estimator builds the same model with the same settings.

    Parameters
    ----------
    wrapper : scikeras.wrappers.KerasRegressor or scikeras.wrappers.KerasClassifier
        The wrapper, fitted or not. Only its parameters are used.

    Returns
    -------
    estimator : MultiTaskKerasRegressor or MultiTaskKerasClassifier
        Unfitted estimator; a ``MultiTaskKerasEstimator`` if the wrapper has a `MultiTaskTargetEncoder` for
        regressions and classifications. Its ``model`` calls the wrapper's builder as scikeras would, with
        ``meta``, ``compile_kwargs`` and ``params`` if the builder takes them. The wrapper's arguments for
        the builder become ``model__*`` parameters.

    Raises
    ------
    TypeError
        If ``wrapper`` is not a scikeras wrapper.
    ValueError
        If a setting affects training and has no counterpart in skmtl, or if a subclass overrides methods that
        would not be called.

    Warns
    -----
    UserWarning
        If a setting has no effect in skmtl (``metrics``, ``run_eagerly``, ``predict__batch_size``, …), or a
        different one (``validation_split``).

    Notes
    -----
    The estimator differs from the wrapper in these ways:

    - The loss of each task is divided by the loss of a constant prediction. This makes no difference to
      optimizers that normalise their steps (RMSprop, Adam), but it scales the steps of SGD, and the loss
      relative to the model's own regularisers. Targets are not scaled, as in scikeras;
      ``set_params(scale_targets="auto")`` standardises them.
    - ``validation_split`` holds out random rows instead of the last ones, and keeps the weights of the best
      epoch; Keras only records the loss. It never stops training early.
    - Class weights apply to each task separately; scikeras multiplies them over the columns.
    - Names in ``loss`` and ``loss_weights`` are those of y's columns, not of the model's outputs.
    - The wrapper's optimizer and loss are used even if the builder compiles the model with others; scikeras
      silently ignores such an optimizer, and refuses such a loss.
    - A model passed instead of a builder is copied with its weights. Training starts from these weights, as in
      scikeras, but the caller's model is not changed. All members of an ensemble start from the same weights.
    - A classifier's single output for a matrix of 0/1 labels is split into one output per column.

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
    >>> y[::2, 1] = float("nan")  # the wrapper would refuse missing labels
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
    estimator_class, extra = _estimator_class(kind, encoder)
    estimator = estimator_class(model=builder, **translation.parameters, **extra)
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
        "For a pipeline or a search, convert the wrapper inside it."
    )


def _own_encoder(wrapper: Any, kind: type) -> MultiTaskTargetEncoder | None:
    """The wrapper's encoder if it is a MultiTaskTargetEncoder, None if it is scikeras' own."""
    if type(wrapper).target_encoder is kind.target_encoder and kind.__name__ != "BaseWrapper":  # type: ignore[attr-defined]
        return None
    copied = _unfitted(wrapper)
    copied.classes_ = None  # as at the start of scikeras' fit
    encoder = copied.target_encoder
    if not isinstance(encoder, MultiTaskTargetEncoder):
        raise ValueError(
            f"{type(wrapper).__name__} encodes y with {type(encoder).__name__}, which skmtl would not call, because "
            "its estimators encode y themselves. Transform y before fit (TransformedTargetRegressor), and convert "
            "a plain KerasRegressor or KerasClassifier."
        )
    if encoder.classes is not None:
        raise ValueError("The encoder has classes=, which cannot be converted: pass classes to partial_fit instead.")
    return encoder


def _check_overrides(wrapper: Any, kind: type) -> None:
    """Refuse a subclass with methods that would not be called, rather than train something else."""
    overridden = set()
    for cls in type(wrapper).__mro__[: type(wrapper).__mro__.index(kind)]:
        methods = (name for name, value in vars(cls).items() if isinstance(value, _METHODS))
        overridden |= {name for name in methods if hasattr(kind, name) and not name.startswith("__")}
    refused = sorted(overridden - _MAY_OVERRIDE)
    if refused:
        hint = " Put the feature encoder before the estimator, in a pipeline." if "feature_encoder" in refused else ""
        raise ValueError(
            f"{type(wrapper).__name__} overrides {', '.join(refused)} of {kind.__name__}, which skmtl estimators would "
            f"not call.{hint} Convert a plain {kind.__name__} with the same parameters."
        )


def _own_parameters(wrapper: Any) -> tuple[str, ...]:
    """Names of parameters that are not scikeras' own, but the builder's or the subclass's."""
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
    """A copy without fitted attributes."""
    copied = copy.copy(wrapper)
    for name in [name for name in vars(copied) if name.endswith("_") and not name.startswith("_")]:
        delattr(copied, name)
    return copied


def _estimator_class(kind: type, encoder: MultiTaskTargetEncoder | None) -> tuple[type, dict[str, Any]]:
    """Class of the estimator, and the extra parameters that it needs."""
    kinds = _KINDS[kind.__name__] if encoder is None else encoder.task_types
    if isinstance(kinds, str):
        return (MultiTaskKerasRegressor if kinds == "regression" else MultiTaskKerasClassifier), {}
    if isinstance(kinds, list | tuple):
        kinds = {f"y{i}": one for i, one in enumerate(kinds)}
    return MultiTaskKerasEstimator, {} if kinds is None else {"task_types": dict(kinds)}


def _warnings(wrapper: Any, kind: type) -> list[str]:
    messages = []
    if wrapper.model is not None and getattr(wrapper, "model_", None) is wrapper.model:
        messages.append(
            "fitting the wrapper has trained the model passed to it; the estimator will start from these trained "
            "weights."
        )
    if type(wrapper).scorer is not kind.scorer:  # type: ignore[attr-defined]
        messages.append(
            f"the scorer of {type(wrapper).__name__} is not converted: score returns the mean of the tasks' R2 or "
            "accuracy. Use skmtl.metrics.make_task_scorer for another metric."
        )
    return messages
