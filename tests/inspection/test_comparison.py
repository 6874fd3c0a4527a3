"""Tables and verdicts of a comparison, for given scores."""

import numpy as np
import pytest

from skmtl.inspection._statistics import corrected_interval
from skmtl.metrics import delta_m

from ._comparisons import comparison_of

SCORES = {
    "multi_task": {"a": [0.80, 0.82, 0.81, 0.79, 0.83], "b": [0.50, 0.40, 0.55, 0.45, 0.60]},
    "single_task": {"a": [0.70, 0.71, 0.72, 0.69, 0.73], "b": [0.52, 0.38, 0.54, 0.47, 0.58]},
    "ridge": {"a": [0.90] * 5, "b": [0.10] * 5},
}


def test_frame_holds_means_differences_and_corrected_intervals():
    frame = comparison_of(SCORES).frame()
    gains = np.subtract(SCORES["multi_task"]["a"], SCORES["single_task"]["a"])
    expected = corrected_interval(gains, 0.25, 0.95)
    row = frame.loc["a"]
    assert row["multi_task"] == pytest.approx(0.81)
    assert row["single_task"] == pytest.approx(0.71)
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx((0.1, expected.low, expected.high))
    assert row["relative_gain"] == pytest.approx(100 * 0.1 / 0.29)
    assert frame["verdict"].to_dict() == {"a": "helped", "b": "no difference"}
    assert frame["ridge"].to_dict() == pytest.approx({"a": 0.9, "b": 0.1})


@pytest.mark.parametrize("scoring", ["mean_squared_error", "log_loss"])
def test_a_lower_error_is_a_gain(scoring):
    frame = comparison_of(SCORES, scoring).frame()
    assert frame["verdict"]["a"] == "hurt"
    assert frame["difference"]["a"] == pytest.approx(-0.1)
    assert frame["relative_gain"]["a"] == pytest.approx(-100 * 0.1 / 0.71)


def test_any_estimator_can_be_compared_with():
    frame = comparison_of(SCORES).frame("ridge")
    assert frame["verdict"].to_dict() == {"a": "hurt", "b": "helped"}
    assert frame["difference"].to_dict() == pytest.approx({"a": -0.09, "b": 0.4})
    with pytest.raises(ValueError, match=r"no estimator 'rigde'\. Did you mean 'ridge'"):
        comparison_of(SCORES).frame("rigde")


def test_summary_has_delta_m_of_losses_ranks_and_verdicts():
    comparison = comparison_of(SCORES)
    summary, frame = comparison.summary(), comparison.frame()
    for name in ("multi_task", "ridge"):
        expected = delta_m(1 - frame[name], 1 - frame["single_task"], greater_is_better=False)
        assert summary.loc[name, "delta_m"] == pytest.approx(expected)
    assert summary.loc["single_task", "delta_m"] == 0.0
    assert summary["mean_rank"].to_dict() == {"multi_task": 1.5, "single_task": 2.5, "ridge": 2.0}
    assert summary.loc["multi_task", ["helped", "no_difference", "hurt"]].tolist() == [1, 1, 0]
    assert summary.loc["ridge", ["helped", "no_difference", "hurt"]].tolist() == [1, 0, 1]


def test_the_overall_verdict_is_on_the_mean_gain_of_the_folds():
    summary = comparison_of(SCORES).summary().loc["multi_task"]
    losses = {name: np.array([1 - np.array(folds) for folds in tasks.values()]) for name, tasks in SCORES.items()}
    gains = 100 * (losses["single_task"] - losses["multi_task"]) / losses["single_task"].mean(axis=1, keepdims=True)
    expected = corrected_interval(gains.mean(axis=0), 0.25, 0.95)
    assert (summary["ci_low"], summary["ci_high"]) == pytest.approx((expected.low, expected.high))
    assert summary["verdict"] == expected.verdict


def test_times_and_parameters_are_summed_over_the_fits_of_a_fold():
    fits = [
        {"estimator": "multi_task", "task": None, "fold": fold, "fit_time": time, "n_parameters": 100.0}
        for fold, time in enumerate([9.0, 2.0, 2.0, 2.0, 2.0])
    ]
    fits += [
        {"estimator": name, "task": task, "fold": fold, "fit_time": time, "n_parameters": size}
        for name in ("single_task", "ridge")
        for task, time, size in (("a", 1.0, 60.0), ("b", 3.0, 70.0))
        for fold in range(5)
    ]
    comparison = comparison_of(SCORES, fits=fits)
    summary, frame = comparison.summary(), comparison.frame()
    # The first fit also compiles; the median leaves it out.
    assert summary.loc["multi_task", ["fit_time", "time_ratio", "n_parameters", "n_fits"]].tolist() == [2, 0.5, 100, 1]
    assert summary.loc["single_task", ["fit_time", "time_ratio", "n_parameters", "n_fits"]].tolist() == [4, 1, 130, 2]
    assert frame["fit_time_single_task"].to_dict() == {"a": 1.0, "b": 3.0}
    assert frame["fit_time_multi_task"].to_dict() == {"a": 2.0, "b": 2.0}
    assert frame["n_parameters_single_task"].to_dict() == {"a": 60.0, "b": 70.0}


def test_a_baseline_with_zero_loss_has_no_relative_gain():
    scores = {"multi_task": {"a": [0.9, 0.8], "b": [0.5, 0.6]}, "single_task": {"a": [1.0, 1.0], "b": [0.5, 0.5]}}
    comparison = comparison_of(scores)
    assert np.isnan(comparison.frame()["relative_gain"]["a"])
    assert comparison.summary().loc["multi_task", "delta_m"] == pytest.approx(10.0)


def test_undefined_folds_are_left_out_of_all_means():
    scores = {
        "multi_task": {"a": [0.8, np.nan, 0.9, 0.7]},
        "single_task": {"a": [0.7, 0.1, 0.8, np.nan]},
    }
    comparison = comparison_of(scores)
    row = comparison.frame().loc["a"]
    assert (row["multi_task"], row["single_task"], row["n_folds"]) == pytest.approx((0.85, 0.75, 2))
    assert row["difference"] == pytest.approx(0.1)
    assert comparison.summary().loc["multi_task", "delta_m"] == pytest.approx(40.0)
    assert comparison.summary()["mean_rank"].tolist() == [1.0, 2.0]


def test_a_task_that_no_fold_scores_is_unknown():
    scores = {
        "multi_task": {"a": [np.nan] * 3, "b": [0.8, 0.8, 0.7]},
        "single_task": {"a": [0.5] * 3, "b": [0.7, 0.7, 0.6]},
    }
    comparison = comparison_of(scores)
    assert comparison.frame()["verdict"].to_dict() == {"a": "unknown", "b": "helped"}
    assert comparison.summary()["mean_rank"].tolist() == [1.0, 2.0]
    assert "b" in repr(comparison)


def test_the_repr_describes_the_comparison_and_its_result():
    text = repr(comparison_of(SCORES, budget="equal_parameters"))
    assert "2 tasks, 5 folds, baselines with as many parameters in total" in text
    assert "helped" in text and "no difference" in text
    assert "Mean relative reduction of 1 - r2; positive means multi-task is better." in text
    assert "Mean ranks: multi_task 1.5, ridge 2.0, single_task 2.5." in text


def test_html_is_escaped_and_marks_the_verdicts():
    scores = {name: {f"<{task}>": folds for task, folds in tasks.items()} for name, tasks in SCORES.items()}
    text = comparison_of(scores)._repr_html_()
    assert "&lt;a&gt;" in text and "<a>" not in text
    assert text.count("background-color") == 1
    assert text.startswith("<div>") and text.endswith("</div>")
