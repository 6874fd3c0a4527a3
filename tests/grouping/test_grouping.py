"""Grouping estimators: one estimator per group of tasks, with the interface of a single estimator."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.grouping import TaskGroupingClassifier, TaskGroupingRegressor
from skmtl.inspection import suggest_task_groups, task_affinity

from ..estimators._process import run_python

SMALL = {"hidden_layer_sizes": (5,), "epochs": 3, "jit_compile": False, "random_state": 0, "ensemble_size": 1}
LABELS = {"affinity": "label_correlation", "random_state": 0}


def table(missing=0.2, n=90):
    X, y = make_related_tasks(
        n, 8, 4, task_groups=[0, 1, 0, 1], relatedness=1.0, noise=0.3, missing=missing, random_state=0
    )
    return X, pd.DataFrame(y, columns=["price", "crime", "rent", "noise"])


def classes():
    X, y = table(missing=0.0)
    parts = {
        "dear": np.where(y["price"] > 0, "yes", "no"),
        "safe": (y["crime"] > 0).to_numpy(),
        "size": np.digitize(y["rent"], [-1, 1]),
    }
    return X, pd.DataFrame(parts)


@pytest.mark.parametrize("named", [True, False])
def test_predictions_are_those_of_each_groups_estimator_in_the_order_of_y(named):
    X, y = table()
    groups = [["noise", "price"], ["rent"], ["crime"]] if named else [[3, 0], [2], [1]]
    network = MultiTaskKerasRegressor(**SMALL)
    model = TaskGroupingRegressor(network, groups=groups).fit(X, y)
    assert model.groups_ == [["noise", "price"], ["rent"], ["crime"]]
    assert model.affinity_ is None
    together = clone(network).fit(X, y[["noise", "price"]]).predict(X)
    np.testing.assert_array_equal(model.predict(X)[:, [3, 0]], together)
    np.testing.assert_array_equal(model.predict(X)[:, 2], clone(network).fit(X, y["rent"]).predict(X))
    assert model.n_features_in_ == 8
    assert model.task_names_ == list(y.columns)


def test_groups_are_found_on_the_rows_of_fit():
    X, y = table()
    model = TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), **LABELS).fit(X, y)
    assert model.groups_ == [["price", "rent"], ["crime", "noise"]]
    affinity = task_affinity(None, X, y, method="label_correlation", random_state=0)
    pd.testing.assert_frame_equal(model.affinity_.frame(), affinity.frame())
    apart = TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), max_groups=1, **LABELS).fit(X, y)
    assert apart.groups_ == [list(y.columns)]


def test_groups_are_found_by_training_a_pipeline():
    X, y = table()
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SMALL))
    model = TaskGroupingRegressor(pipeline, n_permutations=2, random_state=0).fit(X, y)
    affinity = task_affinity(pipeline, X, y, n_permutations=2, random_state=0)
    pd.testing.assert_frame_equal(model.affinity_.frame(), affinity.frame())
    assert model.groups_ == suggest_task_groups(affinity)


def test_scores_leave_missing_labels_out():
    X, y = table()
    model = TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), groups=[[0, 2], [1, 3]]).fit(X, y)
    scores = model.score_tasks(X, y)
    known = y["rent"].notna()
    assert scores["rent"] == pytest.approx(r2_score(y["rent"][known], model.predict(X)[known, 2]))
    assert model.score(X, y) == pytest.approx(scores.mean())
    assert np.isnan(model.score_tasks(X, y.assign(crime=np.nan))["crime"])
    with pytest.raises(ValueError, match="y has no label at all"):
        model.score(X, y * np.nan)
    with pytest.raises(ValueError, match=r"y has the tasks \['price', 'crime'\], in fit it had"):
        model.score_tasks(X, y[["price", "crime"]])


def test_settings_per_task_and_weights_go_to_the_tasks_own_group():
    X, y = table()
    network = MultiTaskKerasRegressor(**SMALL, loss={"rent": "mae"}, loss_weights=[1, 2, 3, 4])
    weights = np.random.default_rng(0).uniform(0.5, 2, size=y.shape)
    model = TaskGroupingRegressor(network, groups=[[2, 3], [0], [1]]).fit(X, y, sample_weight=weights)
    first = clone(network).set_params(loss={"rent": "mae"}, loss_weights=[3, 4])
    first.fit(X, y[["rent", "noise"]], sample_weight=weights[:, [2, 3]])
    np.testing.assert_array_equal(model.predict(X)[:, [2, 3]], first.predict(X))
    second = clone(network).set_params(loss=None, loss_weights=None).fit(X, y["price"], sample_weight=weights[:, 0])
    np.testing.assert_array_equal(model.predict(X)[:, 0], second.predict(X))


@pytest.mark.parametrize("inner", [MultiTaskKerasClassifier(**SMALL), DecisionTreeClassifier(max_depth=3)])
def test_classes_and_probabilities_are_in_the_order_of_y(inner):
    X, y = classes()
    y = y if isinstance(inner, MultiTaskKerasClassifier) else y[["safe", "size"]].astype(int)
    groups = [[y.shape[1] - 1, 0]] + [[i] for i in range(1, y.shape[1] - 1)]
    model = TaskGroupingClassifier(inner, groups=groups).fit(X, y)
    assert [known.tolist() for known in model.classes_] == [sorted(y[name].unique()) for name in y.columns]
    probabilities, predicted = model.predict_proba(X), model.predict(X)
    for task, (known, proba) in enumerate(zip(model.classes_, probabilities, strict=True)):
        assert proba.shape == (len(X), len(known))
        assert predicted[:, task].tolist() == known[proba.argmax(axis=1)].tolist()
    assert model.score_tasks(X, y).between(0, 1).all()


def test_one_task_is_one_estimator():
    X, y = table(missing=0.0)
    model = TaskGroupingRegressor(Ridge()).fit(X, y["rent"])
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, y["rent"]).predict(X))
    assert model.groups_ == [["rent"]]
    labels = classes()[1]["dear"]
    proba = TaskGroupingClassifier(LogisticRegression()).fit(X, labels).predict_proba(X)
    assert proba.shape == (len(X), 2)


def test_searches_reach_the_inner_estimator_and_pickles_predict_alike():
    X, y = table()
    model = TaskGroupingRegressor(MultiTaskKerasRegressor(**SMALL), groups=[[0, 2], [1, 3]])
    grid = {"estimator__learning_rate": [1e-3, 1e-2], "groups": [[[0, 2], [1, 3]], [[0, 1, 2, 3]]]}
    search = GridSearchCV(model, grid, cv=KFold(2)).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(best)).predict(X), best.predict(X))
    assert model.estimator.learning_rate is None or not hasattr(model.estimator, "network_")


def test_a_seed_reaches_estimators_without_one_of_their_own():
    X, y = table(missing=0.0)
    network = MultiTaskKerasRegressor(**{**SMALL, "random_state": None})
    first, second, third = (
        TaskGroupingRegressor(network, groups=[[0, 2], [1, 3]], random_state=seed).fit(X, y).predict(X)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("all", "'groups' parameter"),
        ([["price", "rent"]], r"leaves out the tasks \['crime', 'noise'\]"),
        ([["price", "rent", "crime"], ["noise", 0]], r"tasks \['price'\] more than once"),
        ([["price", "rents", "crime", "noise"]], "Did you mean 'rent'"),
        ([[0, 1, 2, 4]], "position 4, but y has 4 tasks"),
        ([0, 1, 2, 3], "lists of tasks, by name or position, got the group 0"),
        ([[0, 1, 2, 3], []], r"got the group \[\]"),
    ],
)
def test_groups_that_do_not_hold_each_task_once_are_refused(groups, message):
    X, y = table(missing=0.0)
    with pytest.raises(ValueError, match=message):
        TaskGroupingRegressor(LinearRegression(), groups=groups).fit(X, y)


def test_an_estimator_of_the_other_kind_is_refused():
    X, y = table(missing=0.0)
    with pytest.raises(ValueError, match="needs an estimator for a regression, got LogisticRegression"):
        TaskGroupingRegressor(LogisticRegression()).fit(X, y)
    with pytest.raises(TypeError, match="needs one of skmtl's estimators"):
        TaskGroupingRegressor(Ridge()).fit(X, y)
    assert not hasattr(TaskGroupingClassifier(), "affinity_")
    assert hasattr(TaskGroupingClassifier(), "predict_proba")
    assert not hasattr(TaskGroupingClassifier(Ridge()), "predict_proba")


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    X, y = table(missing=0.0)
    model = TaskGroupingRegressor(Ridge(), groups=[[0, 2], [1, 3]]).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="leaves out"):
        model.set_params(groups=[[0]]).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.slow
def test_making_and_printing_one_imports_no_tensorflow():
    code = (
        "import sys; from skmtl.grouping import TaskGroupingClassifier as T; repr(T());"
        "print([m for m in ('tensorflow', 'matplotlib') if m in sys.modules])"
    )
    assert run_python(code).strip() == "[]"
