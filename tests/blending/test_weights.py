"""Weights of the parts."""

import numpy as np

from skmtl.blending import blend_weights

RNG = np.random.default_rng(2)
Y = RNG.normal(size=(300, 2))


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


def test_rows_without_a_label_have_no_say():
    predictions = np.stack([Y, np.zeros(Y.shape)])
    known = np.ones(Y.shape)
    known[:100] = 0
    spoilt = np.where(known > 0, Y, 1e9)
    np.testing.assert_allclose(blend_weights(predictions, spoilt, known), [[1, 1], [0, 0]], atol=1e-9)


def test_a_task_that_tells_nothing_gets_equal_weights():
    weights = blend_weights(np.zeros((4, 5, 1)), np.ones((5, 1)), np.ones((5, 1)))
    np.testing.assert_array_equal(weights, np.full((4, 1), 0.25))
    weights = blend_weights(RNG.normal(size=(4, 3, 1)), np.ones((3, 1)), np.ones((3, 1)))
    np.testing.assert_array_equal(weights, np.full((4, 1), 0.25))
