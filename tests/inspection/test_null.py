"""Null distributions of affinities."""

import numpy as np
import pytest

from skmtl.inspection._null import pooled_null, ranked_null


def symmetric(rng, count, n_tasks=5):
    draws = rng.normal(0.02, 0.1, size=(count, n_tasks, n_tasks))
    return np.tril(draws) + np.tril(draws, -1).transpose(0, 2, 1)


@pytest.mark.parametrize("both_ways", [True, False])
def test_pooled_bounds_keep_the_level(both_ways):
    rng = np.random.default_rng(0)
    outside, p_values = [], []
    for _ in range(300):
        draws = rng.normal(0.02, 0.1, size=(11, 5, 5)) if both_ways else symmetric(rng, 11)
        null = pooled_null(draws[0], draws[1:], not both_ways, 0.1)
        pairs = ~np.eye(5, dtype=bool) if both_ways else np.triu(np.ones((5, 5), bool), 1)
        outside.append(((draws[0] > null.high) | (draws[0] < null.low))[pairs].any())
        p_values.append((null.p_value[pairs] < 0.05).mean())
    assert 0.05 < np.mean(outside) < 0.15
    assert 0.035 < np.mean(p_values) < 0.065


def test_pairs_without_affinity_are_left_out_of_the_pool():
    rng = np.random.default_rng(0)
    draws = symmetric(rng, 10)
    gone = draws.copy()
    gone[:, 0, 1] = gone[:, 1, 0] = np.nan
    null = pooled_null(draws[0], gone, True, 0.05)
    assert np.isfinite(null.high).all()
    assert np.isnan(pooled_null(draws[0], np.full_like(draws, np.nan), True, 0.05).high).all()


def test_ranks_count_draws_that_are_at_least_as_large():
    draws = np.broadcast_to(np.arange(9.0)[:, None, None], (9, 2, 2)).copy()
    null = ranked_null(np.array([[1, 7.0], [7.0, 1]]), draws, 0.05)
    assert null.p_value[0, 1] == pytest.approx(3 / 10)
    assert null.high[0, 1] == pytest.approx(np.quantile(np.arange(9.0), 0.95))
