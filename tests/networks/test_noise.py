"""The dropout noise is uniform, independent from call to call, and the same under XLA."""

import numpy as np
import tensorflow as tf

from skmtl.networks._noise import uniform_noise

SHAPE = (4, 50, 200)


def draw(seed, jit=False):
    return tf.function(lambda s: uniform_noise(SHAPE, s), jit_compile=jit)(tf.constant(seed, tf.uint32)).numpy()


def test_numbers_are_uniform_in_the_unit_interval():
    noise = draw([3, 5]).ravel()
    assert noise.min() >= 0
    assert noise.max() < 1
    counts, _ = np.histogram(noise, bins=20, range=(0, 1))
    # Chi-squared with 19 degrees of freedom: 43.8 is exceeded once in a thousand.
    expected = len(noise) / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8


def test_consecutive_calls_and_neighbours_do_not_correlate():
    first, second, other = draw([3, 5]).ravel(), draw([3, 6]).ravel(), draw([4, 5]).ravel()
    # Standard error of a correlation of 40,000 pairs is 0.005.
    for a, b in ((first, second), (first, other), (first[1:], first[:-1])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.02


def test_the_same_bits_under_xla():
    np.testing.assert_array_equal(draw([1, 2]), draw([1, 2], jit=True))
