"""The corrected interval and the verdict on it."""

import numpy as np
import pytest
from scipy import stats

from skmtl.inspection._statistics import corrected_interval

DIFFERENCES = np.array([0.03, 0.01, 0.05, -0.02, 0.04])


def test_without_overlap_the_interval_is_that_of_the_t_test():
    interval = corrected_interval(DIFFERENCES, 0.0, 0.9)
    test = stats.ttest_1samp(DIFFERENCES, 0.0)
    assert interval.p_value == pytest.approx(test.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(test.confidence_interval(0.9)))


def test_the_correction_widens_the_interval_by_the_ratio_of_test_to_training_rows():
    plain, corrected = (corrected_interval(DIFFERENCES, ratio, 0.95) for ratio in (0.0, 0.25))
    width = (corrected.high - corrected.low) / (plain.high - plain.low)
    # (1/5 + 1/4) / (1/5), as in Nadeau and Bengio's equation for a 5-fold cross-validation.
    assert width == pytest.approx(np.sqrt(0.45 / 0.2))
    assert corrected.mean == pytest.approx(DIFFERENCES.mean())


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_interval_excludes_zero_exactly_where_the_p_value_is_small_enough(confidence):
    rng = np.random.default_rng(0)
    for _ in range(50):
        interval = corrected_interval(rng.normal(0.05, 0.05, size=5), 0.25, confidence)
        assert (interval.verdict != "no difference") == (interval.p_value < 1 - confidence)


def test_verdict_says_on_which_side_of_zero_the_interval_lies():
    wide = np.array([-0.3, 0.2, 0.1, -0.1, 0.05])
    shifted = [corrected_interval(wide + shift, 0.25, 0.95).verdict for shift in (-2.0, 0.0, 2.0)]
    assert shifted == ["hurt", "no difference", "helped"]


def test_folds_without_a_score_are_left_out():
    holes = np.array([np.nan, *DIFFERENCES, np.nan])
    assert corrected_interval(holes, 0.25, 0.95) == corrected_interval(DIFFERENCES, 0.25, 0.95)


@pytest.mark.parametrize("known", [[], [0.1]])
def test_fewer_than_two_folds_give_no_interval(known):
    interval = corrected_interval(np.array([np.nan, *known]), 0.25, 0.95)
    assert interval.verdict == "unknown"
    assert np.isnan(interval.low) and np.isnan(interval.p_value)


@pytest.mark.parametrize(("constant", "verdict", "p_value"), [(0.0, "no difference", 1.0), (0.5, "helped", 0.0)])
def test_equal_differences_have_an_interval_of_zero_width(constant, verdict, p_value):
    interval = corrected_interval(np.full(4, constant), 0.25, 0.95)
    assert (interval.low, interval.high, interval.p_value, interval.verdict) == (constant, constant, p_value, verdict)
