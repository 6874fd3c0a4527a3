"""Layers on their own: their outputs, and their use in user-defined Keras models, saved and loaded."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from skmtl.networks import InputEncoding, MemberAverage, MemberDense, OutputDecoding, TaskDense, VariableDropout

RNG = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def with_bias(layer: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias of a built layer, with nonzero biases."""
    layer.build(shape)
    layer.bias.assign(values(*layer.bias.shape))
    return layer.kernel.numpy(), layer.bias.numpy()


@pytest.mark.parametrize("lead", [1, 3])
def test_member_dense_is_a_dense_layer_for_each_member(lead: int) -> None:
    x, layer = values(lead, 6, 4), MemberDense(5, 3, activation="relu")
    kernel, bias = with_bias(layer, x.shape)
    expected = np.stack([np.maximum(x[m % lead] @ kernel[m] + bias[m], 0) for m in range(3)])
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None if lead == 1 else 3, None, 4)) == (3, None, 5)


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("lead", [1, 3])
def test_task_dense_is_a_dense_layer_for_each_task_and_member(members: int | None, lead: int) -> None:
    outer = 1 if members is None else members
    x, layer = values(outer, lead, 6, 4), TaskDense(5, 3, "tanh", members)
    given = x[0] if members is None else x
    kernel, bias = with_bias(layer, given.shape)
    kernel, bias = kernel.reshape(outer, 3, 4, 5), bias.reshape(outer, 3, 1, 5)
    for m in range(outer):
        for t in range(3):
            expected = np.tanh(x[m, t % lead] @ kernel[m, t] + bias[m, t])
            got = np.asarray(layer(given)).reshape(outer, 3, 6, 5)[m, t]
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert tuple(layer(given).shape) == layer.compute_output_shape(given.shape)


def test_each_kernel_starts_within_its_own_glorot_bounds() -> None:
    for layer, shape in ((MemberDense(30, 4), (1, 2, 20)), (TaskDense(30, 5, members=4), (4, 1, 2, 20))):
        layer.build(shape)
        limit = np.sqrt(6 / 50)
        kernel = layer.kernel.numpy()
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.99 * limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.03)
        assert not layer.bias.numpy().any()


def test_layers_start_from_different_kernels_that_depend_on_the_callers_seed() -> None:
    def kernels() -> list[np.ndarray]:
        random.seed(5)
        layers = [MemberDense(4, 2), MemberDense(4, 2)]
        for layer in layers:
            layer.build((1, None, 4))
        return [layer.kernel.numpy() for layer in layers]

    first, again = kernels(), kernels()
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0] - first[1]).max() > 0.1


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.7])
def test_dropout_drops_the_given_fraction_and_keeps_the_mean(rate: float) -> None:
    layer = VariableDropout(rate, seed=1)
    out = np.asarray(layer(np.ones((400, 300), np.float32), training=True))
    assert (out == 0).mean() == pytest.approx(rate, abs=0.01)
    assert out.mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(out[out > 0], 1 / (1 - rate), rtol=1e-6)


def test_dropout_changes_nothing_in_prediction_and_at_rate_zero() -> None:
    x, layer = values(5, 4), VariableDropout(0.5)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)
    layer.rate.assign(0.0)
    np.testing.assert_array_equal(layer(x, training=True), x)


def test_dropout_differs_between_calls_and_between_layers() -> None:
    x, layer = np.ones((20, 20), np.float32), VariableDropout(0.5)
    first, second, other = layer(x, training=True), layer(x, training=True), VariableDropout(0.5)(x, training=True)
    assert (np.asarray(first) != np.asarray(second)).any()
    assert (np.asarray(first) != np.asarray(other)).any()
    np.testing.assert_array_equal(*(VariableDropout(0.5, seed=3)(x, training=True) for _ in range(2)))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 3])
def test_an_invalid_rate_raises_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match=r"rate should be in \[0, 1\)"):
        VariableDropout(rate)


def test_inputs_are_imputed_standardised_and_flagged() -> None:
    layer = InputEncoding(center=[1.0, 2.0], scale=[2.0, 4.0], fill=[1.0, 6.0], indicators=[1])
    out = layer(np.array([[3.0, np.nan], [np.nan, 2.0]], np.float32))
    np.testing.assert_allclose(out, [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    assert layer.compute_output_shape((None, 2)) == (None, 3)
    plain = InputEncoding(center=[0.0], scale=[1.0], fill=[0.0], indicators=[])
    assert plain(np.ones((4, 1), np.float32)).shape == plain.compute_output_shape((4, 1))


@pytest.mark.parametrize(
    ("link", "function"),
    [
        ("identity", lambda raw: raw),
        ("none", lambda raw: raw),
        ("softmax", lambda raw: np.exp(raw) / np.exp(raw).sum(-1, keepdims=True)),
        ("sigmoid", lambda raw: 1 / (1 + np.exp(-raw))),
        ("softplus", lambda raw: np.log1p(np.exp(raw))),
    ],
)
def test_outputs_pass_the_link_function_and_are_then_scaled_and_shifted(link: str, function: Any) -> None:
    raw, layer = values(2, 6, 5), OutputDecoding(1, 3, link, shift=2.0, scale=0.5)
    np.testing.assert_allclose(layer(raw), 2.0 + 0.5 * function(raw[..., 1:4]), rtol=1e-5)
    assert tuple(layer(raw).shape) == layer.compute_output_shape(raw.shape)


def test_members_are_averaged() -> None:
    x = values(3, 4, 2)
    np.testing.assert_allclose(MemberAverage()(x), x.mean(axis=0), rtol=1e-6)
    assert MemberAverage().compute_output_shape((3, None, 2)) == (None, 2)


def test_a_model_with_all_layers_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    inputs = keras.Input((3,))
    hidden = InputEncoding([0.1] * 3, [2.0] * 3, [0.0] * 3, [0, 2])(inputs)
    hidden = MemberDense(6, 2, "relu")(ops.expand_dims(hidden, 0))
    hidden = VariableDropout(0.3)(hidden)
    hidden = TaskDense(2, 3, members=2)(ops.expand_dims(hidden, 1))
    outputs = [OutputDecoding(0, 2, "softmax", 0.0, 1.0)(MemberAverage()(hidden[:, task])) for task in range(3)]
    model = keras.Model(inputs, outputs)
    model.compile("adam", ["categorical_crossentropy"] * 3, run_eagerly=True)
    x = values(16, 3)
    before = [weight.copy() for weight in model.get_weights()]
    model.fit(x, [np.eye(2)[(x[:, task] > 0).astype(int)] for task in range(3)], epochs=1, verbose=0)
    assert any((old != new).any() for old, new in zip(before, model.get_weights(), strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model(x), loaded(x), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    dropout = next(layer for layer in loaded.layers if isinstance(layer, VariableDropout))
    assert float(dropout.rate.numpy()) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "layer",
    [
        MemberDense(3, 2, "selu", name="a"),
        TaskDense(3, 2, None, 4, name="b"),
        VariableDropout(0.25, seed=9),
        InputEncoding([1.0], [2.0], [3.0], [0]),
        OutputDecoding(1, 2, "softmax", 3.0, 4.0),
        MemberAverage(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layers_configuration_gives_an_equal_layer(layer: keras.layers.Layer) -> None:
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
