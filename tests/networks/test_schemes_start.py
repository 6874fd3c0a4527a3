"""Initial values of the schemes' networks, and training of networks that share nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skmtl._records import Head
from skmtl.networks import CrossStitch, StackedNetwork

from ..training._engine import Engine, Rows, scheme_rules, scheme_spec, some_numbers, some_rows
from ._schemes import ALIKE, SCHEMES, by_name, placed, spec_of

WIDE: dict[str, Any] = {"n_inputs": 30, "hidden_layer_sizes": (40, 20)}


def units_of(variable: str, shape: tuple[int, ...]) -> int:
    """Output width of one map in a kernel that may hold the columns of several."""
    layer, kind = variable.split("/")
    if kind == "down":
        return 2
    if layer.endswith("gates") and len(shape) == 2:
        return shape[-1] // 3
    if layer.startswith("bypass"):
        return {"bypass_0": 5, "bypass_1": 3}[layer]
    if layer == "heads":
        return 1
    if layer.startswith(("experts", "columns", "shared_experts", "task_experts")):
        return WIDE["hidden_layer_sizes"][int(layer[-1])]
    if layer.startswith("level") and layer.endswith("experts"):
        return WIDE["hidden_layer_sizes"][int(layer.removeprefix("level_")[0])]
    return shape[-1]


@pytest.mark.parametrize("name", SCHEMES)
def test_every_map_is_glorot_uniform_with_its_own_fans_and_biases_are_zero(name: str) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name], heads=ALIKE, members=2, **WIDE))
    for variable, values in by_name(network, network.initial_parameters(0)).items():
        kind = variable.rsplit("/", 1)[1]
        if kind in ("bias", "up", "embedding"):
            assert not values.any()
        elif kind == "mixing":
            np.testing.assert_allclose(values, 0.05 + 0.85 * np.eye(3))
        else:
            limit = np.sqrt(6 / (values.shape[-2] + units_of(variable, values.shape)))
            assert 0.8 * limit < np.abs(values).max() <= limit, variable
            assert np.abs(values.mean()) < 5 * limit / np.sqrt(3 * values.size)


@pytest.mark.parametrize("name", SCHEMES)
def test_initial_values_depend_on_the_seed_and_differ_between_members(name: str) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name], members=2))
    first, again = network.initial_parameters(5), network.initial_parameters(5)
    np.testing.assert_array_equal(first, again)
    assert (first != network.initial_parameters(6)).any()
    drawn = np.abs(first[0] - first[1]) > 0
    assert drawn.mean() > 0.3


@pytest.mark.parametrize("name", SCHEMES)
def test_both_precisions_have_the_same_initial_values(name: str) -> None:
    single = StackedNetwork(spec_of(SCHEMES[name]))
    double = StackedNetwork(replace(single.spec, dtype="float64"))
    np.testing.assert_array_equal(single.initial_parameters(1), double.initial_parameters(1).astype("float32"))


@pytest.mark.parametrize(("own_weight", "others"), [(0.9, 0.05), (1.0, 0.0), (0.0, 0.5)])
def test_cross_stitch_rows_initially_sum_to_one(own_weight: float, others: float) -> None:
    network = StackedNetwork(spec_of(CrossStitch(own_weight)))
    mixing = by_name(network, network.initial_parameters(0))["cross_stitch_0/mixing"]
    np.testing.assert_allclose(mixing, others + (own_weight - others) * np.eye(3), atol=1e-7)


def test_a_single_task_has_mixing_weight_one() -> None:
    network = StackedNetwork(spec_of(CrossStitch(0.3), heads=ALIKE[:1]))
    assert by_name(network, network.initial_parameters(0))["cross_stitch_1/mixing"] == 1


def engine_of(scheme: str, heads: tuple[Head, ...], optimizer: str) -> Engine:
    spec = replace(scheme_spec("regression"), architecture=scheme, heads=heads, hidden_layer_sizes=(5, 3))
    rules = scheme_rules("regression")[: len(heads)]
    return Engine.of_scheme("regression", spec, rules=rules, optimizer=optimizer)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_independent_networks_train_like_single_task_networks(optimizer: str) -> None:
    rows = some_rows("regression")
    both = (Head("y0", 1, "identity"), Head("y1", 1, "identity"))
    engine = engine_of("independent", both, optimizer)
    network = engine.make(1)
    trained = by_name(network, engine.run(rows).parameters)
    for task in range(2):
        alone = engine_of("shared_bottom", both[task : task + 1], optimizer)
        single = alone.make(1)
        start = by_name(network, engine.parameters)
        alone.parameters = placed(single, of_task(start, task))
        part = slice(task, task + 1)
        result = alone.run(
            Rows(rows.X, rows.labels[:, part], rows.weights[:, part]), some_numbers(task_weights=np.ones(1))
        )
        for name, values in of_task(trained, task).items():
            found = by_name(single, result.parameters)[name]
            np.testing.assert_allclose(values.reshape(found.shape), found, rtol=2e-4, atol=2e-6)
            assert np.abs(found - of_task(start, task)[name].reshape(found.shape)).max() > 1e-4


def of_task(values: dict[str, np.ndarray], task: int) -> dict[str, np.ndarray]:
    """The variables of one of two tasks in independent networks, named like those of a shared bottom."""
    parts = {name: np.split(value, 2, axis=-1) if value.ndim == 2 else value for name, value in values.items()}
    return {name.replace("columns", "trunk"): part[task] for name, part in parts.items()}


def test_variables_that_start_at_zero_are_trained() -> None:
    spec = replace(scheme_spec("regression"), architecture="low_rank", hidden_layer_sizes=(5, 3))
    engine = Engine.of_scheme("regression", spec)
    trained = by_name(engine.make(1), engine.run(some_rows("regression")).parameters)
    assert all(trained[f"adapters_{depth}/up"].any() for depth in (0, 1))
