"""When two user-defined models have the same structure, and when they only seem to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from skmtl.networks._source import CustomSource, build_model, describe


def functional(**changes: Any) -> keras.Model:
    """Functional model with shared layers, dropout, a nested model and an operation."""
    settings = {"units": 4, "activation": "relu", "rate": 0.2, "name": None, "n_inputs": 3, **changes}
    inputs = keras.Input((settings["n_inputs"],))
    hidden = keras.layers.Dense(settings["units"], settings["activation"], name=settings["name"])(inputs)
    hidden = keras.layers.Dropout(settings["rate"])(hidden) * 2.0
    hidden = keras.Sequential([keras.layers.Dense(3, "tanh"), keras.layers.BatchNormalization()])(hidden)
    return keras.Model(inputs, {"a": keras.layers.Dense(1)(hidden), "b": keras.layers.Dense(2)(hidden)})


class Scaled(keras.layers.Layer):
    """User-defined layer with all settings in its configuration."""

    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


class Forgetful(Scaled):
    """User-defined layer whose configuration lacks the factor."""

    def get_config(self) -> dict[str, Any]:
        return {name: value for name, value in super().get_config().items() if name != "factor"}


class Noisy(Forgetful):
    """Its configuration lacks a setting that acts only in training."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs * self.factor if training else inputs


class Penalised(Forgetful):
    """Its configuration lacks a setting that acts only on the loss."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(self.factor * ops.mean(inputs))
        return inputs


class Seeded(keras.layers.Layer):
    """User-defined layer whose seed is more than an initial value."""

    def __init__(self, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def call(self, inputs: Any) -> Any:
        return inputs * self.seed

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class Subclassed(keras.Model):
    """Model that creates its layers itself."""

    def __init__(self, units: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden, self.head, self.tilt = keras.layers.Dense(units), keras.layers.Dense(1), 1.0

    def call(self, inputs: Any) -> Any:
        return self.head(self.hidden(inputs)) * self.tilt


def built(model: keras.Model, n_inputs: int = 3) -> keras.Model:
    model(np.zeros((2, n_inputs), np.float32))
    return model


def with_layer(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))


def key(build: Callable[[], keras.Model]) -> Any:
    return describe(build(), build, {})[0]


@pytest.mark.parametrize(
    "build",
    [
        functional,
        lambda: built(keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])),
        lambda: functional(name="hidden"),
    ],
    ids=["functional", "sequential", "named"],
)
def test_a_second_call_of_a_builder_gives_the_same_key(build: Callable[[], keras.Model]) -> None:
    first, again = key(build), key(build)
    assert first is not None
    assert first == again
    assert hash(first) == hash(again)


OTHERS = {
    "units": lambda: functional(units=5),
    "activation": lambda: functional(activation="tanh"),
    "rate": lambda: functional(rate=0.3),
    "inputs": lambda: functional(n_inputs=4),
    "named as its activation": lambda: functional(name="relu_", activation="relu"),
    "named as another": lambda: functional(name="tanh_", activation="tanh"),
    "stem": lambda: functional(name="head"),
}


def test_different_structures_have_different_keys() -> None:
    keys = {name: key(build) for name, build in {"plain": functional, **OTHERS}.items()}
    assert None not in keys.values()
    assert len(set(keys.values())) == len(keys)


def test_a_name_is_replaced_only_if_it_is_a_layers_name() -> None:
    def same_words(word: str) -> keras.Model:
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(2, word, name=word)(inputs))

    assert key(lambda: same_words("tanh")) != key(lambda: same_words("sigmoid"))


@pytest.mark.parametrize(
    "build",
    [
        lambda: with_layer(Forgetful(3.0)),
        lambda: with_layer(Noisy(3.0)),
        lambda: with_layer(Penalised(3.0)),
        lambda: with_layer(keras.layers.Lambda(lambda x: x * 2)),
        lambda: functional(activation=lambda x: x * 2),
        # User-defined code may depend on values outside its configuration.
        lambda: with_layer(Scaled(3.0)),
        lambda: built(Subclassed()),
        # Keras stores the defaults of a subclassed model's arguments, whatever was passed.
        lambda: built(Subclassed(4)),
    ],
    ids=["prediction", "training", "loss", "lambda layer", "function", "own layer", "subclassed", "argument"],
)
def test_a_model_that_its_configuration_does_not_describe_is_never_cached(build: Callable[[], keras.Model]) -> None:
    assert key(build) is None


def test_a_model_modified_after_its_creation_is_not_cached() -> None:
    model = built(Subclassed())
    model.tilt = 5.0
    assert describe(model, Subclassed, {})[0] is None


def test_a_model_with_a_registered_function_is_never_cached() -> None:
    @keras.saving.register_keras_serializable(package="test", name="power")
    def activation(x: Any) -> Any:
        return x**2

    assert key(lambda: functional(activation=activation)) is None
    keras.saving.get_custom_objects().pop("test>power")


@pytest.mark.parametrize(
    "build",
    [
        functional,
        lambda: with_layer(Scaled(3.0)),
        lambda: with_layer(keras.layers.Lambda(lambda x: x * 2)),
        lambda: built(Subclassed()),
        lambda: keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)]),
    ],
    ids=["functional", "own layer", "lambda layer", "subclassed", "unbuilt"],
)
def test_the_source_builds_a_model_that_computes_the_same(build: Callable[[], keras.Model]) -> None:
    model = build()
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    model(x)
    _, source = describe(model, build, {})
    twin = build_model(source)
    twin.set_weights(model.get_weights())
    for ours, theirs in zip(_leaves(model(x)), _leaves(twin(x)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def _leaves(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(value) for value in (outputs.values() if isinstance(outputs, dict) else [outputs])]


def test_a_source_without_configuration_and_builder_raises_an_error() -> None:
    with pytest.raises(ValueError, match="neither a configuration nor a builder"):
        build_model(CustomSource(None, {}))


def test_a_builder_that_builds_another_network_than_in_fit_raises_an_error() -> None:
    width = [2]

    def build() -> keras.Model:
        return with_layer(keras.layers.Lambda(lambda x: keras.ops.tile(x, (1, width[0]))))

    _, source = describe(build(), build, {})
    width[0] = 4
    with pytest.raises(ValueError, match="now builds a network with 13 parameters, but in fit it had 7"):
        build_model(source)
