"""One decomposition gives the same results as a new ridge regression for every fold and penalty."""

import numpy as np
import pytest

from skmtl.kernels import _spectrum
from skmtl.kernels._kernel import Kernel
from skmtl.kernels._spectrum import Spectrum

RNG = np.random.default_rng(0)
PENALTIES = np.array([1e-3, 0.1, 10.0])


def data(n, d, tasks=2):
    X = RNG.normal(size=(n, d))
    return X, X[:, :tasks] * 2 + RNG.normal(size=(n, tasks)), RNG.uniform(0.5, 2.0, size=n)


def folds(n, k):
    return np.array_split(RNG.permutation(n), k)


@pytest.mark.parametrize("name", ["linear", "rbf", "laplacian"])
def test_held_out_predictions_of_similarities_are_those_of_refits(name):
    X, y, w = data(30, 4)
    parts, kernel = folds(30, 5), Kernel(name, 0.2)
    found = Spectrum.of_similarities(kernel.matrix(X, X), w, parts).held_out(y, PENALTIES)
    for number, penalty in enumerate(PENALTIES):
        for held in parts:
            rest = np.setdiff1d(np.arange(30), held)
            K = kernel.matrix(X[rest], X[rest]) + penalty * np.diag(1 / w[rest])
            expected = kernel.matrix(X[held], X[rest]) @ np.linalg.solve(K, y[rest])
            np.testing.assert_allclose(found[number, held], expected, rtol=1e-6, atol=1e-8)


def test_each_task_is_fitted_with_its_own_penalty():
    X, y, w = data(50, 3)
    K = Kernel("rbf", 0.2).matrix(X, X)
    spectrum, penalties = Spectrum.of_similarities(K, w, folds(50, 4)), np.array([0.1, 10.0])
    held, coefficients = spectrum.fitted(y, penalties)
    for task, penalty in enumerate(penalties):
        expected = np.linalg.solve(K + penalty * np.diag(1 / w), y[:, task])
        np.testing.assert_allclose(coefficients[:, task], expected, rtol=1e-8)
        np.testing.assert_allclose(held[:, task], spectrum.held_out(y, penalties)[task, :, task])


@pytest.mark.parametrize("most", [1, 2_000_000])
def test_wanted_errors_are_those_of_held_out_predictions(most, monkeypatch):
    monkeypatch.setattr(_spectrum, "_MOST_HELD", most)
    X, y, w = data(40, 3)
    spectrum = Spectrum.of_similarities(Kernel("rbf", 0.2).matrix(X, X), w, folds(40, 4))
    wanted = np.array([[True, True], [False, True], [True, False]])
    expected = np.einsum("pnt,n->pt", (spectrum.held_out(y, PENALTIES) - y) ** 2, w)
    np.testing.assert_allclose(spectrum.errors(y, PENALTIES, wanted), np.where(wanted, expected, np.inf))


def test_penalties_at_once_or_one_by_one_are_the_same(monkeypatch):
    X, y, w = data(40, 3)
    parts = folds(40, 4)
    spectrum = Spectrum.of_similarities(Kernel("rbf", 0.2).matrix(X, X), w, parts)
    expected = spectrum.held_out(y, PENALTIES)
    monkeypatch.setattr(_spectrum, "_AT_ONCE", 1)
    np.testing.assert_allclose(spectrum.held_out(y, PENALTIES), expected, rtol=1e-12)


def test_rows_with_full_leverage_are_predicted_by_the_mean():
    """Their leverage is 1 to the last digit if the penalty is lost in rounding."""
    u = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]) / np.sqrt([1.0, 2.0])
    spectrum = Spectrum(u, np.full(2, 1e20), np.ones(3), [np.array([0]), np.array([1, 2])])
    found = spectrum.held_out(np.array([[5.0], [1.0], [3.0]]), np.array([1e-5]))
    np.testing.assert_array_equal(found[0, 0], 0.0)
