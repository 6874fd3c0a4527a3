"""task_scores gives scikit-learn's values on the rows of each task that have a label."""

import warnings
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning

from skmtl.metrics import task_scores

from ._tables import classification_tables, regression_tables, weights_of

REGRESSION = {
    "r2": metrics.r2_score,
    "explained_variance_score": metrics.explained_variance_score,
    "mean_squared_error": metrics.mean_squared_error,
    "root_mean_squared_error": metrics.root_mean_squared_error,
    "neg_mean_absolute_error": lambda y, p, sample_weight: (
        -metrics.mean_absolute_error(y, p, sample_weight=sample_weight)
    ),
    "median_absolute_error": metrics.median_absolute_error,
}


@settings(max_examples=60, deadline=None)
@given(regression_tables())
def test_regression_metrics_agree_with_scikit_learn_on_the_known_labels(table):
    y_true, y_pred, sample_weight, known = table
    scores = task_scores(y_true, y_pred, list(REGRESSION), sample_weight=sample_weight)
    for task in range(y_true.shape[1]):
        rows = np.flatnonzero(known[:, task])
        weight = weights_of(sample_weight, rows, task)
        for name, function in REGRESSION.items():
            expected = function(y_true[rows, task], y_pred[rows, task], sample_weight=weight)
            assert scores.loc[f"y{task}", name] == pytest.approx(expected, rel=1e-12, abs=1e-12)


LABELS = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "f1_macro": partial(metrics.f1_score, average="macro", pos_label=None),
    "hamming_loss": metrics.hamming_loss,
    "matthews_corrcoef": metrics.matthews_corrcoef,
    "cohen_kappa_score": metrics.cohen_kappa_score,
}


@settings(max_examples=40, deadline=None)
@given(classification_tables())
def test_label_metrics_agree_with_scikit_learn_on_the_known_labels(table):
    y_true, y_pred, _, _, sample_weight, known = table
    scores = task_scores(y_true, y_pred, list(LABELS), sample_weight=sample_weight)
    for task in range(y_true.shape[1]):
        rows = np.flatnonzero(known[:, task])
        weight = weights_of(sample_weight, rows, task)
        truth, prediction = (np.array(list(y[rows, task])) for y in (y_true, y_pred))
        for name, function in LABELS.items():
            expected = function(truth, prediction, sample_weight=weight)
            assert scores.loc[f"y{task}", name] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def _expected_of_scores(codes, p, weight):
    binary, labels = p.shape[1] == 2, np.arange(p.shape[1])
    column = p[:, 1] if binary else p
    return {
        "roc_auc": metrics.roc_auc_score(codes, column, sample_weight=weight, multi_class="ovr"),
        "roc_auc_ovr_weighted": metrics.roc_auc_score(
            codes, column, sample_weight=weight, multi_class="ovr", average="weighted"
        ),
        "average_precision": metrics.average_precision_score(codes, column, sample_weight=weight),
        "neg_log_loss": -metrics.log_loss(codes, p, sample_weight=weight, labels=labels),
        "brier_score_loss": metrics.brier_score_loss(codes, p, sample_weight=weight, labels=labels),
        "d2_log_loss_score": metrics.d2_log_loss_score(codes, p, sample_weight=weight, labels=labels),
        "d2_brier_score": metrics.d2_brier_score(codes, p, sample_weight=weight, labels=labels),
    }


@settings(max_examples=40, deadline=None)
@given(classification_tables())
def test_probability_metrics_agree_with_scikit_learn_for_any_classes(table):
    y_true, _, probabilities, classes, sample_weight, known = table
    names = list(_expected_of_scores(np.array([0, 1]), np.full((2, 2), 0.5), None))
    scores = task_scores(y_true, probabilities, names, classes=classes, sample_weight=sample_weight)
    for task in range(y_true.shape[1]):
        rows = np.flatnonzero(known[:, task])
        codes = np.searchsorted(classes[task], np.array(list(y_true[rows, task])))
        expected = _expected_of_scores(codes, probabilities[task][rows], weights_of(sample_weight, rows, task))
        for name in names:
            assert scores.loc[f"y{task}", name] == pytest.approx(expected[name], rel=1e-12, abs=1e-12), name


def test_one_vs_one_roc_auc_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 50), rng.dirichlet(np.ones(3), 50)
    expected = metrics.roc_auc_score(y, p, multi_class="ovo")
    assert task_scores(y, p, "roc_auc_ovo").iloc[0, 0] == pytest.approx(expected, abs=1e-12)
    assert task_scores(y, p, partial(metrics.roc_auc_score, multi_class="ovo")).iloc[0, 0] == expected


def test_top_k_accuracy_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 4, 50), rng.dirichlet(np.ones(4), 50)
    expected = metrics.top_k_accuracy_score(y, p, k=3)
    assert task_scores(y, p, partial(metrics.top_k_accuracy_score, k=3)).iloc[0, 0] == expected


def test_a_matrix_holds_the_scores_of_the_second_class_of_binary_tasks():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (40, 3)).astype(float), rng.random((40, 3))
    y[rng.random(y.shape) < 0.3] = np.nan
    scores = task_scores(y, p, ["roc_auc", "log_loss"])
    for task in range(3):
        known = ~np.isnan(y[:, task])
        assert scores.loc[f"y{task}", "roc_auc"] == metrics.roc_auc_score(y[known, task], p[known, task])
        expected = metrics.log_loss(y[known, task], p[known, task])
        assert scores.loc[f"y{task}", "log_loss"] == pytest.approx(expected, abs=1e-12)


def test_labels_and_scores_may_come_together():
    y = np.array(["a", "b", "b", "a"])
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.8, 0.2]])
    scores = task_scores(y, ["a", "b", "a", "a"], ["accuracy", "roc_auc"], y_score=p)
    assert scores.loc["y0"].tolist() == [0.75, 1.0]


def test_rows_and_columns_carry_names():
    y = pd.DataFrame({"price": [1.0, 2.0, 4.0], "size": [1.0, None, 3.0]})
    scores = task_scores(y, y.fillna(0.0), {"fit": "r2", "worst": "max_error"})
    assert list(scores.index) == ["price", "size"]
    assert list(scores.columns) == ["fit", "worst"]


def test_task_names_name_the_tasks_of_arrays():
    scores = task_scores([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], "r2", task_names=["a", "b"])
    assert list(scores.index) == ["a", "b"]
    with pytest.raises(ValueError, match="2 different names"):
        task_scores([[1.0, 2.0]], [[1.0, 2.0]], "r2", task_names=["a"])
    with pytest.raises(ValueError, match="task_names is for arrays"):
        task_scores(pd.DataFrame({"a": [1.0, 2.0]}), [1.0, 2.0], "r2", task_names=["b"])


def test_tables_are_matched_by_column_name():
    y = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [5.0, 1.0, 3.0]})
    scores = task_scores(y, y[["b", "a"]], "r2")
    assert scores["r2"].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="y_pred has the columns"):
        task_scores(y, y.rename(columns={"a": "c"}), "r2")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_every_kind_of_missing_label_is_left_out(missing):
    y = pd.DataFrame({"a": pd.Series(["x", missing, "y", "y"], dtype=object), "b": [1, 2, 3, 4]})
    prediction = pd.DataFrame({"a": ["x", "x", "y", "x"], "b": [1, 2, 3, 3]})
    assert task_scores(y, prediction, "accuracy")["accuracy"].tolist() == [2 / 3, 3 / 4]


def test_nullable_integers_and_categories_are_labels():
    y = pd.DataFrame({"a": pd.array([1, None, 0, 1], dtype="Int64"), "b": pd.Categorical(["u", "v", None, "u"])})
    prediction = pd.DataFrame({"a": [1, 0, 0, 0], "b": ["u", "u", "v", "u"]})
    assert task_scores(y, prediction, "accuracy")["accuracy"].tolist() == [2 / 3, 2 / 3]


def test_booleans_beside_missing_labels_are_labels():
    y = np.array([[True], [None], [False], [True]], dtype=object)
    assert task_scores(y, np.array([True, True, False, False]), "accuracy").iloc[0, 0] == 2 / 3


def test_each_task_may_have_its_own_metrics():
    y = pd.DataFrame({"price": [1.0, 2.0, 4.0], "type": ["u", "v", "v"]})
    prediction = pd.DataFrame({"price": [1.0, 2.0, 3.0], "type": ["u", "v", "u"]})
    proba = [None, np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])]
    scores = task_scores(y, prediction, {"price": "r2", "type": ["accuracy", "roc_auc"]}, y_score=proba)
    assert scores.loc["type"].dropna().to_dict() == {"accuracy": 2 / 3, "roc_auc": 1.0}
    assert scores.loc["price"].notna().tolist() == [True, False, False]


def test_a_class_that_the_scores_lack_has_probability_zero():
    y = np.array(["a", "b", "c", "a"])
    p = np.array([[0.7, 0.3], [0.2, 0.8], [0.5, 0.5], [0.6, 0.4]])
    widened = np.column_stack([p, np.zeros(4)])
    got = task_scores(y, p, ["log_loss", "roc_auc"], classes=["a", "b"])
    assert got.loc["y0", "log_loss"] == pytest.approx(metrics.log_loss(y, widened), abs=1e-12)
    assert got.loc["y0", "roc_auc"] == metrics.roc_auc_score(y, widened, multi_class="ovr")


def test_classes_give_the_order_of_the_columns():
    y = np.array(["a", "b", "b", "a"])
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.8, 0.2]])
    assert task_scores(y, p, "roc_auc").iloc[0, 0] == 1.0
    assert task_scores(y, p, "roc_auc", classes=["b", "a"]).iloc[0, 0] == 0.0
    assert task_scores(y, p, "roc_auc", classes={"y0": ["b", "a"]}).iloc[0, 0] == 0.0


def test_custom_scorers_and_functions_are_metrics():
    def bias(y_true, y_pred):
        return float(np.mean(y_pred - y_true))

    y, p = np.array([[1.0, 2.0], [np.nan, 4.0]]), np.array([[2.0, 2.0], [9.0, 6.0]])
    assert task_scores(y, p, bias)["bias"].tolist() == [1.0, 1.0]
    scorer = metrics.make_scorer(metrics.max_error, greater_is_better=False)
    assert task_scores(y, p, {"worst": scorer})["worst"].tolist() == [-1.0, -2.0]


def test_a_scorer_of_probabilities_gets_the_positive_column_as_in_scikit_learn():
    y = np.array([["no"], ["yes"], ["yes"]])
    p = [np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])]
    scorer = metrics.make_scorer(metrics.brier_score_loss, response_method="predict_proba", pos_label="yes")
    expected = metrics.brier_score_loss(y[:, 0], p[0][:, 1], pos_label="yes")
    assert task_scores(y, p, {"brier": scorer}, classes=[["no", "yes"]]).iloc[0, 0] == expected


def test_undefined_values_are_nan_with_one_warning_that_lists_the_tasks():
    y = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, np.nan], [1.0, 0.0, np.nan]])
    with pytest.warns(UndefinedMetricWarning) as caught:
        scores = task_scores(y, np.full((3, 3), 0.5), ["roc_auc", "average_precision"])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "roc_auc is undefined on these labels, and therefore NaN, for 'y0'" in message
    assert "roc_auc is undefined without a label, and therefore NaN, for 'y2'" in message
    assert scores["roc_auc"].isna().tolist() == [True, False, True]
    assert scores["average_precision"].isna().tolist() == [False, False, True]


def test_average_precision_without_a_positive_label_is_undefined():
    with pytest.warns(UndefinedMetricWarning, match="average_precision"):
        assert np.isnan(task_scores([0, 0, 0], [0.1, 0.2, 0.3], "average_precision").iloc[0, 0])
    p = np.full((3, 3), 1 / 3)
    with pytest.warns(UndefinedMetricWarning, match="average_precision"):
        assert np.isnan(task_scores([0, 1, 1], p, "average_precision").iloc[0, 0])


def test_the_auc_of_several_classes_is_undefined_if_one_has_no_row():
    p = np.full((4, 3), 1 / 3)
    with pytest.warns(UndefinedMetricWarning, match="roc_auc"):
        assert np.isnan(task_scores([0, 1, 1, 0], p, "roc_auc").iloc[0, 0])


def test_skill_is_undefined_for_one_class():
    with pytest.warns(UndefinedMetricWarning, match="d2_brier_score"):
        scores = task_scores([1, 1, 1], [0.1, 0.2, 0.3], ["d2_log_loss_score", "d2_brier_score"])
    assert scores.isna().all(axis=None)


def test_a_value_set_by_convention_is_kept_with_a_warning():
    y, p = np.array([0, 1, 1]), np.array([0, 0, 0])
    with pytest.warns(UndefinedMetricWarning, match="precision: Precision is ill-defined") as caught:
        assert task_scores(y, p, "precision").iloc[0, 0] == 0.0
    assert len(caught) == 1


def test_weights_of_zero_everywhere_leave_a_task_undefined():
    y = np.array([[1.0, 2.0], [2.0, 3.0]])
    with pytest.warns(UndefinedMetricWarning, match="without a weight above 0, and therefore NaN, for 'y1'"):
        scores = task_scores(y, y, "r2", sample_weight=[[1.0, 0.0], [1.0, 0.0]])
    assert scores["r2"].isna().tolist() == [False, True]


def test_weights_of_missing_labels_do_not_matter():
    y = np.array([[1.0, 2.0], [2.0, np.nan], [4.0, 3.0]])
    weight = np.array([[1.0, 2.0], [2.0, np.nan], [1.0, 1.0]])
    frame = pd.DataFrame(weight)
    got = task_scores(y, y + [[1.0], [0.0], [2.0]], "mean_squared_error", sample_weight=weight)
    assert got["mean_squared_error"].tolist() == [5 / 4, 6 / 3]
    again = task_scores(y, y + [[1.0], [0.0], [2.0]], "mean_squared_error", sample_weight=frame)
    assert again.equals(got)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "r3"}, "Unknown metric 'r3'. Did you mean 'r2'"),
        ({"metrics": []}, "metrics is empty"),
        ({"metrics": {}}, "empty mapping"),
        ({"metrics": ["r2", "r2"]}, "same name"),
        ({"metrics": {"y0": "r2", "y7": "r2"}}, "'y7' is not a task"),
        ({"metrics": {0: "r2", 5: "r2"}}, "no task at position 5"),
        ({"metrics": {0: "r2", "y0": "r2"}}, "are the same task"),
        ({"metrics": "max_error", "sample_weight": [1.0, 1.0, 1.0]}, "does not take sample weights"),
        ({"metrics": "r2", "sample_weight": [1.0, 1.0]}, "sample_weight should have the shape"),
        ({"metrics": "r2", "sample_weight": [1.0, -1.0, 1.0]}, "not negative"),
        ({"metrics": "r2", "sample_weight": ["a", "b", "c"]}, "sample_weight should hold numbers"),
        ({"metrics": "r2", "y_pred": np.ones((2, 2))}, "y_pred has 2 rows, y_true has 3"),
        ({"metrics": "r2", "y_pred": np.ones((3, 3))}, "y_pred has 3 columns, y_true has 2 tasks"),
        ({"metrics": "r2", "y_pred": [np.ones((3, 2))] * 2}, "like the output of predict_proba"),
        ({"metrics": "r2", "y_pred": np.full((3, 2), np.nan)}, "missing values in rows that have a label"),
        ({"metrics": "roc_auc", "y_pred": np.array([["a", "b"]] * 3)}, "needs scores like the output of predict_proba"),
        ({"metrics": "roc_auc", "y_pred": np.ones((3, 3))}, "list of 2 matrices"),
        ({"metrics": "roc_auc", "y_pred": [np.ones((3, 2))]}, "returned 1 matrices for 2 tasks"),
        ({"metrics": "roc_auc", "classes": [0, 1]}, "classes should be a list of 2 arrays"),
        ({"metrics": "roc_auc", "classes": {"y9": [0, 1]}}, "classes names the task 'y9'"),
        ({"metrics": partial(metrics.log_loss, labels=[0, 1])}, "leave out labels"),
        ({"metrics": lambda y, p: y}, "should return one number per task"),
        ({"metrics": "mean_squared_log_error", "y_pred": -np.ones((3, 2))}, "of the task 'y0'"),
    ],
)
def test_invalid_input_is_refused(arguments, message):
    given = {"y_true": np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]]), "y_pred": np.zeros((3, 2)), **arguments}
    with pytest.raises(ValueError, match=message):
        task_scores(**given)


def test_an_invalid_metric_is_refused():
    with pytest.raises(TypeError, match="A metric should be a name, a function or a scorer, got 3"):
        task_scores([1.0, 2.0], [1.0, 2.0], 3)


def test_scores_without_known_columns_are_refused():
    p = np.full((4, 3), 1 / 3)
    with pytest.raises(ValueError, match="pass `classes`"):
        task_scores(["a", "b", "a", "b"], p, "roc_auc")
    with pytest.raises(ValueError, match="of another type than its classes"):
        task_scores([1, 0, 1, 0], p, "roc_auc", classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="2 classes"):
        task_scores([1, 0, 1, 0], p, "roc_auc", classes=[0, 1])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 15), st.integers(1, 4))
def test_the_auc_of_two_classes_is_nan_exactly_if_only_one_is_present(seed, n_rows, n_tasks):
    rng = np.random.default_rng(seed)
    y = np.where(rng.random((n_rows, n_tasks)) < 0.6, rng.integers(0, 2, (n_rows, n_tasks)), np.nan)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scores = task_scores(y, rng.random(y.shape), "roc_auc")
    one_class = [len(np.unique(column[~np.isnan(column)])) < 2 for column in y.T]
    assert scores["roc_auc"].isna().tolist() == one_class
    assert len(caught) == any(one_class)


@settings(max_examples=30, deadline=None)
@given(regression_tables())
def test_predictions_without_a_label_do_not_matter(table):
    y_true, y_pred, sample_weight, known = table
    names = ["r2", "mean_absolute_error"]
    scores = task_scores(y_true, y_pred, names, sample_weight=sample_weight)
    changed = np.where(known, y_pred, np.nan)
    assert task_scores(y_true, changed, names, sample_weight=sample_weight).equals(scores)


@pytest.mark.parametrize("classes", [None, ["a", "b", "c"], ["c", "a", "b"]], ids=str)
def test_score_columns_named_after_the_classes_are_matched_by_name(classes):
    y = np.array(["a", "b", "c", "a", "b", "c"])
    p = pd.DataFrame(np.random.default_rng(0).dirichlet(np.ones(3), 6), columns=["a", "b", "c"])
    expected = task_scores(y, p.to_numpy(), "log_loss")
    scores = task_scores(y, p[["c", "b", "a"]], "log_loss", classes=classes)
    pd.testing.assert_frame_equal(scores, expected)
    two = task_scores(np.column_stack([y, y]), [p[["b", "a", "c"]], p], "log_loss", classes=classes and [classes] * 2)
    assert two["log_loss"].tolist() == [expected.iloc[0, 0]] * 2


ODD_LABELS = {
    "decimals": [Decimal("1.5"), Decimal("2.5")],
    "dates with a zone": list(pd.DatetimeIndex(["2020", "2021"], tz="Europe/Berlin")),
    "periods": list(pd.period_range("2020-01", periods=2, freq="M")),
    "durations": list(np.array([1, 2], "m8[D]")),
}


@pytest.mark.parametrize("kind", ODD_LABELS)
def test_classes_may_be_of_any_type(kind):
    """Metrics of labels treat labels as names; a quantity stays a quantity."""
    codes, predicted = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    labels = np.empty(2, dtype=object)
    labels[:] = ODD_LABELS[kind]
    scores = task_scores(labels[codes], labels[predicted], ["accuracy", "f1"], classes=[labels])
    pd.testing.assert_frame_equal(scores, task_scores(codes, predicted, ["accuracy", "f1"]))
    if kind == "decimals":
        assert task_scores(labels[codes], labels[predicted], "mean_squared_error").iloc[0, 0] == 0.25
