"""The exported Keras model computes the same as the engine's network, from X to predictions in the units of y."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from skmtl._records import Head, NetworkSpec, TargetScaling, Task
from skmtl.networks import (
    CustomNetwork,
    CustomSource,
    StackedNetwork,
    build_model,
    export_custom_model,
    export_model,
)
from skmtl.networks._custom import frozen_values, parameter_values
from skmtl.networks._export import output_names

RNG = np.random.default_rng(0)
HEADS = (Head("price", 1, "identity"), Head("kind of house", 3, "softmax"), Head("größe", 1, "softplus"))
SCALING = TargetScaling(np.array([10.0, 0.0, 0.0]), np.array([2.0, 1.0, 3.0]))
ENCODING = {"center": RNG.normal(size=4), "scale": RNG.uniform(1, 2, 4), "fill": RNG.normal(size=4), "indicators": [1]}


def rows() -> np.ndarray:
    x = RNG.normal(size=(7, 4)).astype(np.float32)
    x[2, 1] = np.nan
    return x


def encoded(x: np.ndarray) -> np.ndarray:
    filled = np.where(np.isnan(x), ENCODING["fill"], x)
    gaps = np.isnan(x)[:, ENCODING["indicators"]]
    return np.hstack([(filled - ENCODING["center"]) / ENCODING["scale"], gaps]).astype(np.float32)


def decoded(raw: np.ndarray) -> list[np.ndarray]:
    """Means over the members of the heads' predictions, raw (members, rows, 5)."""
    powers = np.exp(raw[..., 1:4])
    parts = [raw[..., :1], powers / powers.sum(-1, keepdims=True), np.log1p(np.exp(raw[..., 4:]))]
    pairs = zip(parts, SCALING.shift, SCALING.scale, strict=True)
    return [(shift + scale * part).mean(axis=0) for part, shift, scale in pairs]


def spec(**settings: Any) -> NetworkSpec:
    settings = {"hidden_layer_sizes": (6,), "head_layer_sizes": (), "members": 1, "dropout": False, **settings}
    return NetworkSpec("shared_bottom", 5, HEADS, activation="relu", **settings)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("towers", [(), (4,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_export_equals_the_network_with_encoding_and_decoding(members: int, towers: Any, dtype: str) -> None:
    network = StackedNetwork(spec(members=members, head_layer_sizes=towers, dtype=dtype, dropout=True))
    flat, x = network.initial_parameters(3), rows()
    inputs = np.broadcast_to(encoded(x), (members, 7, 5)).astype(dtype)
    raw, _, _ = network.forward(flat, network.initial_frozen(0, 0.3), inputs, training=False)
    model = export_model(network.spec, ENCODING, SCALING, flat, dropout=0.3)
    for ours, theirs in zip(model(x), decoded(np.asarray(raw)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert model.output_names == ["price", "task_1_kind_of_house", "task_2_gr_e"]


def test_a_saved_export_predicts_the_same_in_batches(tmp_path: Path) -> None:
    network = StackedNetwork(spec(members=2, head_layer_sizes=(4,), dropout=True))
    model = export_model(network.spec, ENCODING, SCALING, network.initial_parameters(3), dropout=0.3)
    model.save(tmp_path / "model.keras")
    loaded, x = keras.saving.load_model(tmp_path / "model.keras"), rows()
    for ours, theirs in zip(model(x), loaded.predict(x, batch_size=3, verbose=0), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert loaded.get_layer("dropout_0").initial_rate == pytest.approx(0.3)
    assert float(loaded.get_layer("dropout_0").rate.numpy()) == pytest.approx(0.3)


def test_a_single_task_gives_a_single_output() -> None:
    alone = NetworkSpec("shared_bottom", 5, HEADS[:1], (), (), "relu", False, 1)
    flat = StackedNetwork(alone).initial_parameters(0)
    scaling = TargetScaling(SCALING.shift[:1], SCALING.scale[:1])
    assert export_model(alone, ENCODING, scaling, flat, dropout=0.0)(rows()).shape == (7, 1)


def named_build() -> keras.Model:
    """A model with the name of one of its tasks, as is one of its layers."""
    inputs = keras.Input((5,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(6, "relu", name="kind of house")(inputs))
    heads = [
        keras.layers.Dense(1)(hidden),
        keras.layers.Dense(3, "softmax")(hidden),
        keras.layers.Dense(1, "softplus")(hidden),
    ]
    return keras.Model(inputs, heads, name="price")


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("configured", [True, False])
def test_user_defined_members_are_exported_side_by_side_with_unique_names(
    members: int, configured: bool, tmp_path: Path
) -> None:
    models = [named_build() for _ in range(members)]
    for model in models:
        model.set_weights([np.abs(RNG.normal(size=w.shape)) + 0.1 for w in model.get_weights()])
    source = CustomSource(named_build, {}, models[0].to_json() if configured else None, n_inputs=5)
    heads = tuple(Head(head.name, head.units, "none" if head.units > 1 else "identity") for head in HEADS)
    flat, frozen = parameter_values(models), frozen_values(models)
    whole = export_custom_model(source, heads, ENCODING, SCALING, flat, frozen, members)
    tasks = [Task(head.name, "regression") for head in HEADS]
    x = rows()
    inputs = np.broadcast_to(encoded(x), (members, 7, 5))
    raw, _, _ = CustomNetwork(models, tasks).forward(flat, frozen, inputs, training=False)
    cuts = np.split(np.asarray(raw), [1, 4], axis=-1)
    for ours, part, shift, scale in zip(whole(x), cuts, SCALING.shift, SCALING.scale, strict=True):
        np.testing.assert_allclose(ours, (shift + scale * part).mean(axis=0), rtol=1e-4, atol=1e-5)
    whole.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(whole(x), loaded(x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert whole.output_names == ["price", "task_1_kind_of_house", "task_2_gr_e"]


@pytest.mark.parametrize(
    ("tasks", "taken", "names"),
    [
        (["a", "b"], [], ["a", "b"]),
        (["trunk_0", "b"], ["trunk_0"], ["task_0_trunk_0", "b"]),
        (["a b", "task_0_a_b"], [], ["task_0_a_b_", "task_0_a_b"]),
        (["", "_x", "9"], [], ["task_0_", "task_1_x", "9"]),
        (["decoding_1", "b"], [], ["task_0_decoding_1", "b"]),
        (["größe", "ж"], [], ["task_0_gr_e", "task_1_"]),
        (["X", "task_0_X"], ["X", "task_1_task_0_X"], ["task_0_X_", "task_0_X"]),
    ],
)
def test_outputs_are_named_after_their_tasks_if_keras_allows_it(tasks: Any, taken: Any, names: Any) -> None:
    assert output_names(tasks, taken) == names
    assert len({*names, *taken}) == len(names) + len(taken)


@pytest.mark.parametrize("task", ["größe", "_x", "1st", "a b", "X", "heads", "input_encoding", "get_item"])
def test_any_task_name_gives_a_model_that_runs_in_a_graph(task: str) -> None:
    alone = NetworkSpec("shared_bottom", 5, (Head(task, 2, "softmax"),), (3,), (3,), "relu", True, 2)
    flat = StackedNetwork(alone).initial_parameters(0)
    model = export_model(alone, ENCODING, TargetScaling(np.zeros(1), np.ones(1)), flat, dropout=0.1)
    assert model.predict(rows(), verbose=0).shape == (7, 2)


def test_exporting_does_not_change_the_global_random_state() -> None:
    network, state = StackedNetwork(spec(members=2, dropout=True)), random.getstate()
    export_model(network.spec, ENCODING, SCALING, network.initial_parameters(0), dropout=0.1)
    source = CustomSource(named_build, {}, n_inputs=5)
    build_model(source)
    assert random.getstate() == state
