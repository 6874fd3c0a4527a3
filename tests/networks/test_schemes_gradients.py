"""The layers' marks of shared and task-specific variables agree with the tasks' gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from skmtl._records import NetworkSpec
from skmtl.networks import StackedNetwork, TaskDense

from ._schemes import ALIKE, MIXED, NEEDS_HIDDEN_LAYERS, SCHEMES, columns_of, random_parameters, rows_for, spec_of

NETWORKS: dict[str, dict[str, Any]] = {
    "mixed tasks": {},
    "tasks alike, towers": {"heads": ALIKE, "head_layer_sizes": (3,)},
    "mixed tasks, towers, members": {"head_layer_sizes": (3,), "members": 2},
    "three hidden layers": {"hidden_layer_sizes": (6, 5, 4)},
    "one hidden layer": {"hidden_layer_sizes": (6,)},
}


def reached(spec: NetworkSpec) -> tuple[StackedNetwork, np.ndarray]:
    """Which parameters affect each task's loss, (tasks, n_parameters), at random weights."""
    network = StackedNetwork(spec)
    flat, rows = tf.constant(random_parameters(network)), tf.constant(rows_for(network))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(flat)
        raw = network.forward(flat, [tf.constant(v) for v in network.initial_frozen(0, 0.0)], rows, training=False)[0]
        weights = tf.random.Generator.from_seed(0).normal(raw.shape, dtype=raw.dtype)
        losses = [tf.reduce_sum((raw * weights)[..., columns]) for columns in columns_of(spec)]
    return network, np.stack([(tape.gradient(loss, flat).numpy() != 0).any(axis=0) for loss in losses])


def idle(network: StackedNetwork, spec: NetworkSpec) -> np.ndarray:
    """Columns of a batched head beyond the task's units, which are dropped and affect no loss."""
    mask = np.zeros(network.parameters[-1].stop, dtype=bool)
    batched = {layer.name for layer in network.model.layers if isinstance(layer, TaskDense)}
    for parameter in network.parameters:
        if parameter.name.split("/")[0] in {"heads"} & batched:
            own = np.zeros(parameter.shape, dtype=bool)
            for task, head in enumerate(spec.heads):
                own[task, :, head.units :] = True
            mask[parameter.start : parameter.stop] = own.ravel()
    return mask


@pytest.fixture(params=NETWORKS)
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"dtype": "float64", **NETWORKS[request.param]}


@pytest.mark.parametrize("name", SCHEMES)
def test_every_shared_variable_affects_all_losses_and_task_specific_ones_affect_one(
    name: str, changes: dict[str, Any]
) -> None:
    spec = spec_of(SCHEMES[name], **changes)
    network, reach = reached(spec)
    unused = idle(network, spec)
    for parameter in network.parameters:
        part = reach[:, parameter.start : parameter.stop]
        assert part.any(axis=1).all(), f"a task's loss does not reach {parameter.name}"
        if parameter.shared:
            assert (part.sum(axis=0) >= 2).any(), f"{parameter.name} is no two tasks'"
        else:
            expected = ~unused[parameter.start : parameter.stop]
            np.testing.assert_array_equal(part.sum(axis=0), expected, err_msg=parameter.name)


@pytest.mark.parametrize("name", SCHEMES)
def test_every_parameter_has_an_effect_except_surplus_columns_of_batched_heads(
    name: str, changes: dict[str, Any]
) -> None:
    spec = spec_of(SCHEMES[name], **changes)
    network, reach = reached(spec)
    np.testing.assert_array_equal(reach.any(axis=0), ~idle(network, spec))


@pytest.mark.parametrize("name", SCHEMES)
def test_without_hidden_layers_only_heads_conditioning_and_bypasses_remain(name: str) -> None:
    scheme = SCHEMES[name]
    if isinstance(scheme, NEEDS_HIDDEN_LAYERS):
        with pytest.raises(ValueError, match=f"{scheme.name!r} needs at least one hidden layer"):
            spec_and_network(scheme)
        return
    spec, network = spec_and_network(scheme)
    reach = reached(spec)[1]
    own = [p for p in network.parameters if not p.shared]
    assert {p.name.split("/")[0] for p in network.parameters if p.shared} <= {"task_modulation", "shared_head"}
    for parameter in own:
        assert (reach[:, parameter.start : parameter.stop].sum(axis=0) <= 1).all()


def spec_and_network(scheme: Any) -> tuple[NetworkSpec, StackedNetwork]:
    spec = spec_of(scheme, hidden_layer_sizes=(), dtype="float64")
    return spec, StackedNetwork(spec)


def shared_layers(name: str, **changes: Any) -> set[str]:
    network = StackedNetwork(spec_of(SCHEMES[name], **changes))
    return {parameter.name for parameter in network.parameters if parameter.shared}


def test_the_shared_variables_are_those_in_the_schemes_docstrings() -> None:
    def layers(*names: str) -> set[str]:
        return {f"{name}/{variable}" for name in names for variable in ("kernel", "bias")}

    trunk = layers("trunk_0", "trunk_1")
    assert shared_layers("shared_bottom") == trunk
    assert shared_layers("bypass") == trunk
    assert shared_layers("low_rank") == trunk
    assert shared_layers("mmoe") == layers("experts_0", "experts_1")
    assert shared_layers("omoe") == layers("experts_0", "experts_1") | {"gate/kernel"}
    assert shared_layers("cgc") == layers("shared_experts_0", "shared_experts_1")
    both = layers("level_0_shared_experts", "level_1_shared_experts", "level_0_task_experts")
    assert shared_layers("ple") == both | {"level_0_shared_gate/kernel"}
    assert shared_layers("cross_stitch") == layers("columns_0", "columns_1") | {"cross_stitch_0/mixing"}
    assert shared_layers("independent") == set()
    modulation = {"task_modulation/scale", "task_modulation/shift"}
    assert shared_layers("task_conditioned") == trunk | modulation | layers("shared_head")


def test_an_output_layer_without_two_tasks_of_a_kind_is_not_shared() -> None:
    heads = (MIXED[0], MIXED[1])
    assert "shared_head/kernel" not in shared_layers("task_conditioned", heads=heads)
