"""Scorers of several tasks work wherever scikit-learn takes a scorer, also with missing labels."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import config_context, metrics
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmtl.metrics import TaskScorer, make_task_scorer

from .._data import data_path
from ._estimators import PerTaskClassifier, PerTaskRegressor
from ._tables import classification_tables, regression_tables, weights_of


class _Answering:
    """An estimator that returns the given responses."""

    def __init__(self, prediction, probabilities=None, classes=None):
        self.prediction, self.probabilities, self.classes_ = prediction, probabilities, classes

    def predict(self, X):
        return self.prediction

    def predict_proba(self, X):
        return self.probabilities


def _classification(seed=0, n=90):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame(
        {
            "mood": np.where(X[:, 0] + rng.normal(size=n) > 0, "up", "down"),
            "colour": np.array(["red", "green", "blue"])[rng.integers(0, 3, n)],
            "grade": rng.integers(1, 5, n).astype(float),
        }
    )
    return X, y.mask(rng.random(y.shape) < 0.2)


@settings(max_examples=30, deadline=None)
@given(regression_tables())
def test_the_score_is_the_mean_of_scikit_learns_metric_over_tasks(table):
    y, prediction, sample_weight, known = table
    expected = []
    for task in range(y.shape[1]):
        rows = np.flatnonzero(known[:, task])
        weight = weights_of(sample_weight, rows, task)
        expected.append(-metrics.mean_squared_error(y[rows, task], prediction[rows, task], sample_weight=weight))
    scorer = make_task_scorer("mean_squared_error")
    got = scorer(_Answering(prediction), None, y, sample_weight=sample_weight)
    assert got == pytest.approx(np.mean(expected), rel=1e-12)
    assert make_task_scorer("neg_mean_squared_error")(_Answering(prediction), None, y, sample_weight) == pytest.approx(
        got, rel=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(classification_tables())
def test_probability_scores_take_the_classes_of_the_estimator(table):
    y, prediction, probabilities, classes, sample_weight, known = table
    model = _Answering(prediction, probabilities, classes)
    scores = make_task_scorer("neg_log_loss").task_scores(model, None, y, sample_weight=sample_weight)
    for task in range(y.shape[1]):
        rows = np.flatnonzero(known[:, task])
        codes = np.searchsorted(classes[task], np.array(list(y[rows, task])))
        expected = -metrics.log_loss(
            codes,
            probabilities[task][rows],
            sample_weight=weights_of(sample_weight, rows, task),
            labels=np.arange(len(classes[task])),
        )
        assert scores.iloc[task] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss", "neg_brier_score"]
)
def test_one_task_scores_as_with_scikit_learns_own_scorer(name):
    X, y = _classification()
    rows = y["colour"].notna().to_numpy()
    X, y = X[rows], y.loc[rows, "colour"].to_numpy()
    model = LogisticRegression().fit(X, y)
    expected = metrics.get_scorer(name)(model, X, y)
    assert make_task_scorer(name)(model, X, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "neg_log_loss"])
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(n_estimators=5, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
        MLPClassifier((4,), max_iter=5, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_multi_label_scores_agree_with_scikit_learns_scorer(name, model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, :2] + rng.normal(size=(60, 2)) > 0).astype(int)
    model = clone(model).fit(X, y)
    matrix = model.predict_proba(X)
    if isinstance(matrix, list):
        matrix = np.column_stack([part[:, 1] for part in matrix])
    function = {
        "roc_auc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "neg_log_loss": lambda y, p: -metrics.log_loss(y, p),
    }[name]
    expected = np.mean([function(y[:, task], matrix[:, task]) for task in range(2)])
    assert make_task_scorer(name)(model, X, y) == pytest.approx(expected, abs=1e-12)


def test_decision_functions_are_used_without_probabilities():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, :2] + rng.normal(size=(60, 2)) > 0).astype(int)
    model = RidgeClassifier().fit(X, y)
    expected = metrics.roc_auc_score(y, model.decision_function(X))
    assert make_task_scorer("roc_auc")(model, X, y) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="needs predict_proba, which the estimator does not have"):
        make_task_scorer("neg_log_loss")(model, X, y)


@pytest.mark.parametrize(
    "name", ["accuracy", "f1_macro", "roc_auc", "neg_log_loss", "average_precision", "neg_brier_score"]
)
def test_grid_searches_run_with_missing_labels_and_several_classes(name):
    X, y = _classification()
    model = make_pipeline(StandardScaler(), PerTaskClassifier(DecisionTreeClassifier(random_state=0)))
    search = GridSearchCV(
        model,
        {"pertaskclassifier__estimator__max_depth": [1, 3]},
        scoring=make_task_scorer(name),
        cv=KFold(3),
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.score(X, y) == make_task_scorer(name)(search.best_estimator_, X, y)


def test_multi_metric_searches_take_a_dict_of_scorers():
    X, y = _classification()
    result = cross_validate(
        PerTaskClassifier(DecisionTreeClassifier(max_depth=2)),
        X,
        y,
        cv=KFold(3),
        scoring={
            "auc": make_task_scorer("roc_auc"),
            "colour": make_task_scorer("accuracy", task="colour"),
            "last": make_task_scorer("accuracy", task=2),
            "worst": make_task_scorer("accuracy", average="min"),
        },
        error_score="raise",
    )
    assert all(np.isfinite(result[f"test_{key}"]).all() for key in ("auc", "colour", "last", "worst"))
    assert (result["test_worst"] <= np.minimum(result["test_colour"], result["test_last"])).all()


def test_cross_validation_of_regressors_runs_with_missing_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.column_stack([X[:, 0], X[:, 1]])
    y[rng.random(y.shape) < 0.3] = np.nan
    scores = cross_val_score(
        PerTaskRegressor(LinearRegression()), X, y, scoring=make_task_scorer("r2"), cv=3, error_score="raise"
    )
    assert scores == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize(("average", "expected"), [("mean", 0.5), ("median", 0.4), ("min", 0.2), ("max", 0.9)])
def test_averages_are_those_of_their_name(average, expected):
    y = np.zeros((10, 3), dtype=int)
    prediction = np.ones((10, 3), dtype=int)
    for task, right in enumerate((2, 4, 9)):
        prediction[:right, task] = 0
    assert make_task_scorer("accuracy", average=average)(_Answering(prediction), None, y) == pytest.approx(expected)


def test_undefined_tasks_are_left_out_of_the_average_with_one_warning():
    y = np.array([[0, 1], [1, 1], [0, 1]])
    p = [np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), np.full((3, 2), 0.5)]
    model = _Answering(None, p, [np.array([0, 1])] * 2)
    with pytest.warns(UndefinedMetricWarning, match="'y1'") as caught:
        assert make_task_scorer("roc_auc")(model, None, y) == 1.0
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(make_task_scorer("roc_auc", task="y1")(model, None, y))


def test_a_class_that_the_estimator_has_never_seen_has_probability_zero():
    X = np.zeros((4, 1))
    model = DummyClassifier(strategy="prior").fit(X[:3], [[0, 5], [1, 5], [1, 5]])
    y = np.array([[0, 5], [1, 6], [2, 5], [1, 6]])
    p = np.array([[1 / 3, 2 / 3, 0.0]] * 4)
    scores = make_task_scorer("neg_log_loss").task_scores(model, X, y)
    assert scores["y0"] == pytest.approx(-metrics.log_loss(y[:, 0], p), abs=1e-12)
    assert scores["y1"] == pytest.approx(-metrics.log_loss([0, 1, 0, 1], [[1.0, 0.0]] * 4), abs=1e-12)
    assert make_task_scorer("roc_auc", task=1)(model, X, y) == 0.5


def test_tasks_may_have_their_own_metrics():
    y = pd.DataFrame({"price": [1.0, 2.0, 4.0], "type": ["u", "v", None]})
    prediction = pd.DataFrame({"price": [1.0, 2.0, 4.0], "type": ["u", "u", "u"]})
    scorer = make_task_scorer({"type": "accuracy", "price": "r2"})
    assert scorer(_Answering(prediction), None, y) == 0.75
    assert scorer.task_scores(_Answering(prediction), None, y).to_dict() == {"price": 1.0, "type": 0.5}
    assert make_task_scorer({"price": "r2"})(_Answering(prediction), None, y) == 1.0
    with pytest.raises(ValueError, match="There is no task 'prise'\\. Did you mean 'price'"):
        make_task_scorer({"prise": "r2"})(_Answering(prediction), None, y)


def test_direction_of_a_custom_metric():
    def my_rmse(y_true, y_pred):
        return float(np.sqrt(np.mean((y_true - y_pred) ** 2)))

    y, model = np.zeros((4, 2)), _Answering(np.full((4, 2), 2.0))
    with pytest.raises(ValueError, match="a higher my_rmse is better: pass greater_is_better"):
        make_task_scorer(my_rmse)
    assert make_task_scorer(my_rmse, greater_is_better=False)(model, None, y) == -2.0
    assert make_task_scorer(my_rmse, greater_is_better=True)(model, None, y) == 2.0
    with pytest.raises(ValueError, match="does not take sample weights"):
        make_task_scorer(my_rmse, greater_is_better=False)(model, None, y, np.ones(4))


def test_a_custom_metric_may_request_probabilities():
    def spread_score(y_true, y_proba):
        return float(np.ptp(y_proba))

    y = np.array([[0, 0], [1, 1], [0, 2]])
    p = [np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]), np.eye(3)]
    scorer = make_task_scorer(spread_score, response_method="predict_proba")
    model = _Answering(None, p, [np.array([0, 1]), np.arange(3)])
    assert scorer.task_scores(model, None, y).tolist() == pytest.approx([0.7, 1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "rocauc"}, "Did you mean 'roc_auc'"),
        ({"metric": "r2", "average": "mode"}, "average='mode'"),
        ({"metric": "r2", "task": "a", "average": "min"}, "has no effect, since only one task"),
        ({"metric": "r2", "response_method": "transform"}, "response_method='transform'"),
        ({"metric": "r2", "response_method": "predict_proba"}, "'r2' is a metric of predicted labels"),
        ({"metric": "log_loss", "response_method": "decision_function"}, "log_loss needs predict_proba"),
        ({"metric": "r2", "greater_is_better": False}, "higher is always better"),
        ({"metric": "roc_auc", "greater_is_better": False}, "higher is always better"),
        ({"metric": "log_loss", "greater_is_better": True}, "has greater_is_better=False"),
        ({"metric": metrics.make_scorer(metrics.r2_score), "greater_is_better": True}, "has its own"),
    ],
)
def test_invalid_arguments_are_refused_when_the_scorer_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_task_scorer(**arguments)


@pytest.mark.parametrize(("task", "kind"), [("y9", ValueError), (2, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_an_unknown_task_is_refused(task, kind):
    with pytest.raises(kind, match="task"):
        make_task_scorer("r2", task=task)(_Answering(np.ones((3, 2))), None, np.ones((3, 2)))


def test_scorers_are_cloned_pickled_and_shown():
    scorer = make_task_scorer("roc_auc", task="a", response_method="predict_proba")
    assert repr(scorer) == "TaskScorer(metric='roc_auc', response_method='predict_proba', task='a')"
    for other in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert isinstance(other, TaskScorer)
        assert other.get_params() == scorer.get_params()
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=scorer)
    assert clone(search).scoring.get_params() == scorer.get_params()


@pytest.mark.slow
def test_searches_in_several_processes_use_the_scorer():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    one, two = (
        cross_val_score(RandomForestRegressor(3, random_state=0), X, y, cv=2, scoring=make_task_scorer("r2"), n_jobs=n)
        for n in (1, 2)
    )
    assert one.tolist() == two.tolist()


def test_sample_weights_are_routed_to_the_scorer():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    weight = rng.uniform(0.1, 2.0, (40, 2))
    model = DummyRegressor()
    with config_context(enable_metadata_routing=True):
        scorer = make_task_scorer("mean_absolute_error").set_score_request(sample_weight=True)
        model.set_fit_request(sample_weight=False)
        weighted = cross_validate(model, X, y, cv=KFold(2), scoring=scorer, params={"sample_weight": weight})
        both = cross_validate(model, X, y, cv=KFold(2), scoring={"w": scorer}, params={"sample_weight": weight})
        plain = cross_validate(model, X, y, cv=KFold(2), scoring=make_task_scorer("mean_absolute_error"))
    expected = []
    for train, test in KFold(2).split(X):
        prediction = np.tile(y[train].mean(axis=0), (len(test), 1))
        errors = np.average(np.abs(y[test] - prediction), axis=0, weights=weight[test])
        expected.append(-errors.mean())
    assert weighted["test_score"] == pytest.approx(expected, rel=1e-12)
    assert both["test_w"] == pytest.approx(expected, rel=1e-12)
    assert (plain["test_score"] != weighted["test_score"]).all()


def test_weights_without_a_request_are_refused():
    X, y = np.zeros((10, 1)), np.arange(20.0).reshape(10, 2)
    with config_context(enable_metadata_routing=True):
        model = DummyRegressor().set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="sample_weight"):
            cross_validate(model, X, y, cv=2, scoring=make_task_scorer("r2"), params={"sample_weight": np.ones(10)})


def test_weights_without_routing_reach_only_the_metrics_that_take_them():
    y = np.array([[0.0], [1.0], [4.0]])
    model = DummyRegressor(strategy="constant", constant=1.0).fit(y, y)
    scorer = metrics.check_scoring(
        model, {"mse": make_task_scorer("mean_squared_error"), "max": make_task_scorer("max_error")}
    )
    got = scorer(model, y, y, sample_weight=np.array([1.0, 1.0, 2.0]))
    assert got == {"mse": -19 / 4, "max": -3.0}


def test_the_same_scores_with_polars():
    polars = pytest.importorskip("polars")
    y = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [5.0, None, 3.0]})
    prediction = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 1.0, 3.0]})
    expected = make_task_scorer("r2")(_Answering(prediction), None, y)
    assert make_task_scorer("r2")(_Answering(prediction), None, polars.from_pandas(y)) == expected


def test_real_tables_with_missing_labels_and_many_classes_are_scored():
    table = pd.read_csv(data_path("bridges.csv.gz"))
    targets = [name for name in table.columns if name.startswith("target:")]
    X = table.drop(columns=targets).select_dtypes("number").fillna(0.0).to_numpy()
    y = table[targets]
    model = PerTaskClassifier(DecisionTreeClassifier(max_depth=3, random_state=0)).fit(X, y)
    scores = make_task_scorer("roc_auc").task_scores(model, X, y)
    assert list(scores.index) == targets
    for task, name in enumerate(targets):
        known = y[name].notna().to_numpy()
        labels, p = y[name][known].to_numpy(), model.predict_proba(X)[task][known]
        p = p[:, 1] if p.shape[1] == 2 else p
        assert scores[name] == pytest.approx(metrics.roc_auc_score(labels, p, multi_class="ovr"), abs=1e-12)
