"""From a scikeras wrapper to the multi-task estimator of the same builder and settings."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..estimators import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from ._builder import CopyBuilder, MethodBuilder, WrapperBuilder, asks_for
from ._parameters import SCIKERAS_OPTIMIZER, translate
from ._target_encoder import MultiTaskTargetEncoder

# What a subclass may define of its own: these are carried over, or have no part in training.
_MAY_OVERRIDE = {"_keras_build_fn", "_more_tags", "_type_of_target", "scorer", "target_encoder"}


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
    _check_overrides(wrapper, kind, encoder)
    own = _own_parameters(wrapper)
    translation = translate(wrapper, own)
    function = _builder_function(wrapper, own)
    builder = WrapperBuilder(
        function,
        optimizer=None if "optimizer" in translation.parameters else SCIKERAS_OPTIMIZER,
        parameters=_given(wrapper) if isinstance(function, FunctionType) and asks_for(function, "params") else {},
        several_outputs=encoder is not None,
    )
    target, more = _target(wrapper, encoder)
    estimator = target(model=builder, **translation.parameters, **more)
    for message in translation.warnings:
        warnings.warn(f"from_scikeras: {message}", UserWarning, stacklevel=2)
    return estimator
