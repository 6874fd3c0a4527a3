"""Properties of the update that the papers guarantee."""

from __future__ import annotations

import numpy as np
import pytest

from ._cases import KINDS, gram_of, gram_weights, jacobian


def gains(gram: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """First-order decrease of every loss along the update, relative to the lengths involved."""
    lengths = np.sqrt(np.diag(gram))
    return gram @ weights / lengths / (np.abs(weights) @ lengths)


@pytest.mark.parametrize("n_tasks", [2, 3, 12, 20])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["mgda", "upgrad"])
def test_update_conflicts_with_no_task(name: str, kind: str, n_tasks: int) -> None:
    for seed in range(3):
        gram = gram_of(jacobian(kind, n_tasks, seed)).astype(float)
        assert gains(gram, gram_weights(name, gram).astype(float)).min() > -1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_pcgrad_conflicts_with_neither_of_two_tasks(kind: str) -> None:
    for seed in range(5):
        gram = gram_of(jacobian(kind, 2, seed)).astype(float)
        weights = gram_weights("pcgrad", gram, noise=np.zeros((1, 2, 2))).astype(float)
        assert gains(gram, weights).min() > -1e-5


def test_equal_weights_do_conflict_on_these_gradients() -> None:
    # Otherwise the tests above could pass on gradients without conflicts.
    gram = gram_of(jacobian("badly_scaled", 12, 0)).astype(float)
    assert gains(gram, np.ones(12)).min() < -1e-3
    gram = gram_of(jacobian("conflicting", 3, 0)).astype(float)
    assert gains(gram, np.ones(3)).min() < -1e-3


@pytest.mark.parametrize("kind", ["independent", "badly_scaled"])
def test_imtl_g_has_equal_projections_onto_all_gradients(kind: str) -> None:
    gram = gram_of(jacobian(kind, 6, 0)).astype(float)
    projections = gains(gram, gram_weights("imtl_g", gram).astype(float))
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-3)
    assert projections.min() > 0


def test_imtl_g_descends_even_if_the_papers_weights_have_a_negative_sum() -> None:
    u = np.array([[1.0, 0.0], [np.cos(0.5), np.sin(0.5)], [np.cos(-0.5), np.sin(-0.5)]])
    u = np.hstack([u, [[0.01], [0.0], [0.0]]])
    gradients = u * np.array([[1e-3], [1.0], [1.0]])
    gram = gram_of(gradients).astype(float)
    lengths = np.linalg.norm(gradients, axis=1)
    paper = np.linalg.solve(gram, lengths)
    assert paper.sum() < 0
    assert gains(gram, gram_weights("imtl_g", gram).astype(float)).min() > 0


@pytest.mark.parametrize("name", ["nash", "imtl_g"])
@pytest.mark.parametrize("kind", ["independent", "conflicting", "dependent"])
def test_direction_does_not_depend_on_the_scale_of_losses(name: str, kind: str) -> None:
    gradients = jacobian(kind, 5, 0)
    scales = np.array([1e3, 1.0, 1e-3, 20.0, 0.1])
    directions = []
    for each in (gradients, gradients * scales[:, None]):
        update = gram_weights(name, gram_of(each)).astype(float) @ each
        directions.append(update / np.linalg.norm(update))
    tolerance = 1e-2 if kind == "dependent" else 1e-3
    np.testing.assert_allclose(directions[0], directions[1], atol=tolerance)


@pytest.mark.parametrize("c", [0.2, 0.5, 0.8])
def test_cagrad_stays_in_its_ball_and_helps_the_worst_off_task(c: float) -> None:
    gradients = jacobian("conflicting", 4, 1)
    update = gram_weights("cagrad", gram_of(gradients), constants={"c": c, "rescale": "none"}) @ gradients / 4
    average = gradients.mean(0)
    np.testing.assert_allclose(np.linalg.norm(update - average), c * np.linalg.norm(average), rtol=1e-3)
    assert (gradients @ update).min() > (gradients @ average).min()


def test_cagrad_weighs_the_average_and_the_gains() -> None:
    gradients, c = jacobian("conflicting", 3, 1), 0.5
    loss_weights = np.array([1.8, 0.3, 0.9])
    weights = gram_weights(
        "cagrad", gram_of(gradients), loss_weights=loss_weights, constants={"c": c, "rescale": "none"}
    )
    update, average = weights @ gradients / 3, loss_weights @ gradients / 3
    worst = (gradients @ update / loss_weights).min()
    radius = c * np.linalg.norm(average)
    np.testing.assert_allclose(np.linalg.norm(update - average), radius, rtol=1e-3)
    # No other update in the ball is better for the worst-off task.
    rng = np.random.default_rng(0)
    moves = rng.normal(size=(2000, 3)) @ gradients
    others = average + radius * moves / np.linalg.norm(moves, axis=1, keepdims=True)
    assert (gradients @ others.T / loss_weights[:, None]).min(0).max() <= worst + 1e-3 * abs(worst)


def test_cagrad_with_radius_zero_is_the_average() -> None:
    gram = gram_of(jacobian("conflicting", 4, 1))
    np.testing.assert_allclose(gram_weights("cagrad", gram, constants={"c": 0.0}), 1.0, rtol=1e-6)


def test_cagrad_with_a_large_radius_has_mgdas_direction() -> None:
    gradients = jacobian("independent", 4, 1)
    gram = gram_of(gradients)
    towards = [
        gram_weights("cagrad", gram, constants={"c": 1e5}) @ gradients,
        gram_weights("mgda", gram) @ gradients,
    ]
    directions = [each / np.linalg.norm(each) for each in towards]
    np.testing.assert_allclose(directions[0], directions[1], atol=1e-3)


def test_surgery_leaves_gradients_without_conflict_alone() -> None:
    gradients = np.abs(jacobian("independent", 5, 0))
    for name in ("pcgrad", "gradvac", "upgrad"):
        weights = gram_weights(name, gram_of(gradients), noise=np.zeros((1, 5, 5)))
        np.testing.assert_allclose(weights, 1.0, atol=1e-4, err_msg=name)


def test_aligned_gradients_are_orthogonal_with_the_smallest_singular_value() -> None:
    gradients = jacobian("conflicting", 4, 0)
    gram = gram_of(gradients)
    # Weights for loss weights e_k are the rows of the balancing matrix B; B G B is a multiple of the identity.
    rows = []
    for k in range(4):
        loss_weights = np.full(4, 1e-6)
        loss_weights[k] = 1.0
        rows.append(gram_weights("aligned", gram, loss_weights=loss_weights))
    balance = np.stack(rows).astype(float)
    least = np.linalg.svd(gradients, compute_uv=False).min()
    np.testing.assert_allclose(balance @ gram @ balance, least**2 * np.eye(4), atol=1e-3 * least**2)
