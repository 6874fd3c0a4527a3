"""Optimizer rules: settings that are part of the program's key, numbers that are not, and refusals."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmtl.networks import StackedNetwork
from skmtl.training import resolve_optimizer
from skmtl.training._optimizer import FlatUpdate

from ._engine import Engine, scheme_spec, some_rows


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A custom schedule that Keras does not know by name."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, step: Any) -> Any:
        return self.start * 0.5 ** keras.ops.cast(step, "float32")

    def get_config(self) -> dict[str, Any]:
        return {"start": self.start}


class SignDescent(keras.optimizers.Optimizer):
    """A custom optimizer with steps of fixed length for each number."""

    def __init__(self, learning_rate: Any = 0.1, stretch: float = 1.0, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.stretch = stretch

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign_sub(variable, keras.ops.sign(gradient) * learning_rate * self.stretch)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stretch": self.stretch}


class Forgetful(SignDescent):
    """A custom optimizer whose configuration leaves out a setting."""

    def get_config(self) -> dict[str, Any]:
        return {name: value for name, value in super().get_config().items() if name != "stretch"}


@pytest.mark.parametrize("given", ["adam", keras.optimizers.Adam, keras.optimizers.Adam(0.5)])
def test_numbers_are_not_part_of_a_rules_identity(given: Any) -> None:
    rule = resolve_optimizer(given, {}, None)
    other = resolve_optimizer("adam", {"learning_rate": 0.7}, None)
    assert rule == other
    assert hash(rule) == hash(other)
    assert other.learning_rate == pytest.approx(0.7)
    assert rule != resolve_optimizer("adam", {"beta_1": 0.8}, None)
    assert rule != resolve_optimizer("adam", {"clipnorm": 1.0}, None)
    assert rule != resolve_optimizer("sgd", {}, None)


def test_weight_decay_is_a_number_and_what_it_applies_to_is_structure() -> None:
    ours, theirs = resolve_optimizer("adamw", {}, 0.1), resolve_optimizer("adamw", {"weight_decay": 0.2}, None)
    assert (ours.weight_decay, ours.decay_everything) == (0.1, False)
    assert (theirs.weight_decay, theirs.decay_everything) == (0.2, True)
    assert ours == resolve_optimizer("adamw", {}, 0.3)
    assert ours != theirs


def test_arguments_go_to_an_instance_too() -> None:
    rule = resolve_optimizer(keras.optimizers.SGD(0.1, momentum=0.9), {"nesterov": True}, None)
    made = rule.create()
    assert (made.momentum, made.nesterov, rule.learning_rate) == (0.9, True, pytest.approx(0.1))


def step(optimizer: Any, weight_decay: float | None = None) -> tuple[np.ndarray, np.ndarray, StackedNetwork]:
    """Return flat parameters before and after one step with a gradient of ones and a rate of 0.1."""
    network = StackedNetwork(scheme_spec("regression", members=2))
    rule = resolve_optimizer(optimizer, {}, weight_decay)
    update = FlatUpdate(rule, network)
    flat = network.initial_parameters(0) + 1.0
    state = [tf.constant(value) for value in update.initial_state(flat)]
    numbers = (tf.fill((2,), 0.1), tf.fill((2,), tf.constant(rule.weight_decay, tf.float32)))
    after, _ = update.apply(tf.constant(flat), tf.ones(flat.shape), state, *numbers)
    return flat, after.numpy(), network


def test_the_estimators_weight_decay_does_not_apply_to_biases() -> None:
    flat, after, network = step(keras.optimizers.SGD(0.1), weight_decay=0.5)
    for parameter in network.parameters:
        columns = slice(parameter.start, parameter.stop)
        kept = 1.0 if parameter.name.endswith("bias") else 1 - 0.1 * 0.5
        np.testing.assert_allclose(after[:, columns], flat[:, columns] * kept - 0.1, rtol=1e-5)


def test_the_optimizers_own_weight_decay_applies_to_everything() -> None:
    flat, after, _ = step(keras.optimizers.SGD(0.1, weight_decay=0.5))
    np.testing.assert_allclose(after, flat * (1 - 0.1 * 0.5) - 0.1, rtol=1e-5)


def test_each_member_is_clipped_by_its_own_norm() -> None:
    network = StackedNetwork(scheme_spec("regression", members=2))
    gradient = np.ones((2, network.parameters[-1].stop), np.float32) * [[0.001], [1000.0]]
    for setting in ({"global_clipnorm": 1.0}, {"clipnorm": 1.0}):
        update = FlatUpdate(resolve_optimizer("sgd", setting, None), network)
        state = [tf.constant(value) for value in update.initial_state(gradient)]
        after, _ = update.apply(
            tf.zeros(gradient.shape), tf.constant(gradient, tf.float32), state, tf.ones(2), tf.zeros(2)
        )
        np.testing.assert_allclose(after[0], -gradient[0], rtol=1e-6)
        parts = network.parameters if "clipnorm" in setting else [None]
        assert np.linalg.norm(after[1]) == pytest.approx(len(parts) ** 0.5, rel=1e-5)


def test_a_custom_optimizer_and_a_custom_schedule_work() -> None:
    engine = Engine.of_scheme("regression", optimizer=SignDescent(Halving(0.5), stretch=2.0))
    moved = engine.run(some_rows("regression"), epochs=1).parameters - engine.parameters
    # Four steps of 1, 1/2, 1/4 and 1/8, each up or down.
    np.testing.assert_allclose(np.round(moved * 8) / 8, moved, atol=1e-5)
    assert np.abs(moved).max() <= 1.875 + 1e-5
    assert (np.round(moved * 8).astype(int) % 2 == 1).all()


@pytest.mark.parametrize("name", ["lamb", "Muon", "adafactor", "SGD"])
def test_every_optimizer_of_keras_is_known_by_its_name(name: str) -> None:
    assert resolve_optimizer(name, {}, None).kind.__name__.lower() == name.lower()


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("adamm", "no optimizer named 'adamm'.*adam"),
        (3, "string, class or instance"),
        (keras.optimizers.Adam(use_ema=True), "use_ema=True is not supported"),
        (keras.optimizers.Adam(gradient_accumulation_steps=2), "gradient_accumulation_steps=2 is not supported"),
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "LossScaleOptimizer overrides apply"),
        (keras.optimizers.Muon(adam_weight_decay=0.1), "adam_weight_decay=0.1 differs"),
        (keras.optimizers.Adam(lambda: 0.1), "LearningRateSchedule"),
        (Forgetful(stretch=3.0), "Forgetful.get_config leaves out stretch=3.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_unsupported_settings_are_refused(optimizer: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"(?s)optimizer.*{message}"):
        resolve_optimizer(optimizer, {}, None)


def test_exclusions_from_weight_decay_are_refused() -> None:
    optimizer = keras.optimizers.AdamW(weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    with pytest.raises(ValueError, match="does not apply to biases"):
        resolve_optimizer(optimizer, {}, None)


def test_a_wrong_argument_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"Adam has no parameter 'beta1' \(optimizer__beta1\).*beta_1"):
        resolve_optimizer("adam", {"beta1": 0.8}, None)


SCHEDULE_FREE = getattr(keras.optimizers, "ScheduleFreeAdamW", None)
needs_schedule_free = pytest.mark.skipif(SCHEDULE_FREE is None, reason="this Keras has no ScheduleFreeAdamW")


@needs_schedule_free
def test_state_that_starts_from_the_weights_is_that_of_each_member() -> None:
    network = StackedNetwork(scheme_spec("regression", members=2))
    update = FlatUpdate(resolve_optimizer(SCHEDULE_FREE(), {}, None), network)
    flat = network.initial_parameters(0)
    state = update.initial_state(flat)
    kernel = flat[:, : 4 * 5].reshape(2, 4, 5)
    per_member = len(state) // 2
    for member in range(2):
        own = state[member * per_member : (member + 1) * per_member]
        assert sum(value.shape == (4, 5) and np.array_equal(value, kernel[member]) for value in own) == 1


@needs_schedule_free
def test_schedule_free_steps_are_those_of_its_paper() -> None:
    # Not compared with Keras: on TensorFlow, its update reads an average after changing it.
    network = StackedNetwork(scheme_spec("regression", members=2))
    rate, beta, decay, eps = 0.1, 0.9, 0.999, 1e-8
    update = FlatUpdate(resolve_optimizer(SCHEDULE_FREE(beta_1=beta, beta_2=decay, epsilon=eps), {}, None), network)
    flat = network.initial_parameters(0)
    state = [tf.constant(value) for value in update.initial_state(flat)]
    fast, mean, speed, shown = flat.astype(float), flat.astype(float), np.zeros(flat.shape), tf.constant(flat)
    for step in range(1, 5):
        gradient = np.random.default_rng(step).normal(size=flat.shape)
        speed = decay * speed + (1 - decay) * gradient**2
        fast = fast - rate * gradient / (np.sqrt(speed / (1 - decay**step)) + eps)
        mean = mean + (fast - mean) / step
        shown, state = update.apply(shown, tf.constant(gradient, tf.float32), state, tf.fill((2,), rate), tf.zeros(2))
        np.testing.assert_allclose(shown, (1 - beta) * fast + beta * mean, rtol=1e-4, atol=1e-5)


@needs_schedule_free
def test_an_optimizer_whose_state_starts_from_the_weights_trains() -> None:
    result = Engine.of_scheme("regression", optimizer=SCHEDULE_FREE(0.05)).run(some_rows("regression"), epochs=20)
    assert result.history["loss"][-1] < 0.5 * result.history["loss"][0]
