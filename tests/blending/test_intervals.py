"""Offsets of intervals: of near rows, and the wider of near and far ones where a row may be far."""

import numpy as np
import pytest

from skmtl.blending._intervals import cautious, check_coverage, covering

NEAR = np.array([[-1.0, 1.0], [-2.0, 4.0]])
FAR = np.array([[-3.0, 5.0], [-1.0, 9.0]])


def test_rows_that_are_surely_near_have_the_intervals_of_near_rows():
    np.testing.assert_array_equal(covering(NEAR, FAR, np.zeros(2)), [NEAR, NEAR])
    np.testing.assert_array_equal(covering(NEAR, None, np.array([0.7])), [NEAR])


def test_rows_that_may_be_far_have_the_wider_ends_of_both():
    wider = [[-3.0, 5.0], [-2.0, 9.0]]
    np.testing.assert_array_equal(covering(NEAR, FAR, np.array([0.25, 1.0])), [wider, wider])


def test_caution_rises_with_the_probability_and_is_never_below_it():
    probability = np.linspace(0, 1, 101)
    share = cautious(probability)
    assert (np.diff(share) >= 0).all() and (share >= probability).all()
    assert np.abs(np.diff(share)).max() < 0.11
    assert share[0] == 0.0 and share[26] == share[-1] == 1.0


def test_ends_without_bound_stay_so_and_those_of_no_share_do_not_count():
    without = np.full((2, 2), [-np.inf, np.inf])
    np.testing.assert_array_equal(covering(NEAR, without, np.zeros(1)), [NEAR])
    np.testing.assert_array_equal(covering(NEAR, without, np.ones(1)), [without])


@pytest.mark.parametrize("coverage", [0, 1, -0.1, np.nan, "0.9", None])
def test_a_coverage_that_is_no_probability_is_refused(coverage):
    with pytest.raises(ValueError, match="coverage should be a number between 0 and 1"):
        check_coverage(coverage)
