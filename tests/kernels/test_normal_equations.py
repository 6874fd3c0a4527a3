"""Products of rows, summed once, give the same results as a new ridge regression for every fold and penalty."""

import numpy as np
import pytest

from skmtl.kernels import _normal_equations
from skmtl.kernels._normal_equations import NormalEquations

RNG = np.random.default_rng(0)
PENALTIES = np.array([1e-3, 0.1, 10.0])


def data(n, d, tasks=2):
    X = RNG.normal(size=(n, d))
    return X, X[:, :tasks] * 2 + RNG.normal(size=(n, tasks)), RNG.uniform(0.5, 2.0, size=n)


def folds(n, k):
    return np.array_split(RNG.permutation(n), k)


def solution(X, y, w, penalty):
    A, b = X * np.sqrt(w[:, None]), y * np.sqrt(w)
    return np.linalg.solve(A.T @ A + penalty * np.eye(X.shape[1]), A.T @ b)


@pytest.mark.parametrize(("n", "d", "k"), [(40, 3, 4), (60, 4, 2)])
def test_fitted_predictions_equal_those_of_refits(n, d, k):
    X, y, w = data(n, d)
    parts, readout, penalties = folds(n, k), RNG.normal(size=(d, d - 1)), np.array([0.1, 10.0])
    found, coefficients = NormalEquations.of(X, readout, w, parts).fitted(y, penalties)
    for task, penalty in enumerate(penalties):
        own = y[:, task]
        np.testing.assert_allclose(coefficients[:, task], readout @ solution(X @ readout, own, w, penalty), rtol=1e-8)
        for held in parts:
            rest = np.setdiff1d(np.arange(n), held)
            expected = X[held] @ readout @ solution(X[rest] @ readout, own[rest], w[rest], penalty)
            np.testing.assert_allclose(found[held, task], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("at_once", [1, 200_000])
def test_wanted_errors_are_those_of_the_fitted_predictions(at_once, monkeypatch):
    monkeypatch.setattr(_normal_equations, "_AT_ONCE", at_once)
    X, y, w = data(40, 3)
    equations, wanted = NormalEquations.of(X, np.eye(3), w, folds(40, 4)), np.ones((3, 2), bool)
    wanted[1, 0] = wanted[2, 1] = False
    found = equations.errors(y, PENALTIES, wanted)
    for number, penalty in enumerate(PENALTIES):
        held, _ = equations.fitted(y, np.full(2, penalty))
        expected = np.where(wanted[number], ((held - y) ** 2 * w[:, None]).sum(axis=0), np.inf)
        np.testing.assert_allclose(found[number], expected)


@pytest.mark.parametrize("n_folds", [1, 3])
def test_features_that_are_all_zero_predict_nothing(n_folds):
    _, y, w = data(12, 2)
    equations = NormalEquations.of(np.zeros((12, 4)), np.eye(4), w, folds(12, n_folds))
    held, coefficients = equations.fitted(y, np.ones(2))
    assert not held.any()
    np.testing.assert_array_equal(coefficients, np.zeros((4, 2)))
