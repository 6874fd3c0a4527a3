"""One scorer returns several metrics and the score of every task."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmtl.metrics import make_multimetric_task_scorer, make_task_scorer

from ._estimators import PerTaskClassifier, PerTaskRegressor


class _Counting(PerTaskRegressor):
    calls = 0

    def predict(self, X):
        type(self).calls += 1
        return super().predict(X)


def _table(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    y = pd.DataFrame({"a": X[:, 0] + rng.normal(size=60), "b": X[:, 1]})
    return X, y.mask(rng.random(y.shape) < 0.2)


def test_scores_are_those_of_the_single_scorers():
    X, y = _table()
    model = PerTaskRegressor(LinearRegression()).fit(X, y)
    scores = make_multimetric_task_scorer(["r2", "mean_squared_error"], average="min")(model, X, y)
    assert scores == {
        "r2": make_task_scorer("r2", average="min")(model, X, y),
        "r2__a": make_task_scorer("r2", task="a")(model, X, y),
        "r2__b": make_task_scorer("r2", task="b")(model, X, y),
        "neg_mean_squared_error": make_task_scorer("mean_squared_error", average="min")(model, X, y),
        "neg_mean_squared_error__a": make_task_scorer("mean_squared_error", task="a")(model, X, y),
        "neg_mean_squared_error__b": make_task_scorer("mean_squared_error", task="b")(model, X, y),
    }


def test_all_scores_come_from_one_prediction():
    X, y = _table()
    model = _Counting(LinearRegression()).fit(X, y)
    _Counting.calls = 0
    make_multimetric_task_scorer(["r2", "neg_mean_absolute_error", "max_error"])(model, X, y)
    assert _Counting.calls == 1


def test_a_search_is_refitted_by_one_of_the_scores():
    X, y = _table()
    search = GridSearchCV(
        PerTaskRegressor(DecisionTreeRegressor(random_state=0)),
        {"estimator__max_depth": [1, 4]},
        scoring=make_multimetric_task_scorer({"fit": "r2"}),
        refit="fit__a",
        cv=KFold(3),
        error_score="raise",
    ).fit(X, y)
    results = search.cv_results_
    assert results["mean_test_fit__a"].argmax() == search.best_index_
    assert results["mean_test_fit"] == pytest.approx((results["mean_test_fit__a"] + results["mean_test_fit__b"]) / 2)


def test_tasks_may_have_their_own_metrics():
    X, y = _table()
    y["kind"] = np.where(X[:, 2] > 0, "u", "v")
    model = PerTaskClassifier(DecisionTreeClassifier(max_depth=1)).fit(X, y[["kind"]])
    scorer = make_multimetric_task_scorer({"kind": ["accuracy", "neg_log_loss"]}, average=None)
    assert scorer(model, X, y[["kind"]]).keys() == {"accuracy__kind", "neg_log_loss__kind"}
    assert scorer(model, X, y[["kind"]])["accuracy__kind"] == 1.0


def test_undefined_scores_are_nan_and_left_out_of_the_average():
    X, y = _table()
    model = PerTaskRegressor(LinearRegression()).fit(X, y)
    y = y.assign(a=np.nan)
    with pytest.warns(UndefinedMetricWarning, match="without a label, and therefore NaN, for 'a'") as caught:
        scores = make_multimetric_task_scorer("r2")(model, X, y)
    assert [warning.filename for warning in caught] == [__file__]
    assert np.isnan(scores["r2__a"])
    assert scores["r2"] == scores["r2__b"]


def test_averages_alone_can_be_requested():
    X, y = _table()
    result = cross_validate(
        PerTaskRegressor(LinearRegression()),
        X,
        y,
        cv=3,
        scoring=make_multimetric_task_scorer(["r2"], per_task=False),
        error_score="raise",
    )
    assert [key for key in result if key.startswith("test_")] == ["test_r2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "r3"}, "Unknown metric 'r3'"),
        ({"metrics": ["r2"], "average": "mode"}, "average='mode'"),
        ({"metrics": ["r2"], "average": None, "per_task": False}, "leaves nothing to return"),
        ({"metrics": [lambda y, p: 0.0]}, "pass greater_is_better"),
    ],
)
def test_invalid_arguments_are_refused_when_the_scorer_is_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_multimetric_task_scorer(**arguments)


def test_scorers_are_cloned_and_pickled():
    scorer = make_multimetric_task_scorer(["r2", "max_error"], average="median")
    for other in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert other.get_params() == scorer.get_params()
    assert repr(scorer) == "MultiMetricTaskScorer(average='median', metrics=['r2', 'max_error'])"
