"""Partial dependence per task."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection import task_partial_dependence


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    return X, np.column_stack([X[:, 0] ** 2, X[:, 0] + X[:, 1]])


@pytest.mark.parametrize("kind", ["average", "individual", "both"])
def test_regressions_agree_with_scikit_learn(table, kind):
    X, y = table
    model = RandomForestRegressor(10, random_state=0).fit(X, y)
    ours = task_partial_dependence(model, X, [1], kind=kind, grid_resolution=7, percentiles=(0.1, 0.9))
    theirs = partial_dependence(model, X, [1], kind=kind, grid_resolution=7, percentiles=(0.1, 0.9), method="brute")
    np.testing.assert_allclose(ours.grid_values[0], theirs["grid_values"][0])
    for name in ("average", "individual"):
        assert (name in ours) == (name in theirs)
    if "average" in ours:
        np.testing.assert_allclose(ours.average[0].T, theirs["average"])
    if "individual" in ours:
        np.testing.assert_allclose(ours.individual[0].transpose(2, 0, 1), theirs["individual"])


def test_probabilities_of_a_single_classification_agree_with_scikit_learn(table):
    X, _ = table
    for labels in (X[:, 0] > 0, np.digitize(X[:, 0], [-0.5, 0.5])):
        model = LogisticRegression().fit(X, labels)
        ours = task_partial_dependence(model, X, ["x0"], grid_resolution=5, percentiles=(0, 1))
        theirs = partial_dependence(
            model, X, [0], grid_resolution=5, percentiles=(0, 1), response_method="predict_proba"
        )
        np.testing.assert_allclose(ours.average[0].T, theirs["average"])


@pytest.mark.parametrize(
    "model",
    [
        MultiTaskKerasClassifier(hidden_layer_sizes=8, epochs=3, random_state=0, ensemble_size=1),
        RandomForestClassifier(5, random_state=0),
        MultiOutputClassifier(LogisticRegression()),
    ],
)
def test_each_class_of_several_classifications_has_a_curve(table, model):
    X, _ = table
    y = np.column_stack([X[:, 0] > 0, np.digitize(X[:, 1], [-0.5, 0.5])]).astype(int)
    model.fit(X, y)
    result = task_partial_dependence(model, X, [2], grid_resolution=4)
    assert [(r.task, r.label) for r in result.responses] == [("y0", 1), ("y1", 0), ("y1", 1), ("y1", 2)]
    changed = X.copy()
    changed[:, 2] = result.grid_values[0][3]
    proba = model.predict_proba(changed)
    expected = [proba[0][:, 1].mean(), *proba[1].mean(axis=0)]
    np.testing.assert_allclose(result.average[0][3], expected, atol=1e-6)


def test_multilabel_classifiers_that_return_one_array_work(table):
    X, _ = table
    y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    model = MLPClassifier((4,), solver="lbfgs", max_iter=200, random_state=0).fit(X, y)
    result = task_partial_dependence(model, X, [0], grid_resolution=3)
    assert [(r.task, r.label) for r in result.responses] == [("y0", 1), ("y1", 1)]
    changed = X.copy()
    changed[:, 0] = result.grid_values[0][0]
    np.testing.assert_allclose(result.average[0][0], model.predict_proba(changed).mean(axis=0))


def test_mixed_tasks_of_a_frame_keep_their_names_and_text_columns_take_their_categories():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=200), "town": rng.choice(["ulm", "jena", "bonn"], 200)})
    y = pd.DataFrame(
        {"price": 3 * X["size"] + 5 * (X["town"] == "ulm"), "type": np.where(X["size"] > 0, "big", "small")}
    )
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"),
        MultiTaskKerasEstimator(hidden_layer_sizes=16, learning_rate=0.03, epochs=30, random_state=0, ensemble_size=1),
    ).fit(X, y)
    result = task_partial_dependence(model, X)
    assert [(r.task, r.label) for r in result.responses] == [("price", None), ("type", "small")]
    assert result.features == ["size", "town"]
    assert result.grid_values[1].tolist() == ["bonn", "jena", "ulm"]
    by_town = result.average[1][:, 0]
    assert by_town[2] - by_town[:2].mean() == pytest.approx(5.0, abs=1.0)
    assert result.average[0][0, 1] > 0.8 > 0.2 > result.average[0][-1, 1]


def test_task_names_are_those_of_fit(table):
    X, y = table
    model = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=2, ensemble_size=1).fit(
        X, pd.DataFrame(y, columns=["size", "weight"])
    )
    result = task_partial_dependence(model, X, [0], grid_resolution=2)
    assert [response.task for response in result.responses] == ["size", "weight"]
    np.testing.assert_allclose(result.spread, model.predict(X).std(axis=0))


def test_the_grid_of_a_feature_with_few_values_is_these_values(table):
    X, y = table
    few = np.column_stack([np.round(X[:, 0]), X[:, 1:]])
    model = RandomForestRegressor(5, random_state=0).fit(few, y)
    result = task_partial_dependence(model, few, [0, 1], grid_resolution=20)
    assert result.grid_values[0].tolist() == np.unique(few[:, 0]).tolist()
    assert len(result.grid_values[1]) == 20


def test_an_integer_array_does_not_truncate_the_grid():
    X = np.arange(200).reshape(100, 2)
    model = RandomForestRegressor(5, random_state=0).fit(X, X.astype(float))
    values = task_partial_dependence(model, X, [0], grid_resolution=3).grid_values[0]
    assert values.tolist() == pytest.approx([8.82, 99.0, 189.18])
    curve = task_partial_dependence(model, X, [0], grid_resolution=50).average[0]
    assert len(np.unique(curve[:, 0])) > 40


def test_missing_values_are_not_in_the_grid(table):
    X, y = table
    holes = X.copy()
    holes[::5, 0] = np.nan
    model = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=2, random_state=0, ensemble_size=1).fit(holes, y)
    assert np.isfinite(task_partial_dependence(model, holes, [0], grid_resolution=5).grid_values[0]).all()
    holes[:, 0] = np.nan
    with pytest.raises(ValueError, match="The column 'x0' has no value at all"):
        task_partial_dependence(model, holes, [0])


@pytest.mark.slow
def test_result_does_not_depend_on_the_number_of_processes(table):
    X, y = table
    model = RandomForestRegressor(5, random_state=0).fit(X, y)
    one, two = (task_partial_dependence(model, X, n_jobs=n_jobs, grid_resolution=4) for n_jobs in (1, 2))
    np.testing.assert_array_equal(np.stack(one.average), np.stack(two.average))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "mean"}, "kind should be one of 'average'"),
        ({"grid_resolution": 1}, "grid_resolution should be an integer of at least 2"),
        ({"percentiles": (0.9, 0.1)}, "percentiles should be two increasing numbers"),
        ({"features": "x7"}, "X has no column 'x7'"),
    ],
)
def test_bad_input_is_refused(table, arguments, message):
    X, y = table
    model = RandomForestRegressor(2).fit(X, y)
    with pytest.raises(ValueError, match=message):
        task_partial_dependence(model, X, **arguments)


def test_a_column_without_spread_between_the_percentiles_is_refused(table):
    X, y = table
    flat = np.column_stack([np.r_[np.arange(5.0), np.full(115, 9.0)], X[:, 1:]])
    model = RandomForestRegressor(2).fit(flat, y)
    with pytest.raises(ValueError, match="The column 'x0' has the same value at both percentiles"):
        task_partial_dependence(model, flat, [0], grid_resolution=3, percentiles=(0.2, 0.9))


def test_a_classifier_without_probabilities_is_refused(table):
    X, _ = table
    model = RidgeClassifier().fit(X, X[:, 0] > 0)
    with pytest.raises(TypeError, match="RidgeClassifier has no predict_proba"):
        task_partial_dependence(model, X)
