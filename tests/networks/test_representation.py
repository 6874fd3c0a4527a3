"""Splitting a network at its shared representation; networks without one raise an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from skmtl._records import NetworkSpec
from skmtl.networks import CrossStitch, MemberDense, Scheme, StackedNetwork
from skmtl.networks._representation import Representation

from ._schemes import ALIKE, SCHEMES, random_parameters, rows_for, spec_of

# Reason in each scheme's error; None if it has a representation.
REASONS: dict[str, str | None] = {
    "shared_bottom": None,
    "bypass": "beside or above .* 'bypass_0'",
    "bypass of two layers": "beside or above .* 'bypass_0'",
    "mmoe": "beside or above .* 'gates'",
    "mmoe of one expert": None,
    "omoe": None,
    "omoe of one expert": None,
    "cgc": "beside or above",
    "cgc of many experts": "beside or above",
    "cgc without task experts": "beside or above",
    "ple": "beside or above",
    "ple of many experts": "beside or above",
    "ple without task experts": "beside or above",
    "cross_stitch": "'cross_stitch_1', has a representation per task",
    "independent": "share no layer",
    "low_rank": "beside or above .* 'adapters_0'",
    "task_conditioned": "beside or above .* 'task_modulation'",
}
WITH = [name for name, reason in REASONS.items() if reason is None]


@pytest.mark.parametrize("changes", [{}, {"members": 2}, {"head_layer_sizes": (4, 3)}], ids=["", "members", "towers"])
@pytest.mark.parametrize("name", WITH)
def test_the_two_halves_in_sequence_equal_the_network(name: str, changes: dict[str, Any]) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name], dropout=True, dtype="float64", **changes))
    cut = Representation(network)
    flat, rows = tf.constant(random_parameters(network)), tf.constant(rows_for(network))
    frozen = [tf.constant(value) for value in network.initial_frozen(0, 0.4)]
    expected, after, _ = network.forward(flat, frozen, rows, training=True)
    z, between = cut.below(flat, frozen, rows)
    raw, done = cut.above(flat, between, z)
    np.testing.assert_allclose(raw, expected, rtol=1e-12)
    assert len(done) == len(after) > 0
    for ours, theirs in zip(done, after, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if not cut.linear_heads:
        copies, _ = cut.above(flat, between, tf.repeat(z, len(network.spec.heads), axis=1))
        np.testing.assert_allclose(copies, expected, rtol=1e-12)


def test_every_scheme_is_listed() -> None:
    assert REASONS.keys() == SCHEMES.keys()


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("name", [name for name in REASONS if name not in WITH])
def test_a_scheme_without_a_shared_representation_raises_an_error(name: str, members: int) -> None:
    network = StackedNetwork(spec_of(SCHEMES[name], members=members))
    with pytest.raises(ValueError, match=REASONS[name]):
        Representation(network)


def test_tasks_that_share_nothing_raise_an_error() -> None:
    with pytest.raises(ValueError, match="share no layer"):
        Representation(StackedNetwork(spec_of(SCHEMES["shared_bottom"], hidden_layer_sizes=())))


def test_a_user_defined_network_raises_an_error() -> None:
    with pytest.raises(ValueError, match="it is unknown where the task-specific layers begin"):
        Representation(object())


def dense(units: int, spec: NetworkSpec, *, own: bool) -> Any:
    layer = MemberDense(units, spec.members) if spec.stacked else keras.layers.Dense(units)
    layer.shared = not own
    return layer


@dataclass(frozen=True)
class Own(Scheme):
    """A user-defined scheme; ``heads`` connects the layers above the shared one."""

    heads: Callable[..., Any] | None = None

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        return self.heads(dense(5, spec, own=False)(inputs), inputs, spec)


def linear(hidden: Any, inputs: Any, spec: NetworkSpec) -> Any:
    return dense(3, spec, own=True)(hidden)


def unmarked(hidden: Any, inputs: Any, spec: NetworkSpec) -> Any:
    return dense(3, spec, own=False)(hidden)


def one_by_one(hidden: Any, inputs: Any, spec: NetworkSpec) -> Any:
    return ops.concatenate([dense(1, spec, own=True)(hidden) for _ in range(3)], axis=-1)


def squashed(hidden: Any, inputs: Any, spec: NetworkSpec) -> Any:
    return ops.tanh(dense(3, spec, own=True)(hidden))


def past(hidden: Any, inputs: Any, spec: NetworkSpec) -> Any:
    return dense(3, spec, own=True)(hidden) + inputs[..., :3]


@pytest.mark.parametrize("members", [1, 2])
def test_a_user_defined_scheme_is_split_at_its_layers_marks(members: int) -> None:
    assert Representation(StackedNetwork(spec_of(Own(linear), heads=ALIKE, members=members))).linear_heads
    for heads, reason in {
        unmarked: "no layer is marked as task-specific",
        one_by_one: "neither a TaskDense of all tasks nor a linear output layer",
        squashed: "neither a TaskDense of all tasks nor a linear output layer",
        past: "depend on more than the input of the first task-specific layer",
    }.items():
        network = StackedNetwork(spec_of(Own(heads), heads=ALIKE, members=members))
        with pytest.raises(ValueError, match=reason):
            Representation(network)


def test_a_network_is_unchanged_after_an_error() -> None:
    """Other fits use the same network, and must not be affected by Keras models of its parts."""
    network = StackedNetwork(spec_of(CrossStitch()))
    flat, rows = random_parameters(network), rows_for(network)
    before = network.forward(tf.constant(flat), [], tf.constant(rows), training=False)[0]
    for _ in range(2):
        with pytest.raises(ValueError, match="a representation per task"):
            Representation(network)
    np.testing.assert_array_equal(network.forward(tf.constant(flat), [], tf.constant(rows), training=False)[0], before)
