"""Gradients at the representation: the method sees these, and the shared layers are differentiated once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from skmtl._records import Head
from skmtl.balancing import Balancing, get
from skmtl.networks._representation import Representation
from skmtl.training._gradient import EqualGradient, Step
from skmtl.training._representation_gradient import RepresentationGradient
from skmtl.training._task_gradients import CombinedGradient

from ..networks._schemes import ALIKE, MIXED
from .test_task_gradients import MANY_AND_WIDE, Problem

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "shared bottom": ("shared_bottom", {}),
    "shared bottom, tasks of one column": ("shared_bottom", {"heads": ALIKE}),
    "shared bottom, members": ("shared_bottom", {"members": 2}),
    "shared bottom, one layer": ("shared_bottom", {"hidden_layer_sizes": (6,)}),
    "shared bottom, many tasks of several widths": ("shared_bottom", {"heads": MANY_AND_WIDE}),
    "shared bottom, towers": ("shared_bottom", {"head_layer_sizes": (3,)}),
    "shared bottom, towers, members": ("shared_bottom", {"head_layer_sizes": (4, 3), "members": 2}),
    "omoe": ("omoe", {}),
    "mmoe of one expert": ("mmoe of one expert", {"members": 2}),
}
METHODS = ["aligned", "cagrad", "gradnorm", "gradvac", "imtl_g", "mgda", "nash", "pcgrad", "upgrad"]


def step_of(problem: Problem, method: Balancing, kind: type = RepresentationGradient) -> Step:
    gradient = kind(problem.losses, method)
    carry = gradient.start(seed=0, first=0)
    carry = carry._replace(
        method={key: tf.constant(value) for key, value in carry.method.items()},
        noise=carry.noise if isinstance(carry.noise, tuple) else tf.constant(carry.noise),
    )
    return gradient.step(problem.flat, problem.frozen, problem.batch, problem.with_constants(method), carry)


def by_backpropagation(problem: Problem) -> np.ndarray:
    """Return the tasks' gradients at the representation (members, tasks, batch * width), one backward pass each."""
    cut = Representation(problem.network)
    z, _ = cut.below(problem.flat, problem.frozen, problem.batch.inputs)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        raw, _ = cut.above(problem.flat, problem.frozen, z)
        losses = problem.losses.of(problem.batch.labels, problem.batch.weights, raw, problem.numbers)
        each = [tf.reduce_sum(losses[:, task]) for task in range(problem.n_tasks)]
    slopes = [tape.gradient(loss, z).numpy() for loss in each]
    return np.stack([slope.reshape(len(slope), -1) for slope in slopes], axis=1)


@pytest.mark.parametrize("name", CASES)
def test_the_gram_matrix_is_that_of_the_gradients_at_the_representation(name: str) -> None:
    scheme, changes = CASES[name]
    problem = Problem(scheme, **changes)
    step, each = step_of(problem, get("mgda", gradients_of="representation")), by_backpropagation(problem)
    np.testing.assert_allclose(step.signal.gram, each @ each.swapaxes(1, 2), rtol=1e-5, atol=1e-7)
    # The first member's second task has no label.
    assert not step.signal.gram.numpy()[0, 1].any()
    assert step.record["weights"].numpy()[0, 1] == 0.0


@pytest.mark.parametrize("name", CASES)
def test_the_update_is_the_sum_of_the_tasks_gradients_with_the_methods_weights(name: str) -> None:
    scheme, changes = CASES[name]
    problem, method = Problem(scheme, **changes), get("cagrad", gradients_of="representation")
    step, each = step_of(problem, method), problem.gradients()
    weights = step.record["weights"].numpy().astype(float) / problem.n_tasks
    together = np.einsum("mk,mkp->mp", weights, each)
    apart = np.einsum("k,mkp->mp", problem.numbers.task_weights, each)
    np.testing.assert_allclose(step.gradient, np.where(problem.shared(), together, apart), rtol=1e-9, atol=1e-12)


def test_the_weights_of_a_linear_layer_without_bias_of_its_own_follow_from_its_inputs() -> None:
    """For z = X W, the update of W is X' times the weighted slopes at z, computed without the library."""
    problem = Problem("shared_bottom", heads=ALIKE, hidden_layer_sizes=(4,), activation="linear")
    method = get("mgda", gradients_of="representation")
    step = step_of(problem, method)
    parts = {p.name: problem.flat.numpy()[0, p.start : p.stop].reshape(p.shape) for p in problem.network.parameters}
    W, b, V, c = (parts[f"{layer}/{kind}"] for layer in ("trunk_0", "heads") for kind in ("kernel", "bias"))
    X, labels, weights = (tensor.numpy()[0] for tensor in problem.batch)
    raw = (X @ W + b) @ V + c
    slopes = 2 * (raw - labels) * weights
    at_z = np.stack([np.outer(slopes[:, k], V[:, k]) for k in range(3)])
    gram = np.einsum("kbw,lbw->kl", at_z, at_z)
    np.testing.assert_allclose(step.signal.gram[0], gram, rtol=1e-5)
    signal = step.signal._replace(gram=tf.constant(gram[None], tf.float32))
    of_tasks, _ = method.task_weights(signal, {}, {})
    combined = np.einsum("k,kbw->bw", of_tasks.numpy()[0] / 3, at_z)
    (kernel,) = (p for p in problem.network.parameters if p.name == "trunk_0/kernel")
    np.testing.assert_allclose(
        step.gradient[0, kernel.start : kernel.stop], (X.T @ combined).ravel(), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_single_task_is_trained_as_with_equal_weights(name: str) -> None:
    problem = Problem("shared_bottom", heads=MIXED[:1])
    step = step_of(problem, get(name, gradients_of="representation"))
    equal = EqualGradient(problem.losses)
    expected = equal.step(problem.flat, problem.frozen, problem.batch, problem.numbers, equal.start(0, 0))
    np.testing.assert_allclose(step.gradient, expected.gradient, rtol=1e-6)
    np.testing.assert_allclose(step.losses, expected.losses)


class Caller(Balancing):
    """Reads the Gram matrix, and returns the caller's own weights."""

    requires = "gram"

    def __init__(self, *, gradients_of: str = "parameters") -> None:
        self.gradients_of = gradients_of

    def decide(self, signal: Any, state: Any, constants: Any) -> tuple[tf.Tensor, Any]:
        return signal.loss_weights, state


@pytest.mark.parametrize("name", CASES)
def test_with_the_callers_weights_the_update_is_that_of_equal_weights(name: str) -> None:
    scheme, changes = CASES[name]
    problem = Problem(scheme, **changes)
    step = step_of(problem, get(Caller(), gradients_of="representation"))
    equal = EqualGradient(problem.losses)
    expected = equal.step(problem.flat, problem.frozen, problem.batch, problem.numbers, equal.start(0, 0))
    np.testing.assert_allclose(step.gradient, expected.gradient, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(step.losses, expected.losses)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_weighs_the_heads_as_with_gradients_of_the_parameters(name: str) -> None:
    problem = Problem("shared_bottom")
    exact = step_of(problem, get(name), CombinedGradient)
    cheap = step_of(problem, get(name, gradients_of="representation"))
    own = ~problem.shared()
    if get(name).weighs_heads:
        each = problem.gradients()
        expected = np.einsum("mk,mkp->mp", cheap.record["weights"].numpy() / problem.n_tasks, each)
        np.testing.assert_allclose(cheap.gradient, expected, rtol=1e-6, atol=1e-9)
    else:
        np.testing.assert_allclose(cheap.gradient.numpy()[:, own], exact.gradient.numpy()[:, own], rtol=1e-9)
        assert np.abs(cheap.record["weights"] - exact.record["weights"]).max() > 1e-3


def n_operations(n_tasks: int, kind: type, changes: dict[str, Any]) -> int:
    """Count the operations in the graph of a step, including those of loops and branches."""
    heads = tuple(Head(f"y{i}", 1, "identity") for i in range(n_tasks))
    problem = Problem("shared_bottom", heads=heads, **changes)
    method = get(Caller(), gradients_of="representation")
    graph = tf.function(lambda: step_of(problem, method, kind).gradient).get_concrete_function().graph
    return len(graph.get_operations()) + sum(len(f.graph.get_operations()) for f in graph._functions.values())


@pytest.mark.parametrize("changes", [{}, {"head_layer_sizes": (3,)}], ids=["linear heads", "towers"])
def test_the_operations_of_a_step_do_not_depend_on_the_number_of_tasks(changes: dict[str, Any]) -> None:
    assert n_operations(3, RepresentationGradient, changes) == n_operations(9, RepresentationGradient, changes)
    # In contrast, the other kind takes more.
    assert n_operations(3, CombinedGradient, changes) < n_operations(9, CombinedGradient, changes)
