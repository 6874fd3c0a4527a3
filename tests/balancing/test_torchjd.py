"""Comparison with TorchJD's aggregators on the same Jacobians, if that library is installed."""

from __future__ import annotations

import numpy as np
import pytest

from ._cases import gram_of, gram_weights, jacobian

torch = pytest.importorskip("torch")
aggregation = pytest.importorskip("torchjd.aggregation")
linalg = pytest.importorskip("torchjd.linalg")

# Scale of our update relative to theirs, if both are fixed: they average, we sum.
CASES = {
    "upgrad": (lambda _: aggregation.UPGrad(projector=linalg.QuadprogProjector(reg_eps=1e-6)), True),
    "cagrad": (lambda _: aggregation.CAGrad(c=0.5, norm_eps=1e-12), False),
    "aligned": (lambda _: aggregation.AlignedMTL(), True),
    "imtl_g": (lambda _: aggregation.IMTLG(), False),
    "nash": (lambda n: aggregation.NashMTL(n_tasks=n, max_norm=0.0, optim_niter=100), False),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("n_tasks", [2, 3, 12])
@pytest.mark.parametrize("kind", ["independent", "conflicting"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_update_has_torchjds_direction(name: str, kind: str, n_tasks: int) -> None:
    make, same_scale = CASES[name]
    for seed in range(3):
        gradients = jacobian(kind, n_tasks, seed)
        theirs = make(n_tasks)(torch.tensor(gradients)).numpy() * n_tasks
        ours = gram_weights(name, gram_of(gradients)) @ gradients
        if not same_scale:
            theirs, ours = theirs / np.linalg.norm(theirs), ours / np.linalg.norm(ours)
        np.testing.assert_allclose(ours, theirs, atol=2e-3 * np.abs(theirs).max())


@pytest.mark.parametrize("n_tasks", [2, 3, 12])
@pytest.mark.parametrize("kind", ["independent", "conflicting"])
def test_mgda_is_no_longer_than_torchjds(kind: str, n_tasks: int) -> None:
    # Their Frank-Wolfe iteration approaches the minimum norm slowly, from above.
    for seed in range(3):
        gradients = jacobian(kind, n_tasks, seed)
        theirs = aggregation.MGDA(epsilon=1e-5, max_iters=2000)(torch.tensor(gradients)).numpy()
        ours = gram_weights("mgda", gram_of(gradients)) @ gradients / n_tasks
        assert np.linalg.norm(ours) <= np.linalg.norm(theirs) * (1 + 1e-4)
        assert np.linalg.norm(ours - theirs) < 0.2 * np.linalg.norm(theirs)


@pytest.mark.parametrize("kind", ["independent", "conflicting"])
def test_pcgrad_of_two_tasks_is_torchjds(kind: str) -> None:
    gradients = jacobian(kind, 2, 0)
    theirs = aggregation.PCGrad()(torch.tensor(gradients)).numpy()
    ours = gram_weights("pcgrad", gram_of(gradients), noise=np.zeros((1, 2, 2))) @ gradients
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
