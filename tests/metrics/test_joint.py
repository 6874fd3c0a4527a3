"""Scores of joint draws and of regions."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from skmtl.metrics import energy_score, joint_coverage, mean_region_width, variogram_score

rng = np.random.default_rng(0)
Y = rng.normal(size=(6, 3))
DRAWS = rng.normal(size=(6, 3, 5))
GAPS = Y.copy()
GAPS[0, 1] = GAPS[2, 0] = GAPS[2, 2] = np.nan
GAPS[4] = np.nan
WEIGHT = rng.uniform(size=6)


def energy_by_hand(y, draws):
    """Compute the score from its definition, with loops over all draws and pairs."""
    seen = [task for task in range(len(y)) if not np.isnan(y[task])]
    points = [[draws[task, i] for task in seen] for i in range(draws.shape[1])]
    near = np.mean([np.sqrt(sum((a - y[t]) ** 2 for a, t in zip(point, seen, strict=True))) for point in points])
    pairs = [
        np.sqrt(sum((a - b) ** 2 for a, b in zip(*pair, strict=True))) for pair in itertools.product(points, points)
    ]
    return near - np.mean(pairs) / 2


def variogram_by_hand(y, draws, p):
    seen = [task for task in range(len(y)) if not np.isnan(y[task])]
    return sum(
        (abs(y[i] - y[j]) ** p - np.mean(np.abs(draws[i] - draws[j]) ** p)) ** 2
        for i, j in itertools.product(seen, seen)
    )


def mean_by_hand(score, y, weight, least, *more):
    rows = [i for i in range(len(y)) if (~np.isnan(y[i])).sum() >= least]
    return np.average([score(y[i], DRAWS[i], *more) for i in rows], weights=weight[rows])


@pytest.mark.parametrize("y", [Y, GAPS], ids=["all labels", "gaps"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
def test_scores_of_draws_match_their_definitions(y, weight):
    weights = np.ones(6) if weight is None else weight
    assert energy_score(y, DRAWS, sample_weight=weight) == pytest.approx(mean_by_hand(energy_by_hand, y, weights, 1))
    for p in (0.5, 2.0):
        expected = mean_by_hand(variogram_by_hand, y, weights, 2, p)
        assert variogram_score(y, DRAWS, p=p, sample_weight=weight) == pytest.approx(expected)


def test_the_energy_score_of_one_task_is_the_ranked_probability_score():
    draws = norm.ppf((np.arange(2000) + 0.5) / 2000)
    y = 0.7
    exact = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
    assert energy_score([y], draws[None]) == pytest.approx(exact, abs=1e-3)
    assert energy_score([[y]], draws[None, None]) == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("score", [energy_score, variogram_score])
def test_draws_with_the_true_dependence_score_better(score):
    covariance = [[1.0, 0.9], [0.9, 1.0]]
    y = rng.multivariate_normal([0, 0], covariance, size=400)
    together = rng.multivariate_normal([0, 0], covariance, size=(400, 60)).transpose(0, 2, 1)
    apart = rng.normal(size=(400, 2, 60))
    assert score(y, together) < score(y, apart)


@pytest.mark.parametrize("score", [energy_score, variogram_score])
def test_a_scale_makes_tasks_comparable(score):
    units = np.array([1.0, 1000.0, 0.01])
    table = pd.DataFrame(GAPS * units, columns=list("abc"))
    assert score(table, DRAWS * units[:, None], scale=units) == pytest.approx(score(GAPS, DRAWS))


@pytest.mark.parametrize("score", [energy_score, variogram_score])
def test_scores_without_labels_are_nan_and_bad_input_is_refused(score):
    assert np.isnan(score(np.full((6, 3), np.nan), DRAWS))
    with pytest.raises(ValueError, match=r"shape \(6, 3, 'n_draws'\)"):
        score(Y, DRAWS[:, :2])
    with pytest.raises(ValueError, match="finite"):
        score(Y, np.where(DRAWS > 1, np.nan, DRAWS))
    with pytest.raises(ValueError, match="scale should hold 3 positive"):
        score(Y, DRAWS, scale=[1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="one per row"):
        score(Y, DRAWS, sample_weight=np.ones((6, 3)))
    with pytest.raises(ValueError, match="not numbers"):
        score(np.full((6, 3), "a", dtype=object), DRAWS)
    with pytest.raises(ValueError, match="p should be"):
        variogram_score(Y, DRAWS, p=0)


def test_coverage_counts_rows_with_all_known_labels_inside():
    ends = np.stack([Y - [1.0, 1.0, 1.0], Y + [1.0, 1.0, 1.0]], axis=2)
    y = GAPS.copy()
    y[1, 2] += 2
    y[3] -= 2
    assert joint_coverage(y, ends) == pytest.approx(3 / 5)
    weight = np.array([1.0, 2.0, 1.0, 0.0, 9.0, 1.0])
    assert joint_coverage(y, ends, sample_weight=weight) == pytest.approx(3 / 5)
    assert joint_coverage(y[:, 2], ends[:, 2]) == pytest.approx(2 / 4)
    assert np.isnan(joint_coverage(np.full((6, 3), np.nan), ends))
    with pytest.raises(ValueError, match="6 rows and 3 tasks"):
        joint_coverage(y[:, :2], ends)
    with pytest.raises(ValueError, match="JointRegion"):
        joint_coverage(y, Y)


def test_width_is_the_geometric_mean_of_the_tasks_widths():
    ends = np.array([[[0.0, 1.0], [1.0, 5.0]], [[0.0, 4.0], [0.0, 9.0]]])
    assert mean_region_width(ends) == pytest.approx((2 + 6) / 2)
    assert mean_region_width(ends, sample_weight=[3.0, 1.0]) == pytest.approx(3.0)
    assert mean_region_width([[-np.inf, np.inf]]) == np.inf
    assert mean_region_width([[1.0, 1.0]]) == 0.0
