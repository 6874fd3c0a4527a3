"""Schemes that are special cases of others compute the same from the same weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from skmtl._records import NetworkSpec
from skmtl.networks import CGC, PLE, Bypass, CrossStitch, Independent, LowRank, MMoE, OMoE, SharedBottom, StackedNetwork
from skmtl.networks import TaskConditioned as Conditioned

from ._schemes import ALIKE, MIXED, SCHEMES, by_name, forward, placed, random_parameters, rows_for, spec_of

TOWERS: dict[str, Any] = {"head_layer_sizes": (3,)}


def network_of(scheme: Any, **changes: Any) -> StackedNetwork:
    return StackedNetwork(spec_of(scheme, dtype="float64", **changes))


def outputs(network: StackedNetwork, values: Mapping[str, np.ndarray]) -> np.ndarray:
    return forward(network, placed(network, values), rows_for(network))


def same(first: np.ndarray, second: np.ndarray) -> None:
    np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-13)


def renamed(values: Mapping[str, np.ndarray], **names: str) -> dict[str, np.ndarray]:
    """The variables with their layers' names replaced."""
    result = {}
    for name, value in values.items():
        for old, new in names.items():
            name = re.sub(rf"^{old}(?=_\d|/)", new, name)
        result[name] = value
    return result


def start(network: StackedNetwork, seed: int = 3) -> dict[str, np.ndarray]:
    return by_name(network, network.initial_parameters(seed))


def random_values(network: StackedNetwork) -> dict[str, np.ndarray]:
    return by_name(network, random_parameters(network))


@pytest.mark.parametrize("changes", [{}, TOWERS])
@pytest.mark.parametrize("scheme", [MMoE(1), OMoE(1), CGC(1, 0), PLE(1, 0)])
def test_a_single_expert_is_a_shared_bottom(scheme: Any, changes: dict[str, Any]) -> None:
    base, mixture = network_of(SharedBottom(), **changes), network_of(scheme, **changes)
    values = random_values(base)
    names = {"mmoe": "experts", "omoe": "experts", "cgc": "shared_experts"}
    if scheme.name == "ple":
        own = {re.sub(r"^trunk_(\d)", r"level_\1_shared_experts", name): value for name, value in values.items()}
    else:
        own = renamed(values, trunk=names[scheme.name])
    same(outputs(mixture, own), outputs(base, values))


@pytest.mark.parametrize("scheme", [MMoE(3), OMoE(3)])
def test_equal_experts_are_a_shared_bottom_whatever_the_gates(scheme: Any) -> None:
    base, mixture = network_of(SharedBottom(), **TOWERS), network_of(scheme, **TOWERS)
    values, own = random_values(base), random_values(mixture)
    for name, value in values.items():
        if name.startswith("trunk_0"):
            own[name.replace("trunk", "experts")] = np.tile(value, 3)
        elif name.startswith("trunk_1"):
            own[name.replace("trunk", "experts")] = np.stack([value] * 3)
        else:
            own[name] = value
    same(outputs(mixture, own), outputs(base, values))


@pytest.mark.parametrize("changes", [{}, TOWERS])
def test_cgc_without_task_experts_is_mmoe(changes: dict[str, Any]) -> None:
    mmoe, cgc = network_of(MMoE(3), **changes), network_of(CGC(3, 0), **changes)
    values = random_values(mmoe)
    same(outputs(cgc, renamed(values, experts="shared_experts", gates="task_gates")), outputs(mmoe, values))


@pytest.mark.parametrize("options", [(1, 1), (2, 3), (3, 0)])
def test_ple_of_one_level_is_cgc(options: tuple[int, int]) -> None:
    one = {"hidden_layer_sizes": (6,)}
    cgc, ple = network_of(CGC(*options), **one), network_of(PLE(*options), **one)
    values = random_values(cgc)
    own = {
        name.replace("shared_experts_0", "level_0_shared_experts")
        .replace("task_experts_0", "level_0_task_experts")
        .replace("task_gates", "level_0_task_gates"): value
        for name, value in values.items()
    }
    same(outputs(ple, own), outputs(cgc, values))


def test_equal_gates_are_one_gate() -> None:
    omoe, mmoe = network_of(OMoE(3), **TOWERS), network_of(MMoE(3), **TOWERS)
    values = random_values(omoe)
    own = {name: value for name, value in values.items() if name != "gate/kernel"}
    own["gates/kernel"] = np.tile(values["gate/kernel"], 3)
    same(outputs(mmoe, own), outputs(omoe, values))


def test_a_bypass_with_zero_head_weights_is_a_shared_bottom() -> None:
    base, bypass = network_of(SharedBottom(), heads=ALIKE), network_of(Bypass(5), heads=ALIKE)
    values = random_values(base)
    own = {**random_values(bypass), **values}
    kernel = np.zeros((3, 10, 1))
    kernel[:, :5, 0] = values["heads/kernel"].T
    own["heads/kernel"], own["heads/bias"] = kernel, values["heads/bias"].reshape(3, 1, 1)
    same(outputs(bypass, own), outputs(base, values))


def test_low_rank_starts_as_a_shared_bottom_and_leaves_it() -> None:
    base, adapted = network_of(SharedBottom(), **TOWERS), network_of(LowRank(2), **TOWERS)
    own = start(adapted)
    values = {name: value for name, value in own.items() if not name.startswith("adapters")}
    same(outputs(adapted, own), outputs(base, values))
    own["adapters_1/up"] = own["adapters_1/up"] + 0.1
    assert np.abs(outputs(adapted, own) - outputs(base, values)).max() > 1e-3


def test_cross_stitch_networks_with_own_weight_one_start_as_independent_ones() -> None:
    alone, stitched = network_of(Independent()), network_of(CrossStitch(own_weight=1.0))
    own = start(stitched)
    values = {name: value for name, value in own.items() if not name.startswith("cross_stitch")}
    same(outputs(stitched, own), outputs(alone, values))


@pytest.mark.parametrize("changes", [{}, TOWERS])
def test_conditioned_tasks_of_one_kind_start_as_one_function(changes: dict[str, Any]) -> None:
    network = network_of(Conditioned(3), heads=MIXED, **changes)
    own = start(network)
    raw = outputs(network, own)
    same(raw[..., 0], raw[..., 4])  # the two regressions around the classification
    own["task_modulation/embedding"] = random_values(network)["task_modulation/embedding"]
    parted = outputs(network, own)
    assert np.abs(parted[..., 0] - parted[..., 4]).max() > 1e-3


def of_task(values: Mapping[str, np.ndarray], task: int, spec: NetworkSpec) -> dict[str, np.ndarray]:
    """One task's variables in independent networks, named like those of a shared bottom."""
    own = {}
    for name, value in values.items():
        layer, variable = name.split("/")
        part = np.split(value, len(spec.heads), axis=-1)[task] if value.ndim == 2 else value[task]
        if layer == "heads":
            part = part[..., : spec.heads[task].units]
        # A single task's tower still has a task axis; its trunk and linear head have none.
        keep = layer.startswith("tower") or (layer == "heads" and spec.head_layer_sizes)
        own[f"{layer.replace('columns', 'trunk')}/{variable}"] = part[None] if keep else part
    return own


@pytest.mark.parametrize("changes", [{}, TOWERS, {"hidden_layer_sizes": (6,)}])
def test_independent_networks_equal_single_task_networks(changes: dict[str, Any]) -> None:
    together = network_of(Independent(), **changes)
    values = random_values(together)
    raw, start_column = outputs(together, values), 0
    for task, head in enumerate(MIXED):
        alone = network_of(SharedBottom(), heads=(head,), **changes)
        part = raw[..., start_column : start_column + head.units]
        same(outputs(alone, of_task(values, task, together.spec)), part)
        start_column += head.units


COUNTS = {
    # d inputs, hidden layers a and b, K tasks with u units in total (at most m each)
    "shared_bottom": lambda d, a, b, K, u, m: mlp(d, a, b) + (b + 1) * u,
    "bypass": lambda d, a, b, K, u, m: mlp(d, a, b) + K * (d + 1) * 5 + K * (b + 5 + 1) * m,
    "mmoe": lambda d, a, b, K, u, m: 3 * mlp(d, a, b) + K * d * 3 + K * (b + 1) * m,
    "omoe": lambda d, a, b, K, u, m: 3 * mlp(d, a, b) + d * 3 + (b + 1) * u,
    "cgc of many experts": lambda d, a, b, K, u, m: (2 + 3 * K) * mlp(d, a, b) + K * d * 5 + K * (b + 1) * m,
    "ple of many experts": lambda d, a, b, K, u, m: (
        (2 + 2 * K) * mlp(d, a, b) + K * (d + a) * 4 + d * (2 + 2 * K) + K * (b + 1) * m
    ),
    "cross_stitch": lambda d, a, b, K, u, m: K * mlp(d, a, b) + 2 * K * K + K * (b + 1) * m,
    "independent": lambda d, a, b, K, u, m: K * mlp(d, a, b) + K * (b + 1) * m,
    "low_rank": lambda d, a, b, K, u, m: mlp(d, a, b) + 2 * K * (d + a + a + b) + K * (b + 1) * m,
    # Two regressions and a classification of three classes: 1 + 3 columns.
    "task_conditioned": lambda d, a, b, K, u, m: mlp(d, a, b) + K * 3 + 2 * 3 * b + (b + 1) * 4,
}


def mlp(d: int, a: int, b: int) -> int:
    return (d + 1) * a + (a + 1) * b


@pytest.mark.parametrize("name", COUNTS)
def test_a_scheme_has_the_number_of_parameters_in_its_formula(name: str) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name]))
    assert network.parameters[-1].stop == COUNTS[name](4, 6, 5, 3, 5, 3)
