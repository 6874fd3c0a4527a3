"""Predictions given labels of other tasks, compared with the formulas of a Gaussian."""

import numpy as np
import pytest

from skmtl.joint import ErrorColumns, _conditional, fit_joint_model, patterns_of
from skmtl.joint._conditional import class_probabilities, expected_errors, expected_errors_of_all
from skmtl.joint._correlation import correlation_of, scales_of

rng = np.random.default_rng(0)
COVARIANCE = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.3], [0.0, 0.3, 1.0]])
ERRORS = rng.multivariate_normal(np.zeros(3), COVARIANCE, size=400) * [1.0, 100.0, 1e-3]
REGRESSIONS = ErrorColumns.of([0, 0, 0])


def model(errors, shifted=False):
    zeros = [np.zeros(len(errors))] * errors.shape[1]
    return fit_joint_model(
        np.nan_to_num(errors), ~np.isnan(errors), zeros, [0] * errors.shape[1], shifted=shifted, seed=0
    )


def test_a_regression_follows_the_conditional_mean_of_a_gaussian():
    scales, known = scales_of(ERRORS), np.array([True, False, True])
    correlation = correlation_of(ERRORS / scales)
    found = expected_errors(ERRORS / scales, known, 1, correlation, REGRESSIONS, 0.0) * scales[1]
    covariance = correlation * scales * scales[:, None]
    expected = ERRORS[:, [0, 2]] @ np.linalg.solve(covariance[np.ix_([0, 2], [0, 2])], covariance[[0, 2], 1])
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert not expected_errors(ERRORS / scales, known, 1, correlation, REGRESSIONS, 1.0).any()


@pytest.mark.parametrize("most", [64, 2])
def test_solving_all_patterns_at_once_equals_solving_each_alone(most, monkeypatch):
    monkeypatch.setattr(_conditional, "_MOST_COLUMNS", most)
    monkeypatch.setattr(_conditional, "_CHUNK", 5)
    columns = ErrorColumns.of([0, 3, 0, 0, 0])
    errors = rng.normal(size=(60, 6)) @ rng.normal(size=(6, 6))
    scaled = errors / scales_of(errors)
    correlation, shrinkages = correlation_of(scaled), np.array([0.0, 0.1, 0.1, 1.0, 0.1])
    known = rng.random((60, 5)) < 0.5
    found = expected_errors_of_all(
        np.where(known[:, columns.task_of_column], scaled, np.nan), known, correlation, columns, shrinkages
    )
    expected = np.zeros((60, 5))
    for row in range(60):
        for task in (0, 2, 4):
            one = slice(row, row + 1)
            if not known[row, task]:
                expected[row, task] = expected_errors(
                    scaled[one], known[row], task, correlation, columns, shrinkages[task]
                )[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_correlated_tasks_are_shrunk_little_and_others_entirely():
    alone = np.column_stack([ERRORS[:, :2], rng.normal(size=400)])
    shrinkages = model(alone).shrinkages
    assert (shrinkages[:2] < 0.5).all()
    assert shrinkages[2] == 1.0
    assert (model(alone, shifted=True).shrinkages[:2] < 0.5).all()


def test_one_task_or_few_rows_give_no_correlations():
    assert model(ERRORS[:, :1]).shrinkages.tolist() == [1.0]
    few = model(ERRORS[:3])
    assert np.isfinite(few.correlation).all()
    assert (few.shrinkages == 1.0).all()


@pytest.mark.filterwarnings("error")
def test_constant_identical_and_half_labelled_tasks_stay_finite():
    errors = np.column_stack([ERRORS[:, 0], ERRORS[:, 0], np.zeros(400), ERRORS[:, 1]])
    errors[::2, 3] = np.nan
    found = model(errors)
    assert np.isfinite(found.correlation).all()
    known = np.tile([True, False, True, True], (400, 1))
    predicted = found.quantities([np.zeros(400)] * 4, np.nan_to_num(errors), known)[1]
    assert np.sqrt(np.mean((errors[:, 1] - predicted) ** 2)) < 0.2 * errors[:, 1].std()
    assert not found.quantities([np.zeros(400)] * 4, np.nan_to_num(errors), ~known)[2].any()


def test_class_probabilities_follow_bayes_rule():
    """Two classes whose other task differs by a shift: the posterior is known."""
    codes = rng.integers(0, 2, 4000)
    proba = np.full((4000, 2), 0.5)
    other = 2.0 * (codes - 0.5) + rng.normal(size=4000)
    columns = ErrorColumns.of([2, 0])
    errors = columns.errors(np.column_stack([codes, other]), np.ones((4000, 2), bool), [proba, np.zeros(4000)])
    scales = scales_of(errors)
    found = class_probabilities(
        proba, errors / scales, np.array([False, True]), 0, scales, correlation_of(errors / scales), columns, 0.0
    )
    expected = 1 / (1 + np.exp(-2.0 * other))
    np.testing.assert_allclose(found[:, 1], expected, atol=0.03)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_known_classes_move_regressions_and_other_classes():
    codes = rng.integers(0, 3, 600)
    proba = np.full((600, 3), 1 / 3)
    follows = np.where(rng.random(600) < 0.8, codes, rng.integers(0, 3, 600))
    quantity = codes + 0.3 * rng.normal(size=600)
    columns = [proba, proba, np.full(600, quantity.mean())]
    values = np.column_stack([codes, follows, quantity])
    found = fit_joint_model(values, np.ones((600, 3), bool), columns, [3, 3, 0], shifted=False, seed=0)
    errors = found.columns.errors(values, np.ones((600, 3), bool), columns)
    known = np.tile([True, False, False], (600, 1))
    _, classes, moved = found.quantities(columns, errors, known)
    assert (classes.argmax(axis=1) == codes).mean() > 0.95
    np.testing.assert_allclose(classes.sum(axis=1), 1.0)
    assert np.mean((moved - quantity) ** 2) < 0.3 * quantity.var()


def test_rows_are_grouped_by_their_known_tasks():
    known = np.array([[True, False], [False, False], [True, False]])
    found = {tuple(mask): rows.tolist() for mask, rows in patterns_of(known)}
    assert found == {(True, False): [0, 2], (False, False): [1]}


def test_correlations_from_rows_with_missing_labels_are_positive_definite():
    errors = ERRORS.copy()
    errors[rng.random(errors.shape) < 0.4] = np.nan
    errors[10:, 2] = np.where(np.isnan(errors[10:, 0]), errors[10:, 2], np.nan)
    correlation = correlation_of(errors / scales_of(errors))
    assert np.linalg.eigvalsh(correlation)[0] > 0
    np.testing.assert_allclose(np.diag(correlation), 1.0)
    assert correlation[0, 1] == pytest.approx(0.8, abs=0.1)
