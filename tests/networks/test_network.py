"""The network of a scheme as a function of flat parameters: outputs and initial values."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from skmtl._records import Head, NetworkSpec
from skmtl.networks import StackedNetwork, network_of
from skmtl.networks._network import split

UNITS = (3, 1, 2)
HEADS = tuple(Head(f"t{i}", units, "identity") for i, units in enumerate(UNITS))


def make(
    hidden: tuple[int, ...] = (5,), towers: tuple[int, ...] = (), members: int = 1, heads: Any = HEADS, **settings: Any
) -> StackedNetwork:
    settings = {"activation": "tanh", "dropout": False, **settings}
    return StackedNetwork(NetworkSpec("shared_bottom", 4, heads, hidden, towers, members=members, **settings))


def rows(members: int, dtype: str = "float32", n: int = 6) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(members, n, 4)).astype(dtype)


def outputs(network: StackedNetwork, flat: np.ndarray, inputs: np.ndarray, training: bool = False) -> np.ndarray:
    frozen = [tf.constant(value) for value in network.initial_frozen(0, 0.5)]
    raw, _, penalty = network.forward(tf.constant(flat), frozen, tf.constant(inputs), training)
    assert penalty.shape == (network.members,)
    return raw.numpy()


def random_parameters(network: StackedNetwork) -> np.ndarray:
    """Nonzero weights and biases."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(network.members, network.parameters[-1].stop)).astype(network.dtype)


def pieces(network: StackedNetwork, flat: np.ndarray) -> list[list[np.ndarray]]:
    """Kernels and biases of every member, in order."""
    parts = [part.numpy() for part in split(tf.constant(flat), network.parameters)]
    return [[part[m] for part in parts] for m in range(network.members)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(("hidden", "towers"), [((), ()), ((5, 6), ()), ((5,), (4,)), ((), (4, 3))])
def test_outputs_equal_those_of_separate_dense_layers(hidden: Any, towers: Any, members: int, dtype: str) -> None:
    network = make(hidden, towers, members, dtype=dtype)
    flat, inputs = random_parameters(network), rows(members, dtype)
    raw = outputs(network, flat, inputs)
    assert raw.shape == (members, 6, sum(UNITS))
    assert raw.dtype == dtype
    for member, parts in enumerate(pieces(network, flat)):
        values, at = inputs[member], iter(parts)
        for _ in hidden:
            values = np.tanh(values @ next(at) + next(at))
        expected = towered(values, list(at)) if towers else values @ next(at) + next(at)
        np.testing.assert_allclose(raw[member], expected, rtol=1e-4, atol=1e-5)


def towered(values: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """Every task's layers and columns."""
    columns = []
    for task, units in enumerate(UNITS):
        own = values
        for kernel, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
            own = np.tanh(own @ kernel[task] + bias[task])
        columns.append((own @ parts[-2][task] + parts[-1][task])[:, :units])
    return np.hstack(columns)


def test_fused_heads_equal_a_keras_model_with_one_dense_layer_per_task() -> None:
    network = make((5,))
    flat = random_parameters(network)
    kernel, bias, heads, head_biases = pieces(network, flat)[0]
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, "tanh")
    separate = [keras.layers.Dense(units) for units in UNITS]
    model = keras.Model(inputs, [head(hidden(inputs)) for head in separate])
    hidden.set_weights([kernel, bias])
    cuts = np.cumsum(UNITS)[:-1]
    for head, k, b in zip(separate, np.split(heads, cuts, axis=1), np.split(head_biases, cuts), strict=True):
        head.set_weights([k, b])
    x = rows(1)
    np.testing.assert_allclose(outputs(network, flat, x)[0], np.hstack(model(x[0])), rtol=1e-5, atol=1e-6)


def within_glorot(kernel: np.ndarray, units: int | None = None) -> None:
    limit = np.sqrt(6 / (kernel.shape[-2] + (units or kernel.shape[-1])))
    assert 0.97 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.06)
    assert kernel.mean() == pytest.approx(0, abs=limit / 10)


@pytest.mark.parametrize("members", [1, 2])
def test_every_kernel_starts_glorot_uniform_with_the_fans_of_a_separate_layer(members: int) -> None:
    heads = tuple(Head(f"t{i}", units, "identity") for i, units in enumerate((40, 2)))
    network = make((300, 200), (), members, heads)
    for first, b0, second, b1, last, b2 in pieces(network, network.initial_parameters(0)):
        within_glorot(first)
        within_glorot(second)
        within_glorot(last[:, :40], 40)
        within_glorot(last[:, 40:], 2)
        assert not any(bias.any() for bias in (b0, b1, b2))
    network = make((200,), (100,), members, heads)
    for _, _, tower, _, last, _ in pieces(network, network.initial_parameters(0)):
        for task, units in enumerate((40, 2)):
            within_glorot(tower[task])
            within_glorot(last[task], units)


def test_initial_values_depend_on_the_seed_and_differ_between_members() -> None:
    network = make((5,), (3,), 2, dropout=True)
    first, again, other = (network.initial_parameters(seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (first[0] != first[1]).mean() > 0.5
    assert first.dtype == np.float32
    for a, b in zip(network.initial_frozen(3, 0.5), network.initial_frozen(3, 0.5), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("members", [1, 2])
def test_dropout_layers_take_the_given_rate_and_draw_different_numbers(members: int) -> None:
    network = make((50,), (40,), members, dropout=True, activation="linear")
    flat, x = network.initial_parameters(0), rows(members)
    plain = outputs(network, flat, x)
    assert np.abs(outputs(network, flat, x, training=True) - plain).max() > 0.01
    untouched, _, _ = network.forward(flat, network.initial_frozen(0, 0.0), tf.constant(x), True)
    np.testing.assert_allclose(untouched, plain, rtol=1e-5, atol=1e-6)
    states = [value for value in network.initial_frozen(0, 0.3) if value.dtype.kind in "iu"]
    rates = [float(value) for value in network.initial_frozen(0, 0.3) if value.dtype.kind == "f"]
    assert rates == pytest.approx([0.3] * 2)
    assert len({state.tobytes() for state in states}) == 2


def test_a_networks_parameters_are_named_and_contiguous() -> None:
    network = make((5,), (3,))
    stops = [parameter.stop for parameter in network.parameters]
    assert [parameter.start for parameter in network.parameters] == [0, *stops[:-1]]
    assert all(p.stop - p.start == np.prod(p.shape) for p in network.parameters)
    assert network.parameters[0].name == "trunk_0/kernel"
    assert network.parameters[-1].name == "heads/bias"


def test_equal_specs_share_one_network() -> None:
    spec = make((5,)).spec
    assert network_of(spec) is network_of(make((5,)).spec)
    assert network_of(spec) is not network_of(make((6,)).spec)


@pytest.mark.parametrize("members", [1, 2])
def test_building_a_network_does_not_change_the_global_random_state(members: int) -> None:
    def drawn(build: bool) -> list[Any]:
        keras.utils.set_random_seed(4)
        if build:
            make((5,), (3,), members, dropout=True).initial_parameters(0)
        return [random.random(), np.random.rand(), *keras.random.uniform((2,)).numpy()]  # noqa: NPY002

    assert drawn(build=True) == drawn(build=False)
