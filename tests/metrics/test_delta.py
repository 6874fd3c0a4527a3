"""Δm is positive for a gain, whatever the direction of the scores."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skmtl.metrics import delta_m


def test_lower_errors_are_a_gain_in_per_cent():
    assert delta_m([0.5, 0.9], [1.0, 1.0], greater_is_better=False) == pytest.approx(30.0)
    assert delta_m([1.5, 1.1], [1.0, 1.0], greater_is_better=False) == pytest.approx(-30.0)


def test_higher_scores_are_a_gain_in_per_cent():
    assert delta_m([0.6, 0.9], [0.5, 0.9]) == pytest.approx(10.0)


def test_gains_of_negative_scores_have_the_right_sign():
    assert delta_m([-0.5], [-1.0]) == delta_m([0.5], [1.0], greater_is_better=False) == pytest.approx(50.0)


def test_each_metric_has_its_direction_and_each_task_the_same_weight():
    ours = pd.DataFrame({"auc": [0.6, np.nan], "loss": [0.9, 0.5]}, index=["a", "b"])
    baseline = pd.DataFrame({"loss": [1.0, 1.0], "auc": [0.5, np.nan]}, index=["a", "b"])
    gain = delta_m(ours, baseline, greater_is_better={"auc": True, "loss": False})
    assert gain == pytest.approx(100 * ((0.2 + 0.1) / 2 + 0.5) / 2)


def test_a_masked_score_is_missing():
    assert delta_m(np.ma.masked_array([2.0, 1e9], mask=[False, True]), [1.0, 1.0]) == 100.0


def test_a_dict_of_scores_is_refused_with_an_alternative():
    with pytest.raises(TypeError, match=r"pass pd.Series\(scores\)"):
        delta_m({"a": 1.0}, {"a": 1.0})


def test_each_task_of_a_series_has_its_direction_and_is_matched_by_name():
    ours, baseline = pd.Series({"a": 2.0, "b": 2.0}), pd.Series({"b": 1.0, "a": 1.0})
    assert delta_m(ours, baseline, greater_is_better={"a": True, "b": False}) == pytest.approx(0.0)
    assert delta_m(ours, baseline) == pytest.approx(100.0)


@pytest.mark.parametrize("baseline", [0.0, 1e-9, np.nan])
def test_a_baseline_near_zero_is_left_out_with_a_warning(baseline):
    with pytest.warns(UndefinedMetricWarning, match="No relative gain for 'y1'"):
        assert delta_m([0.6, 0.1], [0.5, baseline]) == pytest.approx(20.0)
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(delta_m([0.1], [baseline]))


def test_the_tolerance_decides_what_is_near_zero():
    assert delta_m([0.2], [0.1]) == pytest.approx(100.0)
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(delta_m([0.2], [0.1], atol=0.1))


@pytest.mark.parametrize(
    ("scores", "baseline", "direction", "kind", "message"),
    [
        ([1.0, 2.0], [1.0], True, ValueError, "shape"),
        (pd.Series({"a": 1.0}), pd.Series({"b": 1.0}), True, ValueError, "different tasks"),
        (pd.Series({"a": 1.0}), pd.Series({"a": 1.0}), {}, ValueError, "are missing"),
        (pd.Series({"a": 1.0}), pd.Series({"a": 1.0}), {"a": True, "b": True}, ValueError, "are unknown"),
        ([1.0], [1.0], "yes", TypeError, "greater_is_better"),
        (np.ones((1, 1, 1)), np.ones((1, 1, 1)), True, ValueError, "1-D or 2-D"),
    ],
)
def test_scores_that_do_not_match_are_refused(scores, baseline, direction, kind, message):
    with pytest.raises(kind, match=message):
        delta_m(scores, baseline, greater_is_better=direction)
