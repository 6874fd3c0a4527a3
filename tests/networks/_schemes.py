"""Small networks of every sharing scheme, and their variables by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from skmtl._records import Head, NetworkSpec
from skmtl.networks import (
    CGC,
    PLE,
    Bypass,
    CrossStitch,
    Independent,
    LowRank,
    MMoE,
    OMoE,
    Scheme,
    SharedBottom,
    StackedNetwork,
    TaskConditioned,
)
from skmtl.networks._build import resolve_architecture

# Every scheme, also with non-default options that change the structure.
SCHEMES: dict[str, Scheme] = {
    "shared_bottom": SharedBottom(),
    "bypass": Bypass(5),
    "bypass of two layers": Bypass((5, 3)),
    "mmoe": MMoE(3),
    "mmoe of one expert": MMoE(1),
    "omoe": OMoE(3),
    "omoe of one expert": OMoE(1),
    "cgc": CGC(),
    "cgc of many experts": CGC(n_shared_experts=2, n_task_experts=3),
    "cgc without task experts": CGC(n_shared_experts=2, n_task_experts=0),
    "ple": PLE(),
    "ple of many experts": PLE(n_shared_experts=2, n_task_experts=2),
    "ple without task experts": PLE(n_shared_experts=2, n_task_experts=0),
    "cross_stitch": CrossStitch(),
    "independent": Independent(),
    "low_rank": LowRank(2),
    "task_conditioned": TaskConditioned(3),
}
NEEDS_HIDDEN_LAYERS = (MMoE, OMoE, CGC, PLE, CrossStitch, LowRank)

# Three tasks of three kinds, and three of one kind.
MIXED = (Head("price", 1, "identity"), Head("type", 3, "softmax"), Head("area", 1, "identity"))
ALIKE = tuple(Head(f"y{i}", 1, "identity") for i in range(3))


def spec_of(scheme: Any, heads: tuple[Head, ...] = MIXED, **changes: Any) -> NetworkSpec:
    """Spec of a network with four inputs and two hidden layers."""
    spec = NetworkSpec(
        **resolve_architecture(scheme, {}),
        n_inputs=4,
        heads=heads,
        hidden_layer_sizes=(6, 5),
        head_layer_sizes=(),
        activation="tanh",
        dropout=False,
        members=1,
    )
    return replace(spec, **changes)


def random_parameters(network: StackedNetwork, seed: int = 0) -> np.ndarray:
    """Random nonzero weights, (members, n_parameters)."""
    shape = (network.members, network.parameters[-1].stop)
    return (0.5 * np.random.default_rng(seed).normal(size=shape)).astype(network.dtype)


def rows_for(network: StackedNetwork, n: int = 7, seed: int = 1) -> np.ndarray:
    """Inputs (members, rows, features)."""
    shape = (network.members, n, network.spec.n_inputs)
    return np.random.default_rng(seed).normal(size=shape).astype(network.dtype)


def forward(network: StackedNetwork, parameters: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Raw outputs (members, rows, units) in prediction mode."""
    frozen = [tf.constant(value) for value in network.initial_frozen(0, 0.3)]
    return network.forward(tf.constant(parameters), frozen, tf.constant(rows), training=False)[0].numpy()


def by_name(network: StackedNetwork, parameters: np.ndarray, member: int = 0) -> dict[str, np.ndarray]:
    """A member's variables by "layer/variable"."""
    return {p.name: parameters[member, p.start : p.stop].reshape(p.shape) for p in network.parameters}


def placed(network: StackedNetwork, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """One member's parameters from its variables by name; all variables are required."""
    assert set(values) == {p.name for p in network.parameters}
    return np.concatenate([np.asarray(values[p.name]).reshape(-1) for p in network.parameters])[None]


def columns_of(spec: NetworkSpec) -> list[slice]:
    """Each task's columns of the raw outputs."""
    stops = np.cumsum([head.units for head in spec.heads]).tolist()
    return [slice(stop - head.units, stop) for stop, head in zip(stops, spec.heads, strict=True)]
