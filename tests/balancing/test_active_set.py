"""The solver behind MGDA, UPGrad and CAGrad."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from skmtl.balancing._active_set import minimise_on_cone

from ._cases import KINDS, jacobian
from ._reference import cone_minimiser


def problems(kind: str, n: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    matrices, linears = [], []
    for seed in range(count):
        gradients = jacobian(kind, n, seed)
        gradients /= np.linalg.norm(gradients, axis=1, keepdims=True)
        matrix = gradients @ gradients.T + 1e-5 * np.eye(n)
        matrices.append(matrix)
        rng = np.random.default_rng(seed)
        linears.append([10.0 ** rng.uniform(-8, 0, n), -matrix[0], rng.normal(size=n)][seed % 3])
    return np.stack(matrices), np.stack(linears)


@pytest.mark.parametrize("n", [1, 2, 3, 12, 20, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_non_negative_least_squares(kind: str, n: int) -> None:
    matrices, linears = problems(kind, n, 30 if n < 20 else 9)
    found = minimise_on_cone(tf.constant(matrices), tf.constant(linears), 5e-6).numpy()
    for matrix, linear, point in zip(matrices, linears, found, strict=True):
        expected = cone_minimiser(matrix, linear)
        np.testing.assert_allclose(point, expected, rtol=1e-6, atol=1e-6 * max(1.0, expected.max()))


def test_a_matrix_that_rounding_made_indefinite_still_gives_a_finite_point() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(20, 12, 4))
    gradients /= np.linalg.norm(gradients, axis=-1, keepdims=True)
    noise = rng.normal(size=(20, 12, 12)) * 1e-3  # as of reduced-precision matrix products
    matrices = gradients @ gradients.swapaxes(1, 2) + noise + noise.swapaxes(1, 2)
    assert np.linalg.eigvalsh(matrices).min() < -1e-3
    points = minimise_on_cone(tf.constant(matrices), tf.ones((20, 12), tf.float64), 5e-6).numpy()
    assert np.isfinite(points).all()
    assert (points >= 0).all()


def test_problems_of_a_batch_are_independent() -> None:
    matrices, linears = problems("conflicting", 8, 6)
    together = minimise_on_cone(tf.constant(matrices), tf.constant(linears), 5e-6).numpy()
    for i in range(6):
        alone = minimise_on_cone(tf.constant(matrices[i : i + 1]), tf.constant(linears[i : i + 1]), 5e-6)
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-12, atol=1e-12)
