"""Eigenvectors are exact to full precision, with and without XLA."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from skmtl.balancing._eigen import _round_robin, eigenpairs


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_decomposition_is_exact_to_double_precision(n: int, jit_compile: bool) -> None:
    rng = np.random.default_rng(n)
    bases = np.stack([np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(4)])
    spectra = np.stack([np.linspace(1, 2, n), 10.0 ** np.linspace(-7, 0, n), np.ones(n), np.repeat([1e-6, 1.0], n)[:n]])
    matrices = (bases * spectra[:, None, :]) @ bases.swapaxes(1, 2)
    matrices = (matrices + matrices.swapaxes(1, 2)) / 2
    values, vectors = tf.function(eigenpairs, jit_compile=jit_compile)(tf.constant(matrices))
    np.testing.assert_allclose(np.sort(values, -1), np.sort(spectra, -1), rtol=1e-8)
    np.testing.assert_allclose(
        vectors.numpy() * values.numpy()[:, None, :] @ vectors.numpy().swapaxes(1, 2), matrices, atol=1e-12
    )
    np.testing.assert_allclose(vectors.numpy().swapaxes(1, 2) @ vectors.numpy(), np.stack([np.eye(n)] * 4), atol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 12])
def test_every_pair_is_matched_exactly_once(n: int) -> None:
    met = set()
    for partner in _round_robin(n):
        np.testing.assert_array_equal(partner[partner], np.arange(n))
        pairs = [(i, j) for i, j in enumerate(partner) if i < j]
        assert met.isdisjoint(pairs)
        met.update(pairs)
    assert len(met) == n * (n - 1) // 2
