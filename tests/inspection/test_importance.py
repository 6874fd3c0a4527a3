"""Permutation importance per task."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection import task_permutation_importance


class Counting(LinearRegression):
    """Counts its predictions."""

    def predict(self, X):
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super().predict(X)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    return X, np.column_stack([X[:, 0], X[:, 0] + X[:, 1]])


def test_a_feature_matters_to_the_tasks_that_use_it(table):
    X, y = table
    result = task_permutation_importance(LinearRegression().fit(X, y), X, y, random_state=0)
    mean = result.importances_mean
    # Shuffling all of a target's variance doubles the squared error's share of it.
    assert mean.loc["x0", "y0"] == pytest.approx(2.0, abs=0.2)
    assert mean.loc["x0", "y1"] == pytest.approx(1.0, abs=0.2)
    np.testing.assert_allclose(mean.loc["x1", "y0"], 0.0, atol=1e-12)
    np.testing.assert_allclose(mean.loc["x2"], 0.0, atol=1e-12)
    np.testing.assert_allclose(result.baseline, 1.0)


def test_all_tasks_share_each_prediction(table):
    X, y = table
    model = Counting().fit(X, y)
    task_permutation_importance(model, X, y, n_repeats=4, random_state=0)
    assert model.calls_ == 1 + 3 * 4


def test_importances_match_columns_shuffled_by_hand(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    result = task_permutation_importance(model, X, y, n_repeats=2, random_state=3)
    seed = int(np.random.RandomState(3).randint(2**31 - 1))
    random = np.random.default_rng((seed, 1))
    for repeat in range(2):
        shuffled = X.copy()
        shuffled[:, 1] = X[random.permutation(300), 1]
        expected = 1.0 - r2_score(y, model.predict(shuffled), multioutput="raw_values")
        np.testing.assert_allclose(result.importances[1, :, repeat], expected, atol=1e-12)
    np.testing.assert_allclose(result.importances_mean, result.importances.mean(axis=2))
    np.testing.assert_allclose(result.importances_std, result.importances.std(axis=2))


def test_a_single_task_agrees_with_scikit_learn(table):
    X, y = table
    model = LinearRegression().fit(X, y[:, 1])
    ours = task_permutation_importance(model, X, y[:, 1], n_repeats=40, random_state=0).importances_mean["y0"]
    theirs = permutation_importance(model, X, y[:, 1], n_repeats=40, random_state=0).importances_mean
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_a_lower_error_is_better(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    error = task_permutation_importance(model, X, y, scoring="mean_squared_error", random_state=0)
    score = task_permutation_importance(model, X, y, scoring="neg_mean_squared_error", random_state=0)
    np.testing.assert_allclose(error.importances, score.importances)
    assert error.importances_mean.loc["x0", "y0"] > 1.0


def test_missing_labels_are_left_out_of_each_tasks_score(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    holes = y.copy()
    holes[::3, 1] = np.nan
    result = task_permutation_importance(model, X, holes, random_state=0)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    shuffled = X.copy()
    shuffled[:, 0] = X[np.random.default_rng((seed, 0)).permutation(300), 0]
    known = ~np.isnan(holes[:, 1])
    expected = 1.0 - r2_score(y[known, 1], model.predict(shuffled)[known, 1])
    assert result.importances[0, 1, 0] == pytest.approx(expected)


def test_a_row_of_weight_zero_is_ignored(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    wrong, weight = y.copy(), np.ones(300)
    wrong[:50], weight[:50] = 1e3, 0.0
    plain = task_permutation_importance(model, X, np.where(weight[:, None] > 0, y, np.nan), random_state=0)
    weighted = task_permutation_importance(model, X, wrong, sample_weight=weight, random_state=0)
    np.testing.assert_allclose(weighted.importances, plain.importances, atol=1e-8)


def test_tasks_of_mixed_kinds_and_columns_of_text():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"size": rng.normal(size=300), "town": rng.choice(["ulm", "jena"], 300), "noise": rng.normal(size=300)}
    )
    y = pd.DataFrame({"price": 3 * X["size"], "type": np.where(X["town"] == "ulm", "house", "flat")})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"),
        MultiTaskKerasEstimator(hidden_layer_sizes=16, learning_rate=0.03, epochs=20, random_state=0, ensemble_size=1),
    ).fit(X, y)
    result = task_permutation_importance(model, X, y, scoring={"price": "r2", "type": "log_loss"}, random_state=0)
    assert result.metrics.to_dict() == {"price": "r2", "type": "log_loss"}
    assert result.importances_mean.idxmax().to_dict() == {"price": "size", "type": "town"}
    expected = log_loss(y["type"], model.predict_proba(X)[1], labels=["flat", "house"])
    assert result.baseline["type"] == pytest.approx(expected)


def test_an_array_gets_the_task_names_of_the_estimator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = pd.DataFrame({"size": X[:, 0], "weight": X[:, 1]})
    model = MultiTaskKerasRegressor(hidden_layer_sizes=4, epochs=2, random_state=0, ensemble_size=1).fit(X, y)
    result = task_permutation_importance(model, X, y.to_numpy(), n_repeats=1, random_state=0)
    assert result.importances_mean.columns.tolist() == ["size", "weight"]


def test_an_undefined_score_is_nan_with_one_warning():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    y[:, 1] = 0
    with pytest.warns(UndefinedMetricWarning) as caught:
        result = task_permutation_importance(model, X, y, scoring="roc_auc", random_state=0)
    assert len(caught) == 1
    assert result.importances_mean["y1"].isna().all()
    assert result.importances_mean["y0"].notna().all()


@pytest.mark.slow
def test_result_does_not_depend_on_the_number_of_processes(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    one, two = (task_permutation_importance(model, X, y, random_state=0, n_jobs=n_jobs) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.importances, two.importances)


def test_bad_input_is_refused(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    with pytest.raises(ValueError, match="n_repeats should be an integer of at least 1"):
        task_permutation_importance(model, X, y, n_repeats=0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        task_permutation_importance(model, X[:10], y)
    with pytest.raises(NotFittedError):
        task_permutation_importance(LinearRegression(), X, y)
