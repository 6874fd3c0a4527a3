"""The schemes' layers on their own, in user-defined Keras models: trained, saved and loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from skmtl.networks import (
    CrossStitchUnit,
    ExpertDense,
    ExpertGate,
    ExpertMixture,
    LowRankUpdate,
    TaskDense,
    TaskModulation,
)

RNG = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def set_all(layer: Any) -> None:
    for variable in layer.trainable_weights:
        variable.assign(values(*variable.shape))


def two_outputs(tasks_first: Any) -> list[Any]:
    heads = TaskDense(1, tasks=2)(tasks_first)
    return [heads[0], heads[1]]


def mixture_model(x: Any) -> list[Any]:
    experts = ExpertDense(5, experts=4, activation="relu")(x)
    experts = ExpertDense(3, experts=4, activation="relu")(experts)
    mixed = ExpertMixture()(ExpertGate(experts=4, gates=2, dropout=0.2)(x), experts)
    return two_outputs(ops.swapaxes(mixed, 0, 1))


def stitched_model(x: Any) -> list[Any]:
    columns = ops.swapaxes(ExpertDense(5, experts=2, activation="tanh")(x), 0, 1)
    return two_outputs(CrossStitchUnit(tasks=2)(columns))


def adapted_model(x: Any) -> list[Any]:
    hidden = keras.layers.Dense(5)(x) + LowRankUpdate(5, tasks=2, rank=2)(x)
    return two_outputs(ops.tanh(hidden) + LowRankUpdate(5, tasks=2, rank=1)(hidden))


def conditioned_model(x: Any) -> list[Any]:
    hidden = TaskModulation(tasks=2, embedding_dim=3)(keras.layers.Dense(5, activation="tanh")(x))
    return [keras.layers.Dense(1)(hidden[0]), keras.layers.Dense(1)(hidden[1])]


@pytest.mark.slow
@pytest.mark.parametrize("connect", [mixture_model, stitched_model, adapted_model, conditioned_model])
def test_the_layers_train_in_a_keras_model_and_are_saved_and_loaded(
    connect: Callable[[Any], list[Any]], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, connect(inputs))
    X = values(64, 4)
    targets = [X[:, :1], X[:, :1] - X[:, 1:2]]
    model.compile(keras.optimizers.Adam(0.03), loss=["mse", "mse"])
    history = model.fit(X, targets, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "own.keras")
    loaded = keras.saving.load_model(tmp_path / "own.keras")
    for found, expected in zip(loaded(X), model(X), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_experts_with_the_same_input_equal_parallel_dense_layers() -> None:
    x, layer = values(6, 4), ExpertDense(5, experts=3, activation="relu")
    layer.build(x.shape)
    set_all(layer)
    kernels, biases = np.split(layer.kernel.numpy(), 3, axis=1), np.split(layer.bias.numpy(), 3, axis=1)
    expected = [np.maximum(x @ kernel + bias, 0) for kernel, bias in zip(kernels, biases, strict=True)]
    np.testing.assert_allclose(layer(x), np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("groups", [3, 6])
def test_experts_in_groups_have_their_groups_input(groups: int) -> None:
    x, layer = values(7, groups, 4), ExpertDense(5, experts=6)
    layer.build(x.shape)
    set_all(layer)
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    outputs = np.stack([x[:, group] @ kernel[group] + bias[group] for group in range(groups)], axis=1)
    np.testing.assert_allclose(layer(x), outputs.reshape(7, 6, 5), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 6, 4), (2, 6, 3, 4)])
def test_members_equal_parallel_layers(shape: tuple[int, ...]) -> None:
    x = values(*shape)
    several, alone = ExpertDense(5, experts=3, members=2), ExpertDense(5, experts=3)
    gates, gate = ExpertGate(3, gates=3, members=2), ExpertGate(3, gates=3)
    for many, one in ((several, alone), (gates, gate)):
        many.build(shape)
        one.build(shape[1:])
        set_all(many)
        together = many(x)
        for member in range(2):
            for target, source in zip(one.weights, many.weights, strict=True):
                target.assign(source[member])
            np.testing.assert_allclose(together[member], one(x[member]), rtol=1e-5, atol=1e-6)


def test_experts_that_cannot_be_divided_equally_raise_an_error() -> None:
    with pytest.raises(ValueError, match="4 kernels cannot be divided equally among 3 inputs"):
        ExpertDense(5, experts=4)(values(6, 3, 2))
    with pytest.raises(ValueError, match=r"should be \(batch, width\) or \(batch, groups, width\), got shape \(6,\)"):
        ExpertDense(5, experts=4).build((6,))
    with pytest.raises(ValueError, match=r"should be \(members, batch, width\) or"):
        ExpertGate(5, gates=4, members=2)(values(6, 3))


def test_gates_are_the_softmax_of_a_linear_map() -> None:
    x, layer = values(6, 4), ExpertGate(experts=3, gates=2)
    layer.build(x.shape)
    set_all(layer)
    expected = np.stack([softmax(x @ part) for part in np.split(layer.kernel.numpy(), 2, axis=1)], axis=1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5)
    np.testing.assert_allclose(ops.sum(layer(x), axis=-1), 1, rtol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.6])
def test_dropped_experts_have_weight_zero_and_the_others_sum_to_one(rate: float) -> None:
    x, layer = values(4000, 4), ExpertGate(experts=3, gates=2, dropout=rate)
    plain = layer(x, training=False).numpy()
    assert (plain > 0).all()
    shares = layer(x, training=True).numpy()
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-5)
    kept = shares > 0
    # If all three would be dropped, none is.
    assert kept.any(axis=-1).all()
    assert abs(1 - kept.mean() - (rate - rate**3)) < 0.02
    np.testing.assert_allclose(shares, np.where(kept, plain, 0) / (plain * kept).sum(axis=-1, keepdims=True), rtol=1e-4)
    again = layer(x, training=True).numpy()
    assert (kept != (again > 0)).any()


def test_a_gate_without_dropout_has_no_random_state() -> None:
    gate = ExpertGate(experts=3, gates=2)
    gate.build((None, 4))
    assert gate.non_trainable_variables == []


def test_mixtures_weight_shared_experts_or_those_of_each_gate() -> None:
    shares, common, own = values(6, 2, 3), values(6, 3, 5), values(6, 2, 3, 5)
    np.testing.assert_allclose(
        ExpertMixture()(shares, common), np.einsum("bge,beu->bgu", shares, common), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        ExpertMixture()(shares, own), np.einsum("bge,bgeu->bgu", shares, own), rtol=1e-4, atol=1e-6
    )


def test_cross_stitch_mixes_the_tasks_activations() -> None:
    x, layer = values(3, 6, 4), CrossStitchUnit(tasks=3)
    layer.build(x.shape)
    set_all(layer)
    np.testing.assert_allclose(layer(x), np.einsum("tj,jbw->tbw", layer.mixing.numpy(), x), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 4), (3, 6, 4)])
def test_low_rank_updates_are_products_of_two_factors(shape: tuple[int, ...]) -> None:
    x, layer = values(*shape), LowRankUpdate(5, tasks=3, rank=2)
    assert not layer(x).numpy().any()
    set_all(layer)
    down, up = layer.down.numpy(), layer.up.numpy()
    downs = np.split(down, 3, axis=1) if x.ndim == 2 else down
    inputs = [x] * 3 if x.ndim == 2 else x
    expected = [inputs[t] @ (downs[t] @ up[t]) for t in range(3)]
    np.testing.assert_allclose(layer(x), np.stack(expected), rtol=1e-4, atol=1e-5)


def test_modulation_scales_and_shifts_by_the_task_s_embedding() -> None:
    x, layer = values(6, 4), TaskModulation(tasks=3, embedding_dim=2)
    np.testing.assert_array_equal(layer(x), np.stack([x] * 3))
    set_all(layer)
    scale, shift = (layer.embedding.numpy() @ kernel.numpy() for kernel in (layer.scale, layer.shift))
    expected = [(1 + scale[t]) * x + shift[t] for t in range(3)]
    np.testing.assert_allclose(layer(x), np.stack(expected), rtol=1e-4, atol=1e-5)


LAYERS = [
    (ExpertDense(5, experts=3, activation="mish", members=2), (2, None, 4)),
    (ExpertGate(4, gates=3, dropout=0.3, members=2), (2, None, 3, 4)),
    (CrossStitchUnit(tasks=3, own_weight=0.7, members=2), (2, 3, None, 4)),
    (LowRankUpdate(5, tasks=3, rank=2, members=2), (2, None, 4)),
    (TaskModulation(tasks=3, embedding_dim=4, members=2), (2, None, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: type(value).__name__)
def test_a_layer_is_restored_from_its_configuration_and_knows_its_output_shape(layer: Any, shape: tuple) -> None:
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    inputs = keras.Input(batch_shape=shape)
    output = twin(inputs)
    assert tuple(output.shape) == tuple(twin.compute_output_shape(shape))
    concrete = twin(values(*(6 if size is None else size for size in shape)))
    assert [a == b or a is None for a, b in zip(output.shape, concrete.shape, strict=True)] == [True] * len(
        output.shape
    )


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: type(value).__name__)
def test_keras_and_the_engine_start_a_layer_from_the_same_distribution(layer: Any, shape: tuple) -> None:
    wide = tuple(400 if size == 4 and axis == len(shape) - 1 else size for axis, size in enumerate(shape))
    twin = type(layer).from_config(layer.get_config())
    twin.build(wide)
    for variable, drawn in zip(twin.trainable_weights, twin.initial_values(np.random.default_rng(0)), strict=True):
        own = variable.numpy()
        assert own.shape == drawn.shape
        if len(np.unique(drawn)) < 10:
            np.testing.assert_allclose(own, drawn, rtol=1e-6)
        else:
            np.testing.assert_allclose([np.abs(own).max(), own.std()], [np.abs(drawn).max(), drawn.std()], rtol=0.1)
