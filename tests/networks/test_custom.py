"""User-defined models: how they are built, which ones raise an error, and what they compute in the engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl._records import Kind, Task
from skmtl.networks import CustomNetwork
from skmtl.networks._custom import (
    builder_arguments,
    call_builder,
    frozen_values,
    head_widths,
    ordered_outputs,
    parameter_values,
)
from skmtl.training import counters

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X[:, :2] * [1.0, 2.0] + 0.1 * RNG.normal(size=(40, 2))).astype(np.float32)
SHORT = {"epochs": 2, "random_state": 0, "early_stopping": False, "jit_compile": False, "ensemble_size": 1}


def two_tasks(
    kinds: tuple[Kind, Kind] = ("regression", "regression"), n_classes: tuple[int, int] = (2, 3)
) -> list[Task]:
    classes = [tuple(range(n)) if kind == "classification" else () for kind, n in zip(kinds, n_classes, strict=True)]
    return [Task(name, kind, own) for name, kind, own in zip("ab", kinds, classes, strict=True)]


def of_heads(*heads: Any, n_inputs: int = 4) -> keras.Model:
    inputs = keras.Input((n_inputs,))
    hidden = layers.Dense(5, "relu")(inputs)
    return keras.Model(inputs, [head(hidden) for head in heads])


# Building


def drawing() -> keras.Model:
    model = of_heads(layers.Dense(1), layers.Dense(int(1 + 0 * random.random() + 0 * np.random.rand())))  # noqa: NPY002
    model.add_loss_later = random.random()
    return model


def test_initial_values_depend_only_on_the_seed() -> None:
    first, again, other = (parameter_values([call_builder(drawing, {}, seed)]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_the_global_generators_are_restored() -> None:
    python, numpy_state = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    call_builder(drawing, {}, 1)
    with pytest.raises(ZeroDivisionError):
        call_builder(lambda: 1 // 0, {}, 1)
    assert random.getstate() == python
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_a_model_without_an_input_shape_is_built_under_the_seed() -> None:
    class Late(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], 1), initializer="random_normal")

        def call(self, inputs: Any) -> Any:
            return inputs @ self.kernel

    values = [parameter_values([call_builder(lambda: keras.Sequential([Late()]), {}, 3, 4)]) for _ in range(2)]
    assert values[0].shape == (1, 4)
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize("method", ["train_step", "compute_loss"])
def test_a_model_that_overrides_training_raises_an_error(method: str) -> None:
    own = type("Own", (keras.Model,), {method: lambda self, *args, **kwargs: None})
    with pytest.raises(ValueError, match=f"Own overrides {method}.*add_loss"):
        call_builder(own, {}, 0)


def test_a_builder_that_returns_no_model_raises_an_error() -> None:
    with pytest.raises(TypeError, match=r"returns a keras.Model, but it returned list"):
        call_builder(lambda: [1], {}, 0)


def test_a_builder_gets_the_arguments_it_takes() -> None:
    def plain(units: int = 3) -> None: ...
    def asking(meta: dict[str, Any], units: int = 3) -> None: ...
    def anything(**kwargs: Any) -> None: ...

    meta = {"n_tasks_": 2}
    assert builder_arguments(plain, {"units": 4}, meta) == {"units": 4}
    assert builder_arguments(asking, {}, meta) == {"meta": meta}
    assert builder_arguments(anything, {"x": 1}, meta) == {"x": 1, "meta": meta}
    with pytest.raises(ValueError, match=r"model__unit was given.*no parameter 'unit'.*units"):
        builder_arguments(plain, {"unit": 4}, meta)


# Heads


@pytest.mark.parametrize(
    ("model", "tasks", "widths"),
    [
        (lambda: of_heads(layers.Dense(1), layers.Dense(1)), two_tasks(), [1, 1]),
        (lambda: of_heads(layers.Dense(2)), two_tasks(), [1, 1]),
        (
            lambda: of_heads(layers.Dense(1, "sigmoid"), layers.Dense(3, "softmax")),
            two_tasks(("classification", "classification")),
            [1, 3],
        ),
        (lambda: of_heads(layers.Dense(1), layers.Dense(3)), two_tasks(("regression", "classification")), [1, 3]),
    ],
    ids=["a head each", "side by side", "sigmoid", "mixed"],
)
def test_heads_that_match_the_tasks_are_accepted(
    model: Callable[[], keras.Model], tasks: list[Task], widths: Any
) -> None:
    assert head_widths(model(), 4, tasks) == widths


def two_inputs() -> keras.Model:
    inputs = [keras.Input((4,)), keras.Input((2,))]
    return keras.Model(inputs, layers.Dense(2)(layers.Concatenate()(inputs)))


CLASSES = two_tasks(("classification", "classification"))


@pytest.mark.parametrize(
    ("model", "tasks", "message"),
    [
        (two_inputs, two_tasks(), "2 inputs; skmtl needs a single one"),
        (lambda: of_heads(layers.Dense(1)), two_tasks(), r"1 outputs, but y has 2 tasks \(a, b\)"),
        (lambda: of_heads(*[layers.Dense(1)] * 3), two_tasks(), "3 outputs, but y has 2 tasks"),
        (lambda: of_heads(layers.Dense(2)), CLASSES, "1 outputs, but y has 2 tasks"),
        (lambda: of_heads(layers.Dense(1), layers.Dense(2)), two_tasks(), "task 'b' has 2 units; a regression needs 1"),
        (lambda: of_heads(layers.Dense(2), layers.Dense(2)), CLASSES, r"'b' has 2 units, but the task has 3 classes"),
        (lambda: of_heads(layers.Dense(2), layers.Dense(1)), CLASSES, r"give it 3 \(softmax\)"),
        (lambda: of_heads(layers.Dense(3), layers.Dense(3)), CLASSES, r"give it 2 \(softmax\), or 1 \(sigmoid\)"),
        (lambda: of_heads(layers.Dense(1), n_inputs=7), two_tasks(), r"inputs of shape \(batch, 4\)"),
        (lambda: of_heads(layers.Reshape((5, 1)), layers.Dense(1)), two_tasks(), r"output of shape \(2, 5, 1\)"),
    ],
)
def test_heads_that_do_not_match_the_tasks_raise_an_error(
    model: Callable[[], keras.Model], tasks: list[Task], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        head_widths(model(), 4, tasks)


def test_named_outputs_are_sorted_by_task() -> None:
    first, second = np.ones((3, 1)), np.zeros(3)
    ordered = ordered_outputs({"b": second, "a": first}, ["a", "b"])
    assert [output.shape for output in ordered] == [(3, 1), (3, 1)]
    assert ordered[0] is first
    with pytest.raises(ValueError, match=r"outputs are named \['a', 'c'\], but the tasks are named \['a', 'b'\]"):
        ordered_outputs({"a": first, "c": second}, ["a", "b"])


# In the engine


def test_every_member_computes_the_same_as_its_model() -> None:
    def build() -> keras.Model:
        inputs = keras.Input((4,))
        hidden = layers.BatchNormalization()(layers.Dense(5, kernel_regularizer="l2")(inputs))
        hidden = layers.Dropout(0.5)(layers.Dense(3, activity_regularizer="l1")(hidden))
        return keras.Model(inputs, {"b": layers.Dense(1)(hidden), "a": layers.Dense(1)(hidden)})

    models = [call_builder(build, {}, seed) for seed in range(2)]
    network = CustomNetwork(models, two_tasks())
    flat, frozen = parameter_values(models), frozen_values(models)
    inputs = np.stack([X[:6], X[6:12]])
    raw, same, _ = network.forward(flat, frozen, inputs, training=False)
    for member, model in enumerate(models):
        outputs = model(inputs[member])
        np.testing.assert_allclose(raw[member], np.hstack([outputs["a"], outputs["b"]]), rtol=1e-5)
    for ours, before in zip(same, frozen, strict=True):
        np.testing.assert_array_equal(ours, before)
    _, after, penalties = network.forward(flat, frozen, inputs, training=True)
    assert sum((np.asarray(new) != old).any() for new, old in zip(after, frozen, strict=True)) == 6
    for model, penalty in zip(models, penalties, strict=True):
        assert float(penalty) > float(0.01 * np.sum(model.layers[1].kernel.numpy() ** 2)) > 0


def traces(call: Callable[[], Any]) -> int:
    before = counters.snapshot().get("traces", 0)
    call()
    return counters.snapshot().get("traces", 0) - before


def named(meta: dict[str, Any], units: int = 6, rate: float = 0.1) -> keras.Model:
    inputs = keras.Input((meta["n_features_in_"],))
    hidden = layers.Dropout(rate)(layers.Dense(units, "relu")(inputs))
    hidden = keras.Sequential([layers.Dense(4, "tanh")])(hidden)
    outputs = dict(zip(meta["task_names_"], meta["output_units_"], strict=True))
    return keras.Model(inputs, {name: layers.Dense(units)(hidden) for name, units in reversed(outputs.items())})


def test_a_second_call_of_a_builder_reuses_the_program() -> None:
    def fit(seed: int, **settings: Any) -> MultiTaskKerasRegressor:
        return MultiTaskKerasRegressor(model=named, **{**SHORT, "random_state": seed}, **settings).fit(X, Y)

    assert traces(lambda: fit(0)) == 1
    assert traces(lambda: fit(1, learning_rate=0.1)) == 0
    assert traces(lambda: fit(1, model__rate=0.3)) == 1
    assert (fit(0).predict(X) == fit(0).predict(X)).all()
    assert (fit(0).predict(X) != fit(1).predict(X)).any()


def test_a_dict_of_outputs_is_matched_by_task_name() -> None:
    def copying(meta: dict[str, Any]) -> keras.Model:
        inputs = keras.Input((4,))
        columns = {"y1": inputs[:, 1:2] * 2.0, "y0": inputs[:, :1]}
        scale = layers.Dense(1, kernel_initializer="ones", use_bias=False, name="never_moves", trainable=False)
        own = layers.Dense(1, kernel_initializer="zeros", use_bias=False)(inputs)
        return keras.Model(inputs, {name: scale(column) + 0.0 * own for name, column in columns.items()})

    predicted = MultiTaskKerasRegressor(model=copying, scale_targets=False, **SHORT).fit(X, Y).predict(X)
    np.testing.assert_allclose(predicted, X[:, :2] * [1.0, 2.0], rtol=1e-5)


class Subclassed(keras.Model):
    """Model without a configuration, because one of its arguments is an array."""

    def __init__(self, table: np.ndarray) -> None:
        super().__init__()
        self.table = table
        self.hidden, self.heads = layers.Dense(6, "relu"), [layers.Dense(1), layers.Dense(1)]

    def call(self, inputs: Any) -> Any:
        hidden = self.hidden(inputs * self.table)
        return [head(hidden) for head in self.heads]


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        lambda: Subclassed(np.arange(1.0, 5.0, dtype=np.float32)),
        lambda: of_heads(layers.Lambda(lambda h: h[:, :1] * 2), layers.Dense(1)),
    ],
    ids=["subclassed", "lambda"],
)
@pytest.mark.parametrize("members", [1, 2])
def test_a_model_that_cannot_be_cached_trains_predicts_and_is_exported(build: Any, members: int) -> None:
    estimator = MultiTaskKerasRegressor(
        model=build, **{**SHORT, "epochs": 60, "ensemble_size": members}, learning_rate=0.05
    )
    estimator.fit(X, Y)
    assert estimator.score(X, Y) > 0.3
    np.testing.assert_allclose(np.hstack(estimator.model_(X)), estimator.predict(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("members", [1, 2])
def test_a_sequential_model_without_an_input_shape_works_with_any_number_of_members(members: int) -> None:
    build = lambda: keras.Sequential([layers.Dense(8, "relu"), layers.Dense(2)])  # noqa: E731
    estimator = MultiTaskKerasRegressor(
        model=build, **{**SHORT, "epochs": 30, "ensemble_size": members}, learning_rate=0.05
    )
    assert estimator.fit(X, Y).score(X, Y) > 0.3
    np.testing.assert_allclose(np.hstack(estimator.model_(X)), estimator.predict(X), rtol=1e-3, atol=1e-4)


def test_one_sigmoid_unit_and_a_softmax_learn_two_classifications() -> None:
    codes = np.column_stack([np.where(Y[:, 0] > 0, "yes", "no"), np.digitize(Y[:, 1], [-1, 1])])
    build = lambda: of_heads(layers.Dense(1, "sigmoid"), layers.Dense(3, "softmax"))  # noqa: E731
    estimator = MultiTaskKerasClassifier(model=build, **{**SHORT, "epochs": 100}, learning_rate=0.05).fit(X, codes)
    assert estimator.score(X, codes) > 0.85
    first, second = estimator.predict_proba(X)
    assert (first.shape, second.shape) == ((40, 2), (40, 3))
    np.testing.assert_allclose(first.sum(axis=1), 1.0, rtol=1e-6)
    raw = np.asarray(estimator.model_(X)[0])
    np.testing.assert_allclose(first[:, [1]], raw, rtol=1e-4, atol=1e-6)


def test_heads_that_output_logits_learn_with_a_loss_on_logits() -> None:
    y = np.column_stack([(Y[:, 0] > 0).astype(float), Y[:, 1]])
    build = lambda: of_heads(layers.Dense(1), layers.Dense(1))  # noqa: E731
    loss = [keras.losses.BinaryCrossentropy(from_logits=True), "mse"]
    kinds = {"y0": "classification", "y1": "regression"}
    estimator = MultiTaskKerasEstimator(
        task_types=kinds, model=build, loss=loss, **{**SHORT, "epochs": 100}, learning_rate=0.05
    )
    assert estimator.fit(X, y).score(X, y) > 0.8
