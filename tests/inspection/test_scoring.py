"""Metrics of the tasks, and their losses."""

import numpy as np
import pytest
from sklearn.metrics import get_scorer, make_scorer, mean_pinball_loss, r2_score

from skmtl.inspection._scoring import task_metrics
from skmtl.metrics import make_task_scorer

NAMES = ("price", "type")
KINDS = ("regression", "classification")


def one(scoring):
    return task_metrics(scoring, ("price",), ("regression",))[0]


def test_by_default_a_regression_is_scored_by_r2_and_a_classification_by_accuracy():
    resolved = task_metrics(None, NAMES, KINDS)
    assert [resolved[task].metric.name for task in (0, 1)] == ["r2", "accuracy"]
    assert [resolved[task].loss_name for task in (0, 1)] == ["1 - r2", "1 - accuracy"]


@pytest.mark.parametrize(
    ("scoring", "score", "loss", "gain_sign"),
    [
        ("r2", 0.8, 0.2, 1),
        (r2_score, 0.8, 0.2, 1),
        (make_scorer(r2_score), 0.8, 0.2, 1),
        ("roc_auc", 0.9, 0.1, 1),
        ("average_precision", 0.9, 0.1, 1),
        ("matthews_corrcoef", 0.9, 0.1, 1),
        ("f1_macro", 0.9, 0.1, 1),
        ("neg_log_loss", -0.4, 0.4, 1),
        ("neg_mean_squared_error", -4.0, 4.0, 1),
        ("log_loss", 0.4, 0.4, -1),
        ("mean_squared_error", 4.0, 4.0, -1),
        (mean_pinball_loss, 4.0, 4.0, -1),
        (make_scorer(mean_pinball_loss, greater_is_better=False), -4.0, 4.0, 1),
        ("mutual_info_score", 1.5, -1.5, 1),
        ("positive_likelihood_ratio", 3.0, -3.0, 1),
    ],
)
def test_losses_are_measured_from_the_best_value(scoring, score, loss, gain_sign):
    metric = one(scoring)
    assert metric.loss(score) == pytest.approx(loss)
    assert metric.gain_sign == gain_sign


@pytest.mark.parametrize(
    "name", ["r2", "explained_variance", "d2_absolute_error_score", "neg_mean_squared_error", "neg_max_error"]
)
def test_perfect_predictions_have_no_loss(name):
    y = np.arange(5.0)
    assert one(name).loss(get_scorer(name)._sign * get_scorer(name)._score_func(y, y)) == 0.0


def test_the_best_value_of_a_custom_score_is_unknown():
    def hits_score(y_true, y_pred):
        return float((y_true == y_pred).sum())

    metric = one(hits_score)
    assert (metric.loss(7.0), metric.loss_name) == (-7.0, "-hits_score")


def test_a_dict_gives_tasks_their_own_metric_and_leaves_others_out():
    resolved = task_metrics({"type": "roc_auc"}, NAMES, KINDS)
    assert list(resolved) == [1]
    assert resolved[1].offset == 1.0
    both = task_metrics({0: "neg_mean_squared_error", "type": "log_loss"}, NAMES, KINDS)
    assert [both[task].offset for task in (0, 1)] == [0.0, 0.0]


def test_a_dict_may_name_a_metric():
    resolved = one({"explained": "r2"})
    assert (resolved.metric.name, resolved.loss(1.0)) == ("explained", 0.0)


def test_a_task_scorer_provides_its_metrics():
    resolved = task_metrics(make_task_scorer({"price": "r2", "type": "log_loss"}), NAMES, KINDS)
    assert [resolved[task].metric.name for task in (0, 1)] == ["r2", "log_loss"]
    assert resolved[0].loss(0.75) == 0.25
    assert list(task_metrics(make_task_scorer("r2", task="price"), NAMES, KINDS)) == [0]


def test_several_metrics_for_a_task_are_refused():
    with pytest.raises(ValueError, match="gives the task 'price' the metrics"):
        one(["r2", "neg_mean_squared_error"])


def test_a_metric_of_unknown_direction_is_refused():
    def strange(y_true, y_pred):
        return 0.0

    with pytest.raises(ValueError, match="unknown whether a higher strange is better"):
        one(strange)
