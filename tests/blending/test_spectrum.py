"""One decomposition gives what a ridge regression fitted anew for every fold and penalty gives."""

import numpy as np
import pytest

from skmtl.blending import _spectrum
from skmtl.blending._kernel import Kernel
from skmtl.blending._spectrum import Spectrum

RNG = np.random.default_rng(0)
PENALTIES = np.array([1e-3, 0.1, 10.0])


def data(n, d, tasks=2):
    X = RNG.normal(size=(n, d))
    return X, X[:, :tasks] * 2 + RNG.normal(size=(n, tasks)), RNG.uniform(0.5, 2.0, size=n)


def folds(n, k):
    return np.array_split(RNG.permutation(n), k)


def refitted(X, y, w, held, penalty):
    """Weighted ridge regression on the other rows, by its normal equations."""
    rest = np.setdiff1d(np.arange(len(X)), held)
    A, b = X[rest] * np.sqrt(w[rest, None]), y[rest] * np.sqrt(w[rest, None])
    return X[held] @ np.linalg.solve(A.T @ A + penalty * np.eye(X.shape[1]), A.T @ b)


@pytest.mark.parametrize(("n", "d", "k"), [(40, 3, 4), (20, 30, 5), (60, 4, 2)])
def test_held_out_predictions_of_features_are_those_of_refits(n, d, k):
    X, y, w = data(n, d)
    parts = folds(n, k)
    found = Spectrum.of_features(X, w).held_out(y, parts, PENALTIES)
    for number, penalty in enumerate(PENALTIES):
        for held in parts:
            np.testing.assert_allclose(found[number, held], refitted(X, y, w, held, penalty), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["linear", "rbf", "laplacian"])
def test_held_out_predictions_of_similarities_are_those_of_refits(name):
    X, y, w = data(30, 4)
    parts, kernel = folds(30, 5), Kernel(name, 0.2)
    found = Spectrum.of_similarities(kernel.matrix(X, X), w).held_out(y, parts, PENALTIES)
    for number, penalty in enumerate(PENALTIES):
        for held in parts:
            rest = np.setdiff1d(np.arange(30), held)
            K = kernel.matrix(X[rest], X[rest]) + penalty * np.diag(1 / w[rest])
            expected = kernel.matrix(X[held], X[rest]) @ np.linalg.solve(K, y[rest])
            np.testing.assert_allclose(found[number, held], expected, rtol=1e-6, atol=1e-8)


def test_coefficients_have_each_tasks_own_penalty():
    X, y, w = data(50, 3)
    coefficients = Spectrum.of_features(X, w).coefficients(y, np.array([0.5, 20.0]))
    for task, penalty in enumerate([0.5, 20.0]):
        A = X * np.sqrt(w[:, None])
        expected = np.linalg.solve(A.T @ A + penalty * np.eye(3), A.T @ (y[:, task] * np.sqrt(w)))
        np.testing.assert_allclose(coefficients[:, task], expected, rtol=1e-8)


def test_penalties_at_once_or_one_by_one_are_the_same(monkeypatch):
    X, y, w = data(40, 3)
    parts = folds(40, 4)
    spectrum = Spectrum.of_similarities(Kernel("rbf", 0.2).matrix(X, X), w)
    expected = spectrum.held_out(y, parts, PENALTIES)
    monkeypatch.setattr(_spectrum, "_AT_ONCE", 1)
    np.testing.assert_allclose(spectrum.held_out(y, parts, PENALTIES), expected, rtol=1e-12)


def test_rows_that_alone_decide_on_their_predictions_are_predicted_by_the_mean():
    """Their leverage is 1 to the last digit where the penalty is lost in rounding."""
    u = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]) / np.sqrt([1.0, 2.0])
    spectrum = Spectrum(u, np.full(2, 1e20), u.T, np.ones(3))
    found = spectrum.held_out(np.array([[5.0], [1.0], [3.0]]), [np.array([0]), np.array([1, 2])], np.array([1e-5]))
    np.testing.assert_array_equal(found[0, 0], 0.0)


@pytest.mark.parametrize("n_folds", [1, 3])
def test_features_that_are_all_zero_predict_nothing(n_folds):
    _, y, w = data(12, 2)
    spectrum = Spectrum.of_features(np.zeros((12, 4)), w)
    np.testing.assert_array_equal(spectrum.held_out(y, folds(12, n_folds), PENALTIES), 0.0)
    np.testing.assert_array_equal(spectrum.coefficients(y, np.ones(2)), np.zeros((4, 2)))
