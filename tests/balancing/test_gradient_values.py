"""Weights of the gradient methods: pinned values, and independent solutions in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from skmtl import balancing

from . import _reference as reference
from ._cases import GRADIENT_METHODS, KINDS, decide, gram_of, gram_weights, jacobian, make_signal, start, tensors

SIZES = [2, 3, 12, 20]


def assert_same_update(weights: np.ndarray, expected: np.ndarray, gram: np.ndarray) -> None:
    """Weights, and the tasks' contributions to the update, agree to 1e-4 of the largest."""
    lengths = np.sqrt(np.diag(gram))
    np.testing.assert_allclose(weights, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    reach = np.abs(expected * lengths).max()
    np.testing.assert_allclose(weights * lengths, expected * lengths, rtol=0, atol=1e-4 * reach)


@pytest.mark.parametrize("n_tasks", SIZES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["mgda", "upgrad", "cagrad", "imtl_g", "nash", "aligned"])
def test_agrees_with_an_independent_solution(name: str, kind: str, n_tasks: int) -> None:
    grams = np.stack([gram_of(jacobian(kind, n_tasks, seed)) for seed in range(5)])
    weights = decide(name, make_signal(grams))
    for gram, found in zip(grams, weights, strict=True):
        assert_same_update(found, getattr(reference, name)(gram), gram)


@pytest.mark.parametrize("n_tasks", [2, 3, 12])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["pcgrad", "gradvac"])
def test_surgery_on_the_gram_matrix_equals_surgery_on_the_gradients(name: str, kind: str, n_tasks: int) -> None:
    gradients = jacobian(kind, n_tasks, seed=1)
    noise = np.random.default_rng(5).normal(size=(n_tasks, n_tasks)).astype(np.float32)
    weights = gram_weights(name, gram_of(gradients), noise=noise[None])
    if name == "pcgrad":
        expected = reference.pcgrad(gradients, noise)
    else:
        expected, _ = reference.gradvac(gradients, noise, np.zeros((n_tasks, n_tasks)), beta=0.5)
    # An update of opposite gradients can be zero: compare with the longest gradient.
    longest = np.linalg.norm(gradients, axis=1).max()
    np.testing.assert_allclose(weights @ gradients, expected, rtol=0, atol=1e-4 * longest)


def test_gradvac_remembers_each_pairs_cosine() -> None:
    gradients = [jacobian("independent", 3, seed) for seed in range(3)]
    noise = np.random.default_rng(5).normal(size=(3, 3)).astype(np.float32)
    method = balancing.get("gradvac", beta=0.3)
    state, aims = start(method, 1, 3), np.zeros((3, 3))
    for each in gradients:
        signal = make_signal(gram_of(each)[None], noise=noise[None])
        weights, state = method.task_weights(signal, state, tensors(method))
        expected, aims = reference.gradvac(each, noise, aims, beta=0.3)
        np.testing.assert_allclose(weights[0].numpy() @ each, expected, atol=1e-4 * np.abs(expected).max())
        np.testing.assert_allclose(state["aim"][0], aims, atol=1e-5)
    assert (np.abs(aims[~np.eye(3, dtype=bool)]) > 0).all()


@pytest.mark.parametrize("c", [0.0, 0.1, 0.9, 3.0])
@pytest.mark.parametrize("kind", KINDS)
def test_cagrad_agrees_with_the_primal_for_every_radius(kind: str, c: float) -> None:
    for n_tasks in (2, 5, 12):
        grams = np.stack([gram_of(jacobian(kind, n_tasks, seed)) for seed in range(4)])
        for gram, found in zip(grams, decide("cagrad", make_signal(grams), c=c), strict=True):
            assert_same_update(found, reference.cagrad(gram, c), gram)


@pytest.mark.parametrize("n_tasks", [2, 3, 12])
def test_cagrad_minimises_the_papers_dual(n_tasks: int) -> None:
    gram = gram_of(jacobian("conflicting", n_tasks, seed=4)).astype(float)
    c, average = 0.5, np.full(n_tasks, 1 / n_tasks)
    length = np.sqrt(average @ gram @ average)

    def dual(w: np.ndarray) -> float:
        return (w @ gram @ average + c * length * np.sqrt(w @ gram @ w)) / length**2

    found = optimize.minimize(
        dual,
        average,
        bounds=[(0, 1)] * n_tasks,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    weights = gram_weights("cagrad", gram, constants={"rescale": "none"}) / n_tasks - average
    assert dual(weights / weights.sum()) <= found.fun + 1e-6
    np.testing.assert_allclose(np.sqrt(weights @ gram @ weights), c * length, rtol=1e-4)


@pytest.mark.parametrize(("rescale", "divisor"), [("none", 1.0), ("linear", 1.4), ("quadratic", 1.16)])
def test_cagrad_rescales_the_update(rescale: str, divisor: float) -> None:
    gram = gram_of(jacobian("conflicting", 3, seed=0))
    plain = gram_weights("cagrad", gram, constants={"c": 0.4, "rescale": "none"})
    found = gram_weights("cagrad", gram, constants={"c": 0.4, "rescale": rescale})
    np.testing.assert_allclose(found, plain / divisor, rtol=1e-5)


@pytest.mark.parametrize("n_tasks", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_mgda_meets_the_optimality_conditions(kind: str, n_tasks: int) -> None:
    gram = gram_of(jacobian(kind, n_tasks, seed=2)).astype(float)
    weights = gram_weights("mgda", gram).astype(float) / n_tasks
    assert (weights >= 0).all()
    gains = reference.ridged(gram) @ weights
    square = weights @ gains
    scale = np.sqrt(np.diag(gram) * square) + square
    assert ((gains - square) / scale > -1e-3).all()  # no task gains less than the update's squared norm


@pytest.mark.parametrize("n_tasks", SIZES)
@pytest.mark.parametrize("kind", ["independent", "conflicting", "badly_scaled"])
def test_nash_solves_the_bargaining_equation(kind: str, n_tasks: int) -> None:
    gram = gram_of(jacobian(kind, n_tasks, seed=2)).astype(float)
    weights = gram_weights("nash", gram).astype(float)
    gains = weights * (reference.ridged(gram, 1e-4) @ weights)
    np.testing.assert_allclose(gains / gains.mean(), 1.0, rtol=1e-4)


PINNED_GRAM = np.array([[4.0, -1.0, 0.5], [-1.0, 1.0, 0.0], [0.5, 0.0, 2.0]])
PINNED_NOISE = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.2, 0.1, 0.3]])
PINNED = {
    "aligned": [0.57068, 1.07766, 0.50855],
    "cagrad": [0.8, 1.77980, 0.8],  # the worst-off task gets the entire correction
    "gradvac": [1.25, 2.0, 1.0],
    "imtl_g": [0.83228, 1.73644, 0.43128],
    "mgda": [0.71186, 1.88136, 0.40678],  # inv(G) 1, scaled
    "nash": [0.73386, 1.55417, 0.71197],
    "pcgrad": [1.25, 2.0, 1.0],  # only the first two conflict
    "upgrad": [1.25, 2.0, 1.0],
}


@pytest.mark.parametrize("name", sorted(PINNED))
def test_pinned_weights(name: str) -> None:
    weights = gram_weights(name, PINNED_GRAM, noise=PINNED_NOISE[None])
    np.testing.assert_allclose(weights, PINNED[name], rtol=0, atol=2e-4)


def test_two_tasks_have_the_closed_forms() -> None:
    # g_1 = (1, 0) and g_2 = (-1, 2) conflict, and both methods can be computed by hand.
    gram = np.array([[1.0, -1.0], [-1.0, 5.0]])
    np.testing.assert_allclose(gram_weights("mgda", gram), [1.5, 0.5], atol=1e-4)
    # g_1 projects to (0.8, 0.4), g_2 to (0, 2): weights (1, 0.2) and (1, 1).
    np.testing.assert_allclose(gram_weights("upgrad", gram), [2.0, 1.2], atol=1e-4)
    noise = np.zeros((1, 2, 2))
    np.testing.assert_allclose(gram_weights("pcgrad", gram, noise=noise), [2.0, 1.2], atol=1e-6)


def test_opposite_gradients_cancel() -> None:
    gram = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for name in ("mgda", "nash", "imtl_g", "upgrad", "cagrad"):
        weights = gram_weights(name, gram)
        np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5, err_msg=name)


def test_orthogonal_gradients_of_equal_length_are_summed() -> None:
    gram = 4.0 * np.eye(3)
    for name in ("aligned", "gradvac", "imtl_g", "mgda", "nash", "pcgrad", "upgrad"):
        weights = gram_weights(name, gram, noise=np.zeros((1, 3, 3)))
        np.testing.assert_allclose(weights, 1.0, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aligned", [0.5, 1.5, 1.0]),
        ("imtl_g", [0.5, 1.5, 1.0]),
        ("mgda", [0.5, 1.5, 1.0]),
        ("nash", 3 * np.sqrt([0.5, 1.5, 1.0]) / np.sqrt([0.5, 1.5, 1.0]).sum()),
        ("pcgrad", [0.5, 1.5, 1.0]),
        ("upgrad", [0.5, 1.5, 1.0]),
        ("gradvac", [0.5, 1.5, 1.0]),
        ("cagrad", np.array([0.5, 1.5, 1.0]) * 1.5 / 1.25),
    ],
)
def test_loss_weights_without_conflict(name: str, expected: np.ndarray) -> None:
    weights = gram_weights(name, np.eye(3), loss_weights=np.array([0.5, 1.5, 1.0]), noise=np.zeros((1, 3, 3)))
    np.testing.assert_allclose(weights, expected, rtol=1e-4)


@pytest.mark.parametrize("name", GRADIENT_METHODS)
def test_zero_gradients_everywhere_give_the_loss_weights(name: str) -> None:
    loss_weights = np.array([2.0, 0.5, 0.5])
    weights = gram_weights(name, np.zeros((3, 3)), loss_weights=loss_weights)
    np.testing.assert_allclose(weights, loss_weights, rtol=1e-6)


def test_upgrad_weighs_projections() -> None:
    gram = gram_of(jacobian("conflicting", 4, seed=0))
    loss_weights = np.array([2.0, 1.0, 0.5, 0.5])
    weights = gram_weights("upgrad", gram, loss_weights=loss_weights)
    assert_same_update(weights, reference.upgrad(gram, loss_weights), gram)
