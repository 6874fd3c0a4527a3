"""Kernel models: what they learn, their out-of-fold predictions, and limits of their cost."""

import numpy as np
import pytest

from skmtl.kernels import _features as _kernel_features
from skmtl.kernels import _fit as module
from skmtl.kernels import fit_kernel_model

RNG = np.random.default_rng(1)
X = RNG.normal(size=(120, 4))
Y = np.column_stack([X @ [1.0, -2.0, 0.0, 0.5] + 30.0, np.cos(2 * X[:, 0]) + 0.1 * RNG.normal(size=120)])
FOLDS = np.array_split(RNG.permutation(120), 6)
ALL = np.ones(Y.shape)


def r2(truth, predicted):
    return 1 - ((truth - predicted) ** 2).sum(0) / ((truth - truth.mean(0)) ** 2).sum(0)


def test_a_linear_kernel_learns_a_linear_task_and_not_the_other():
    kernel_model, held = fit_kernel_model("linear", X, Y, ALL, FOLDS, 0)
    assert r2(Y, held)[0] > 0.999
    assert r2(Y, held)[1] < 0.5
    np.testing.assert_allclose(kernel_model.predict(X)[:, 0], Y[:, 0], rtol=5e-3)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_other_kernels_learn_a_nonlinear_task(kernel):
    _, held = fit_kernel_model(kernel, X, Y, ALL, FOLDS, 0)
    assert r2(Y, held)[1] > 0.5


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_missing_labels_have_the_effect_of_missing_rows(kernel):
    weights = ALL.copy()
    weights[:40, 1] = 0.0
    junk = Y.copy()
    junk[:40, 1] = 1e6
    kernel_model, held = fit_kernel_model(kernel, X, junk, weights, FOLDS, 0)
    np.testing.assert_allclose(held[:40, 1], kernel_model.predict(X[:40])[:, 1])
    assert np.abs(held).max() < 1e3
    assert r2(Y[:, :1], held[:, :1]) > (0.99 if kernel == "linear" else 0.8)


def test_predictions_exceed_the_labels_by_at_most_a_quarter_of_the_range():
    kernel_model, _ = fit_kernel_model("linear", X, Y, ALL, FOLDS, 0)
    extreme = kernel_model.predict(1e6 * X)
    low, high = Y.min(0), Y.max(0)
    margin = 0.25 * (high - low)
    assert (extreme >= low - margin - 1e-9).all()
    assert (extreme <= high + margin + 1e-9).all()
    assert extreme[:, 0].max() == pytest.approx(high[0] + margin[0])


def test_columns_are_clipped_half_their_range_beyond_the_rows():
    kernel_model, _ = fit_kernel_model("linear", X, Y[:, 1:], ALL[:, 1:], FOLDS, 0)
    edge = X.max(axis=0) + 0.5 * np.ptp(X, axis=0)
    np.testing.assert_allclose(
        kernel_model.predict(X[:5] + 1e6), kernel_model.predict(np.repeat(edge[None], 5, axis=0))
    )


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_irrelevant_columns_count_less_in_similarity(kernel, monkeypatch):
    rows = np.column_stack([X, RNG.normal(size=(120, 20))])
    kernel_model, held = fit_kernel_model(kernel, rows, Y, ALL, FOLDS, 0)
    assert kernel_model.relevance[4:].max() < 0.6
    assert kernel_model.relevance.max() == 1.0
    assert kernel_model.relevance[:2].min() > kernel_model.relevance[4:].max()
    monkeypatch.setattr(module, "_RELEVANCE_ROUNDS", 0)
    _, all_alike = fit_kernel_model(kernel, rows, Y, ALL, FOLDS, 0)
    assert r2(Y, held)[1] > r2(Y, all_alike)[1] + 0.05


def test_a_task_with_few_labels_among_many_rows_keeps_its_kernel_model(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 60)
    monkeypatch.setattr(module, "_RELEVANCE_ROWS", 30)
    weights = ALL.copy()
    weights[:, 0] = 0.0
    weights[RNG.choice(120, 12, replace=False), 0] = 1.0
    kernel_model, held = fit_kernel_model("linear", X, Y, weights, FOLDS, 0)
    assert np.isfinite(held).all()
    assert r2(Y, kernel_model.predict(X))[0] > 0.8


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_relevance_does_not_overfit_noise(kernel):
    gains = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rows, noise = rng.normal(size=(60, 60)), rng.normal(size=(60, 1))
        _, held = fit_kernel_model(kernel, rows, noise, np.ones((60, 1)), np.array_split(np.arange(60), 8), seed)
        gains.append(r2(noise, held)[0])
    assert np.mean(gains) < 0.03


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
def test_the_units_of_a_task_do_not_change_the_relevance(kernel):
    units = np.array([1.0, 1000.0])
    plain, _ = fit_kernel_model(kernel, X, Y, ALL, FOLDS, 0)
    large, _ = fit_kernel_model(kernel, X, Y * units, ALL, FOLDS, 0)
    np.testing.assert_allclose(large.relevance, plain.relevance, rtol=1e-6)


def test_a_constant_target_leaves_all_columns_relevant():
    constant = np.full((120, 1), 3.0)
    kernel_model, held = fit_kernel_model("rbf", X, constant, np.ones((120, 1)), FOLDS, 0)
    np.testing.assert_array_equal(kernel_model.relevance, 1.0)
    np.testing.assert_allclose(held, 3.0)


def test_many_rows_are_compared_with_a_sample(monkeypatch):
    monkeypatch.setattr(_kernel_features, "MOST_POINTS", 60)
    rows = RNG.normal(size=(400, 3))
    y = np.sin(rows[:, :1])
    kernel_model, held = fit_kernel_model("rbf", rows, y, np.ones(y.shape), np.array_split(np.arange(400), 5), 0)
    assert len(kernel_model.points) < 400
    assert r2(y, held) > 0.95
    assert r2(y, kernel_model.predict(rows)) > 0.95


def test_rows_beyond_the_limit_are_predicted_as_unseen_ones(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 150)
    rows = RNG.normal(size=(400, 3))
    y = np.column_stack([np.sin(rows[:, 0]), rows[:, 1]])
    kernel_model, held = fit_kernel_model("rbf", rows, y, np.ones(y.shape), np.array_split(np.arange(400), 5), 0)
    assert len(kernel_model.points) == 150
    assert held.shape == y.shape
    assert (r2(y, held) > 0.95).all()


def test_tasks_with_their_own_rows_are_left_out_if_they_would_take_too_long(monkeypatch):
    weights = ALL.copy()
    weights[:60, 0] = weights[60:, 1] = 0.0
    assert fit_kernel_model("rbf", X, Y, weights, FOLDS, 0) is not None
    monkeypatch.setattr(module, "_BUDGET", 10.0)
    assert fit_kernel_model("rbf", X, Y, weights, FOLDS, 0) is None


def test_weights_count_relative_to_each_other():
    w = np.repeat(RNG.uniform(0.5, 2.0, size=(120, 1)), 2, axis=1)
    first, second = (fit_kernel_model("rbf", X, Y, scale * w, FOLDS, 0)[1] for scale in (1.0, 1000.0))
    np.testing.assert_allclose(first, second, rtol=1e-8, atol=1e-8)


def test_a_table_with_more_columns_than_rows_is_solved_by_its_rows(monkeypatch):
    rows = RNG.normal(size=(30, 80))
    y = rows[:, :2] + 0.1 * RNG.normal(size=(30, 2))
    parts = np.array_split(np.arange(30), 5)
    kernel_model, held = fit_kernel_model("linear", rows, y, np.ones(y.shape), parts, 0)
    assert kernel_model.coefficients.shape == (80, 2)

    def by_columns(kernel, seen, rng):
        scale = 1 / np.sqrt(seen.shape[1])
        return _kernel_features.KernelFeatures(seen, np.eye(seen.shape[1]) * scale, None)

    monkeypatch.setattr(_kernel_features.KernelFeatures, "of", by_columns)
    other, expected = fit_kernel_model("linear", rows, y, np.ones(y.shape), parts, 0)
    np.testing.assert_allclose(held, expected, atol=1e-6)
    np.testing.assert_allclose(kernel_model.coefficients, other.coefficients, atol=1e-6)


@pytest.mark.parametrize("n_rows", [120, 400])
def test_many_targets_are_learned_as_well_as_few(n_rows, monkeypatch):
    monkeypatch.setattr(module, "_RELEVANCE_ROWS", 200)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n_rows, 6))
    few = np.column_stack([np.sin(rows[:, 0]), rows[:, 1] * rows[:, 2]])
    many = few @ rng.normal(size=(2, 90)) + 0.05 * rng.normal(size=(n_rows, 90))
    parts = np.array_split(rng.permutation(n_rows), 5)
    kernel_model, held = fit_kernel_model("rbf", rows, many, np.ones(many.shape), parts, 0)
    _, alone = fit_kernel_model("rbf", rows, many[:, :10], np.ones((n_rows, 10)), parts, 0)
    assert kernel_model.relevance[:3].min() > kernel_model.relevance[3:].max()
    assert r2(many, held).mean() > r2(many[:, :10], alone).mean() - 0.03


def test_classes_of_a_task_share_its_penalty():
    classes = np.eye(3)[RNG.integers(3, size=120)]
    kernel_model, held = fit_kernel_model("linear", X, classes, np.ones(classes.shape), FOLDS, 0, np.zeros(3, int))
    np.testing.assert_allclose(kernel_model.predict(X).sum(axis=1), 1.0)
    np.testing.assert_allclose(held.sum(axis=1), 1.0)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_tasks_with_few_rows_are_solved_by_these_with_the_same_result(kernel, monkeypatch):
    monkeypatch.setattr(_kernel_features, "MOST_POINTS", 60)
    weights = ALL.copy()
    weights[:70, 0] = weights[70:, 1] = 0.0
    found = []
    for rows_per_feature in (0, 100):
        monkeypatch.setattr(_kernel_features, "_ROWS_PER_FEATURE", rows_per_feature)
        found.append(fit_kernel_model(kernel, X, Y, weights, FOLDS, 0))
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1][0].predict(X), found[0][0].predict(X), rtol=1e-5, atol=1e-5)
