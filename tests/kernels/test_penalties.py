"""The choice of penalties for one column, the columns of a task, and many columns."""

import numpy as np

from skmtl.kernels._normal_equations import NormalEquations
from skmtl.kernels._penalties import PENALTIES, best_penalties, random_sums

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 30))
NOISE = np.array([0.01, 1.0, 30.0])
Y = X @ RNG.normal(size=(30, 3)) + NOISE * RNG.normal(size=(90, 3))
W = RNG.uniform(0.5, 2.0, size=90)
RIDGE = NormalEquations.of(X, np.eye(30), W, np.array_split(RNG.permutation(90), 5))


def errors(values):
    """Return the error of each penalty and column."""
    return RIDGE.errors(values, PENALTIES, np.ones((len(PENALTIES), values.shape[1]), bool))


def test_each_task_has_the_penalty_with_the_least_error():
    found = best_penalties(RIDGE, Y, np.arange(3))
    np.testing.assert_array_equal(found, PENALTIES[errors(Y).argmin(axis=0)])
    assert len(np.unique(found)) > 1
    held, _ = RIDGE.fitted(Y, found)
    np.testing.assert_allclose(((held - Y) ** 2 * W[:, None]).sum(axis=0), errors(Y).min(axis=0))


def test_columns_of_a_task_share_the_penalty_that_is_best_for_all_of_them():
    found = best_penalties(RIDGE, Y, np.array([0, 0, 1]))
    best = PENALTIES[errors(Y)[:, :2].sum(axis=1).argmin()]
    np.testing.assert_array_equal(found, [best, best, PENALTIES[errors(Y)[:, 2].argmin()]])


def test_random_sums_of_many_columns_estimate_their_average_error():
    many = np.tile(Y, (1, 200)) * RNG.choice([-1.0, 1.0], 600)
    sums = random_sums(many)
    assert sums.shape == (90, 32)
    ratio = errors(sums).mean(axis=1) / (600 * errors(many).mean(axis=1))
    np.testing.assert_allclose(ratio, 1.0, atol=0.5)
    np.testing.assert_allclose(ratio / ratio[0], 1.0, atol=0.05)
    np.testing.assert_array_equal(random_sums(Y), Y)
