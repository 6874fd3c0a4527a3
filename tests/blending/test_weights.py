"""Weights of predictors, task by task."""

import numpy as np
from scipy.optimize import nnls

from skmtl.blending._weights import weights_by_task

RNG = np.random.default_rng(2)
Y = RNG.normal(size=(300, 2))


def of_each_task(predictions, values, known):
    """Solve non-negative least squares for each column alone."""
    found = []
    for task, column in enumerate(known.T):
        root = np.sqrt(column)
        found.append(nnls((predictions[:, :, task] * root).T, values[:, task] * root)[0])
    return np.column_stack(found)


def blend_weights(predictions, values, known):
    """Return the weights of columns that are separate tasks."""
    tasks = [
        weights_by_task(predictions[:, :, [i]], values[:, [i]], known[:, [i]], np.zeros(1, int))
        for i in range(values.shape[1])
    ]
    return np.column_stack(tasks)


def test_the_better_predictor_of_each_task_gets_the_weight():
    good, bad = Y + 0.1 * RNG.normal(size=Y.shape), RNG.normal(size=Y.shape)
    predictions = np.stack([np.column_stack([good[:, 0], bad[:, 1]]), np.column_stack([bad[:, 0], good[:, 1]])])
    weights = blend_weights(predictions, Y, np.ones(Y.shape))
    assert (weights >= 0).all()
    assert weights[0, 0] > 0.9 > 0.1 > weights[1, 0]
    assert weights[1, 1] > 0.9 > 0.1 > weights[0, 1]


def test_errors_that_cancel_share_the_weight():
    noise = RNG.normal(size=Y.shape)
    weights = blend_weights(np.stack([Y + noise, Y - noise]), Y, np.ones(Y.shape))
    np.testing.assert_allclose(weights, 0.5, atol=0.05)


def test_rows_without_a_label_do_not_count():
    predictions = np.stack([Y, np.zeros(Y.shape)])
    known = np.ones(Y.shape)
    known[:100] = 0
    spoilt = np.where(known > 0, Y, 1e9)
    np.testing.assert_allclose(blend_weights(predictions, spoilt, known), [[1, 1], [0, 0]], atol=1e-9)


def test_a_task_without_information_gets_equal_weights():
    weights = blend_weights(np.zeros((4, 5, 1)), np.ones((5, 1)), np.ones((5, 1)))
    np.testing.assert_array_equal(weights, np.full((4, 1), 0.25))
    weights = blend_weights(RNG.normal(size=(4, 3, 1)), np.ones((3, 1)), np.ones((3, 1)))
    np.testing.assert_array_equal(weights, np.full((4, 1), 0.25))


def test_tasks_that_differ_keep_weights_of_their_own():
    good, bad = Y + 0.1 * RNG.normal(size=Y.shape), RNG.normal(size=Y.shape)
    predictions = np.stack([np.column_stack([good[:, 0], bad[:, 1]]), np.column_stack([bad[:, 0], good[:, 1]])])
    known = np.ones(Y.shape)
    found = weights_by_task(predictions, Y, known, np.arange(2))
    np.testing.assert_allclose(found, of_each_task(predictions, Y, known), rtol=1e-6)


def test_similar_tasks_with_few_rows_take_the_common_weights():
    rng = np.random.default_rng(3)
    few = rng.normal(size=(15, 20))
    predictions = np.stack([few + rng.normal(size=few.shape) for _ in range(4)])
    known = np.ones(few.shape)
    found = weights_by_task(predictions, few, known, np.arange(20))
    assert np.ptp(found, axis=1).max() < 1e-9
    assert np.ptp(of_each_task(predictions, few, known), axis=1).max() > 0.3
    np.testing.assert_allclose(found, 0.2, atol=0.08)


def test_units_and_numbers_of_labels_do_not_matter_to_common_weights():
    predictions = np.stack([Y + RNG.normal(size=Y.shape), 0.5 * Y + RNG.normal(size=Y.shape)])
    scale = np.array([1.0, 1000.0])
    known = np.ones(Y.shape)
    plain = weights_by_task(predictions, Y, known, np.arange(2))
    np.testing.assert_allclose(weights_by_task(predictions * scale, Y * scale, known, np.arange(2)), plain, rtol=1e-6)
    np.testing.assert_allclose(weights_by_task(predictions, Y, known * [1.0, 7.0], np.arange(2)), plain, rtol=1e-6)


def test_the_columns_of_a_classification_are_one_task():
    classes = np.eye(3)[RNG.integers(3, size=300)] - 1 / 3
    predictions = np.stack([0.5 * classes + 0.1 * RNG.normal(size=classes.shape), RNG.normal(size=classes.shape)])
    found = weights_by_task(predictions, classes, np.ones(classes.shape), np.zeros(3, int))
    assert found.shape == (2, 1)
    assert found[0, 0] > 1.5


def test_rows_of_alternating_tasks_work_as_well_as_shuffled_ones():
    rng = np.random.default_rng(5)
    n_tasks, n = 5, 300
    values, known = rng.normal(size=(n, n_tasks)), np.zeros((n, n_tasks))
    known[np.arange(n), np.arange(n) % n_tasks] = 1.0
    good = np.stack([np.arange(n_tasks) % 2, 1 - np.arange(n_tasks) % 2])
    predictions = np.stack([values * good[0] + 0.05 * rng.normal(size=values.shape), values * good[1]])
    found = weights_by_task(predictions, values, known, np.arange(n_tasks))
    np.testing.assert_allclose(found, good, atol=0.15)


def test_a_task_without_a_label_does_not_affect_the_others():
    predictions = np.stack([Y + RNG.normal(size=Y.shape), RNG.normal(size=Y.shape)])
    known = np.ones(Y.shape)
    known[:, 1] = 0.0
    both = weights_by_task(predictions, Y, known, np.arange(2))
    alone = weights_by_task(predictions[:, :, :1], Y[:, :1], known[:, :1], np.zeros(1, int))
    np.testing.assert_array_equal(both[:, :1], alone)


def test_a_predictor_that_adds_hardly_anything_is_dropped():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(2000, 2))
    good = values + 0.1 * rng.normal(size=values.shape)
    predictions = np.stack(
        [good, values + 0.1 * rng.normal(size=values.shape), values + 5 * rng.normal(size=values.shape)]
    )
    found = weights_by_task(predictions, values, np.ones(values.shape), np.arange(2))
    assert of_each_task(predictions, values, np.ones(values.shape))[2].min() > 0
    np.testing.assert_array_equal(found[2], 0.0)
    np.testing.assert_allclose(found[:2], of_each_task(predictions[:2], values, np.ones(values.shape)), atol=0.05)


def test_a_predictor_that_is_kept_or_needed_by_one_task_stays():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(2000, 2))
    good = values + 0.1 * rng.normal(size=values.shape)
    other = np.column_stack([good[:, 0] + rng.normal(size=2000), values[:, 1] + 0.1 * rng.normal(size=2000)])
    found = weights_by_task(np.stack([other, good]), values, np.ones(values.shape), np.arange(2))
    assert found[0, 1] > 0.3
    noise = rng.normal(size=values.shape)
    assert not weights_by_task([noise, good], values, np.ones(values.shape), np.arange(2))[0].any()
    assert weights_by_task([good + noise, good], values, np.ones(values.shape), np.arange(2), kept=[0]).shape == (2, 2)
