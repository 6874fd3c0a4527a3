"""Offsets of intervals: those of in-distribution errors, or the wider of both if a row may be shifted."""

import numpy as np
import pytest

from skmtl.blending._intervals import cautious, check_coverage, covering

IN_DISTRIBUTION = np.array([[-1.0, 1.0], [-2.0, 4.0]])
SHIFTED = np.array([[-3.0, 5.0], [-1.0, 9.0]])


def test_in_distribution_rows_have_in_distribution_intervals():
    np.testing.assert_array_equal(covering(IN_DISTRIBUTION, SHIFTED, np.zeros(2)), [IN_DISTRIBUTION, IN_DISTRIBUTION])
    np.testing.assert_array_equal(covering(IN_DISTRIBUTION, None, np.array([0.7])), [IN_DISTRIBUTION])


def test_rows_that_may_be_shifted_have_the_wider_ends_of_both():
    wider = [[-3.0, 5.0], [-2.0, 9.0]]
    np.testing.assert_array_equal(covering(IN_DISTRIBUTION, SHIFTED, np.array([0.25, 1.0])), [wider, wider])


def test_caution_rises_with_the_probability_and_is_never_below_it():
    probability = np.linspace(0, 1, 101)
    share = cautious(probability)
    assert (np.diff(share) >= 0).all() and (share >= probability).all()
    assert np.abs(np.diff(share)).max() < 0.11
    assert share[0] == 0.0 and share[26] == share[-1] == 1.0


def test_infinite_ends_stay_infinite_and_do_not_count_with_a_share_of_0():
    without = np.full((2, 2), [-np.inf, np.inf])
    np.testing.assert_array_equal(covering(IN_DISTRIBUTION, without, np.zeros(1)), [IN_DISTRIBUTION])
    np.testing.assert_array_equal(covering(IN_DISTRIBUTION, without, np.ones(1)), [without])


@pytest.mark.parametrize("coverage", [0, 1, -0.1, np.nan, "0.9", None])
def test_coverage_outside_0_and_1_is_refused(coverage):
    with pytest.raises(ValueError, match="coverage should be a number between 0 and 1"):
        check_coverage(coverage)
