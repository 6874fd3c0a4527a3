"""The caller's own code is retraced in every fit: nothing compiled earlier is reused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmtl import MultiTaskKerasRegressor
from skmtl.balancing import Balancing
from skmtl.networks import MemberDense, Scheme
from skmtl.training import counters

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 3))
Y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] - X[:, 1]])

# Global that the code below reads.
SEEN = SimpleNamespace(value=0.1, array=np.array([0.1]))


def tilted(errors: Any, tilt: Any) -> Any:
    return keras.ops.mean(keras.ops.maximum(tilt * errors, (tilt - 1) * errors), axis=-1)


def reads_a_global(y_true: Any, y_pred: Any) -> Any:
    return tilted(y_true - y_pred, SEEN.value)


def reads_a_closure() -> Callable[[Any, Any], Any]:
    array = SEEN.array
    return lambda y_true, y_pred: tilted(y_true - y_pred, array[0])


class Tilted:
    def loss(self, y_true: Any, y_pred: Any) -> Any:
        return tilted(y_true - y_pred, SEEN.value)


METHOD, PARTIAL, CLOSURE = Tilted().loss, partial(lambda s, t, p: tilted(t - p, s.value), SEEN), reads_a_closure()
WRAPPED = keras.losses.MeanSquaredError()
WRAPPED.call = reads_a_global


class OwnLoss(keras.losses.Loss):
    def call(self, y_true: Any, y_pred: Any) -> Any:
        return tilted(y_true - y_pred, SEEN.value)


class OwnSGD(keras.optimizers.SGD):
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, learning_rate * SEEN.value)


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step: Any) -> Any:
        return SEEN.value

    def get_config(self) -> dict[str, Any]:
        return {}


class OwnDefault(keras.optimizers.SGD):
    def __init__(self, learning_rate: Any = None, **settings: Any) -> None:
        super().__init__(SEEN.value if learning_rate is None else learning_rate, **settings)


class OwnLayer(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * SEEN.value


@keras.saving.register_keras_serializable(package="test")
def own_activation(x: Any) -> Any:
    return x * SEEN.value


@keras.saving.register_keras_serializable(package="test")
class OwnPenalty(keras.regularizers.Regularizer):
    def __call__(self, x: Any) -> Any:
        return SEEN.value * keras.ops.sum(x**2)

    def get_config(self) -> dict[str, Any]:
        return {}


def with_layers(*layers: Callable[[], Any]) -> Callable[[Mapping[str, Any]], keras.Model]:
    def build(meta: Mapping[str, Any]) -> keras.Model:
        inputs = hidden = keras.Input((3,))
        for layer in layers:
            hidden = layer()(hidden)
        return keras.Model(inputs, [keras.layers.Dense(1)(hidden) for _ in meta["task_names_"]])

    return build


@dataclass(frozen=True)
class OwnScheme(Scheme):
    def connect(self, inputs: Any, spec: Any) -> Any:
        return MemberDense(2, spec.members, name="heads")(inputs * SEEN.value)


class OwnBalancing(Balancing):
    def decide(self, signal: Any, state: Any, constants: Any) -> Any:
        return signal.loss_weights * tf.constant([SEEN.value, 1.0]), state


OWN = {
    "function": lambda: {"loss": reads_a_global},
    "function of one task": lambda: {"loss": ["mse", reads_a_global]},
    "closure": lambda: {"loss": CLOSURE},
    "method": lambda: {"loss": METHOD},
    "partial": lambda: {"loss": PARTIAL},
    "loss with another call": lambda: {"loss": WRAPPED},
    "loss": lambda: {"loss": OwnLoss},
    "loss, instance": lambda: {"loss": OwnLoss()},
    "optimizer": lambda: {"optimizer": OwnSGD},
    "optimizer's default": lambda: {"optimizer": OwnDefault},
    "schedule": lambda: {"optimizer": keras.optimizers.SGD(OwnSchedule())},
    "layer": lambda: {"model": with_layers(OwnLayer)},
    "activation of a layer": lambda: {"model": with_layers(lambda: keras.layers.Dense(3, own_activation))},
    "penalty": lambda: {"model": with_layers(lambda: keras.layers.Dense(3, kernel_regularizer=OwnPenalty()))},
    "scheme": lambda: {"architecture": OwnScheme(), "ensemble_size": 2},
    "balancing": lambda: {"balancing": OwnBalancing()},
}


def fitted(**parameters: Any) -> MultiTaskKerasRegressor:
    plain = {"ensemble_size": 1, "epochs": 2, "jit_compile": False, "early_stopping": False, "random_state": 0}
    if not {"model", "architecture"} & set(parameters):
        plain["hidden_layer_sizes"] = (4,)
    return MultiTaskKerasRegressor(**{**plain, **parameters}).fit(X, Y)


def saw(value: float) -> None:
    SEEN.value = SEEN.array[0] = value


@pytest.mark.parametrize("name", OWN)
def test_own_code_reads_globals_at_the_time_of_the_fit(name: str) -> None:
    saw(0.1)
    first = fitted(**OWN[name]()).predict(X)
    saw(0.9)
    assert not np.allclose(fitted(**OWN[name]()).predict(X), first)


def test_a_redefined_function_is_another_function() -> None:
    def defined(power: int) -> Callable[[Any, Any], Any]:
        def own(y_true: Any, y_pred: Any) -> Any:
            return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** power, axis=-1)

        return own

    assert not np.allclose(fitted(loss=defined(2)).predict(X), fitted(loss=defined(4)).predict(X))


def traces(call: Callable[[], Any]) -> int:
    before = counters.snapshot().get("traces", 0)
    call()
    return counters.snapshot().get("traces", 0) - before


def test_within_a_fit_own_code_is_traced_once_for_all_groups_of_members() -> None:
    assert traces(lambda: fitted(loss=reads_a_global, ensemble_size=8)) == 1


def test_predictions_of_own_layers_are_traced_once_a_fit() -> None:
    saw(0.5)
    model, other = (fitted(model=with_layers(OwnLayer)) for _ in range(2))
    assert traces(lambda: (model.predict(X), model.predict(X[:5]), model.predict(X))) == 1
    assert traces(lambda: other.predict(X)) == 1


@pytest.mark.parametrize(
    "named",
    [
        {"loss": keras.losses.Huber(0.5)},
        {"loss": keras.losses.mean_absolute_error},
        {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))},
        {"balancing": "dwa"},
        {"architecture": "mmoe"},
        {"model": with_layers(lambda: keras.layers.Dense(3, "relu"))},
    ],
    ids=["loss", "function", "schedule", "balancing", "scheme", "model"],
)
def test_library_code_is_traced_once_for_all_fits(named: dict[str, Any]) -> None:
    fitted(**named)
    assert traces(lambda: fitted(**named, random_state=1)) == 0
