"""From the same weights and rows, the engine and keras.Model.fit produce the same weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from skmtl._records import Kind
from skmtl.networks import CustomNetwork
from skmtl.networks._custom import frozen_values

from ._engine import Engine, Rows, some_rows, tasks, widths

EPOCHS, BATCH = 3, 8
LOSSES = {"classification": "categorical_crossentropy", "regression": "mse"}

OPTIMIZERS: dict[str, Any] = {
    "adam": lambda: keras.optimizers.Adam(0.02),
    "amsgrad": lambda: keras.optimizers.Adam(0.02, amsgrad=True),
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.05),
    "adamw": lambda: keras.optimizers.AdamW(0.02, weight_decay=0.1),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "nadam": lambda: keras.optimizers.Nadam(0.02),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "adadelta": lambda: keras.optimizers.Adadelta(1.0),
    "adamax": lambda: keras.optimizers.Adamax(0.02),
    "ftrl": lambda: keras.optimizers.Ftrl(0.1),
    "lion": lambda: keras.optimizers.Lion(0.01, weight_decay=0.1),
    "clipnorm": lambda: keras.optimizers.SGD(0.1, clipnorm=0.05),
    "global_clipnorm": lambda: keras.optimizers.SGD(0.1, clipnorm=None, global_clipnorm=0.05),
    "clipvalue": lambda: keras.optimizers.SGD(0.1, clipvalue=0.01),
    "no_clipping": lambda: keras.optimizers.SGD(0.1, clipnorm=0.0),
    "exponential": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)),
    "cosine": lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.05, 10), weight_decay=0.1),
    "lamb": lambda: keras.optimizers.Lamb(0.02),
    "adafactor": lambda: keras.optimizers.Adafactor(0.05, weight_decay=0.1),
    "muon": lambda: keras.optimizers.Muon(0.02, exclude_layers=["head"], adam_lr_ratio=0.5),
}
# These updates depend on entire variables, and the built-in scheme has one for all heads.
PER_VARIABLE = ("clipnorm", "lamb", "adafactor", "muon")


def two_heads(kind: Kind, **hidden: Any) -> keras.Model:
    """Functional model of one hidden layer and two heads, the same weights at every call."""
    init = [keras.initializers.GlorotUniform(seed=i) for i in range(3)]
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(5, "tanh", kernel_initializer=init[0], name="trunk", **hidden)(inputs)
    activation = "softmax" if kind == "classification" else "linear"
    heads = [
        keras.layers.Dense(units, activation, kernel_initializer=init[i + 1], name=f"head_{i}")(shared)
        for i, units in enumerate(widths(kind))
    ]
    return keras.Model(inputs, heads)


def keras_targets(rows: Rows, kind: Kind) -> list[np.ndarray]:
    if kind == "regression":
        return [rows.labels[:, [task]] for task in range(2)]
    return [np.eye(units, dtype=np.float32)[rows.labels[:, i].astype(int)] for i, units in enumerate(widths(kind))]


def keras_fit(model: keras.Model, optimizer: keras.optimizers.Optimizer, rows: Rows, kind: Kind) -> Any:
    # Eager: a dozen steps take less time than tracing a graph.
    model.compile(optimizer=optimizer, loss=[LOSSES[kind]] * 2, jit_compile=False, run_eagerly=True)
    return model.fit(rows.X, keras_targets(rows, kind), epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0)


@functools.cache
def fitted_by_keras(name: str, kind: Kind) -> list[np.ndarray]:
    model = two_heads(kind)
    keras_fit(model, OPTIMIZERS[name](), some_rows(kind), kind)
    return [variable.numpy() for variable in model.trainable_variables]


def pieces(flat: np.ndarray, model: keras.Model) -> list[np.ndarray]:
    """One member's flat parameters in the shapes of the model's variables."""
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    stops = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, stops[:-1]), shapes, strict=True)]


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray], start: list[np.ndarray]) -> None:
    for mine, keras_own in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, keras_own, rtol=1e-4, atol=2e-6)
    moved = max(np.abs(after - before).max() for after, before in zip(theirs, start, strict=True))
    assert moved > 0.003


def cases(quick: tuple[str, ...], names: list[str]) -> list[Any]:
    """Optimizers on classifications, and two of them on regressions; all but the ``quick`` ones are marked slow."""
    found = [(name, "classification") for name in names] + [("adam", "regression"), ("sgd", "regression")]
    return [pytest.param(*case, marks=() if case[0] in quick else pytest.mark.slow) for case in found]


QUICK = ("adam", "sgd", "adamw", "nadam", "clipnorm", "clipvalue", "exponential", "lamb")


@pytest.mark.parametrize(("name", "kind"), cases(QUICK, list(OPTIMIZERS)))
def test_a_callers_model_gets_the_weights_of_keras_fit(name: str, kind: Kind) -> None:
    model = two_heads(kind)
    start = [variable.numpy() for variable in model.trainable_variables]
    result = Engine.of_models([model], kind, optimizer=OPTIMIZERS[name]()).run(some_rows(kind))
    assert_same(pieces(result.parameters[0], model), fitted_by_keras(name, kind), start)


def fuse(parts: list[np.ndarray]) -> list[np.ndarray]:
    """The model's variables as the scheme holds them: the heads' columns side by side."""
    trunk, heads = parts[:2], parts[2:]
    return [*trunk, np.concatenate(heads[::2], axis=1), np.concatenate(heads[1::2])]


def scheme_fit(name: str, kind: Kind, jit: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return weights after and before training, in the layout of the scheme."""
    start = fuse([variable.numpy() for variable in two_heads(kind).trainable_variables])
    engine = Engine.of_scheme(kind, optimizer=OPTIMIZERS[name](), jit=jit)
    engine.parameters = np.concatenate([part.ravel() for part in start])[None]
    flat = engine.run(some_rows(kind)).parameters[0]
    stops = np.cumsum([part.size for part in start])[:-1]
    return [part.reshape(like.shape) for part, like in zip(np.split(flat, stops), start, strict=True)], start


ON_FLAT = [name for name in OPTIMIZERS if name not in PER_VARIABLE]


@pytest.mark.parametrize(("name", "kind"), cases(("adam", "adamw", "global_clipnorm", "exponential"), ON_FLAT))
def test_the_built_in_scheme_gets_the_weights_of_keras_fit(name: str, kind: Kind) -> None:
    ours, start = scheme_fit(name, kind, jit=False)
    assert_same(ours, fuse(fitted_by_keras(name, kind)), start)


@pytest.mark.parametrize("name", ["adamw", pytest.param("exponential", marks=pytest.mark.slow)])
def test_with_xla_the_weights_are_also_those_of_keras_fit(name: str) -> None:
    ours, start = scheme_fit(name, "classification", jit=True)
    assert_same(ours, fuse(fitted_by_keras(name, "classification")), start)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adam", "lamb", "clipnorm"])
def test_a_callers_model_compiled_with_xla_gets_the_weights_of_keras_fit(name: str) -> None:
    model = two_heads("classification")
    start = [variable.numpy() for variable in model.trainable_variables]
    engine = Engine.of_models([model], "classification", optimizer=OPTIMIZERS[name](), jit=True)
    ours = pieces(engine.run(some_rows("classification")).parameters[0], model)
    assert_same(ours, fitted_by_keras(name, "classification"), start)


def compare_with_keras(build: Callable[[], keras.Model], n: int = 30) -> tuple[Any, Any, keras.Model]:
    """Compare the weights; return our result, and Keras' history and model of the same fit."""
    rows, kind = some_rows("regression", n), "regression"
    model, theirs = build(), build()
    start = [variable.numpy() for variable in model.trainable_variables]
    result = Engine.of_models([model], kind, optimizer=keras.optimizers.Adam(0.02)).run(rows)
    history = keras_fit(theirs, keras.optimizers.Adam(0.02), rows, kind).history
    assert_same(pieces(result.parameters[0], model), [v.numpy() for v in theirs.trainable_variables], start)
    return result, history, theirs


@pytest.mark.parametrize(
    "hidden",
    [
        {"kernel_regularizer": keras.regularizers.L2(0.1), "bias_regularizer": keras.regularizers.L1(0.05)},
        {"kernel_constraint": keras.constraints.MaxNorm(0.5), "bias_constraint": keras.constraints.NonNeg()},
    ],
    ids=["regularizers", "constraints"],
)
def test_regularizers_and_constraints_of_a_callers_layers_act_as_in_keras(hidden: dict[str, Any]) -> None:
    result, history, theirs = compare_with_keras(lambda: two_heads("regression", **hidden))
    np.testing.assert_allclose(result.history["loss"], history["loss"], rtol=1e-4)
    if "kernel_constraint" in hidden:
        kernel = pieces(result.parameters[0], theirs)[0]
        assert np.linalg.norm(kernel, axis=0).max() <= 0.5 + 1e-5


def test_a_penalty_on_activations_enters_the_loss_as_in_keras() -> None:
    penalty = keras.regularizers.L2(0.1)
    result, history, _ = compare_with_keras(lambda: two_heads("regression", activity_regularizer=penalty), n=24)
    np.testing.assert_allclose(result.history["loss"], history["loss"], rtol=1e-4)


def with_batch_statistics() -> keras.Model:
    """Model whose training draws random numbers and keeps moving averages."""
    inputs = keras.Input((4,))
    # No bias before a batch normalisation: its gradient is only rounding errors, which Adam would amplify.
    kernel = keras.initializers.GlorotUniform(seed=1)
    hidden = keras.layers.Dense(6, use_bias=False, kernel_initializer=kernel)(inputs)
    hidden = keras.layers.Activation("relu")(keras.layers.BatchNormalization(momentum=0.5)(hidden))
    hidden = keras.layers.Dropout(0.4, seed=7)(hidden)
    heads = [keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=i))(hidden) for i in (2, 3)]
    return keras.Model(inputs, heads)


def test_moving_averages_and_random_states_evolve_as_in_keras_and_affect_predictions() -> None:
    # Only full batches: a partial one is filled up, and its statistics would include the rows that fill it.
    result, _, theirs = compare_with_keras(with_batch_statistics, n=24)
    for ours, variable in zip(result.frozen, theirs.non_trainable_variables, strict=True):
        np.testing.assert_allclose(ours, variable.numpy(), rtol=1e-4, atol=1e-6)
    network = CustomNetwork([theirs], tasks("regression"))
    X = some_rows("regression").X
    moved, _, _ = network.forward(result.parameters, result.frozen, X[None], training=False)
    fresh, _, _ = network.forward(result.parameters, frozen_values([with_batch_statistics()]), X[None], training=False)
    np.testing.assert_allclose(moved[0], np.hstack(theirs(X)), rtol=1e-3, atol=1e-5)
    assert np.abs(moved - fresh).max() > 0.1
