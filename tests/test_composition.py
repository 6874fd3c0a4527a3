"""The estimators inside scikit-learn's pipelines, searches and cross-validation."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from .estimators._cases import LEARNING, SMALL, features, labels, mixed, quantities, with_gaps


@pytest.fixture(scope="module")
def X():
    return features()


@pytest.fixture(scope="module")
def houses(X):
    """Return a table with a text column and numbers, and two prices, some of them missing."""
    table = pd.DataFrame(X, columns=["age", "rooms", "area", "distance"])
    table["town"] = np.where(X[:, 3] > 0, "north", "south")
    return table, pd.DataFrame(with_gaps(quantities(X)), columns=["price", "rent"])


def test_a_pipeline_gives_the_numbers_of_its_steps(X):
    y = quantities(X)
    pipeline = make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**SMALL)).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    alone = MultiTaskKerasRegressor(**SMALL).fit(scaled, y)
    np.testing.assert_array_equal(pipeline.predict(X), alone.predict(scaled))
    assert pipeline.score(X, y) == alone.score(scaled, y)


def test_column_transformer_with_pandas_output_passes_its_names_on(houses):
    table, y = houses
    columns = ColumnTransformer(
        [
            ("number", StandardScaler(), make_column_selector(dtype_include="number")),
            ("text", OneHotEncoder(sparse_output=False), ["town"]),
        ]
    ).set_output(transform="pandas")
    pipeline = make_pipeline(columns, MultiTaskKerasRegressor(**LEARNING)).fit(table, y)
    assert pipeline[-1].feature_names_in_.tolist() == columns.fit(table).get_feature_names_out().tolist()
    assert pipeline[-1].task_names_ == ["price", "rent"]
    assert pipeline.score(table, y) > 0.5


def test_grid_search_finds_the_better_learning_rate_with_missing_labels(houses):
    table, y = houses
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MultiTaskKerasRegressor(**LEARNING)),
        {"multitaskkerasregressor__learning_rate": [1e-6, 0.02]},
        cv=3,
        error_score="raise",
    )
    search.fit(table.drop(columns="town"), y)
    assert search.best_params_ == {"multitaskkerasregressor__learning_rate": 0.02}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(table.drop(columns="town")).shape == (60, 2)


@pytest.mark.slow
def test_grid_search_in_two_processes_gives_the_numbers_of_one(X):
    y = with_gaps(quantities(X))
    grid = {"learning_rate": [1e-3, 1e-2], "optimizer__clipnorm": [None, 1.0]}
    scores = [
        GridSearchCV(MultiTaskKerasRegressor(**SMALL), grid, cv=3, n_jobs=n_jobs, error_score="raise")
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for n_jobs in (1, 2)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_searches_take_routed_parameters_that_were_never_declared(X):
    y = quantities(X)
    space = {"optimizer__beta_1": [0.5, 0.9], "learning_rate": [1e-3, 1e-2]}
    random = RandomizedSearchCV(
        MultiTaskKerasRegressor(**SMALL), space, n_iter=2, cv=2, random_state=0, error_score="raise"
    ).fit(X, y)
    halving = HalvingGridSearchCV(
        MultiTaskKerasRegressor(**SMALL), space, cv=2, random_state=0, resource="epochs", max_resources=4,
        min_resources=2, factor=2, error_score="raise",
    ).fit(X, y)  # fmt: skip
    for search in (random, halving):
        assert search.best_estimator_.get_params()["optimizer__beta_1"] in (0.5, 0.9)
        assert np.isfinite(search.best_score_)
    assert halving.best_estimator_.n_iter_ == 4


def test_cross_validate_scores_are_those_of_fits_on_the_folds(X):
    y = with_gaps(quantities(X))
    found = cross_validate(MultiTaskKerasRegressor(**SMALL), X, y, cv=KFold(3), error_score="raise")["test_score"]
    by_hand = [
        MultiTaskKerasRegressor(**SMALL).fit(X[train], y[train]).score(X[test], y[test])
        for train, test in KFold(3).split(X)
    ]
    np.testing.assert_array_equal(found, by_hand)


def test_cross_validate_takes_scorers_for_several_metrics(X):
    y = quantities(X)
    scoring = {"r2": "r2", "mae": make_scorer(mean_absolute_error, greater_is_better=False)}
    found = cross_validate(MultiTaskKerasRegressor(**SMALL), X, y, cv=3, scoring=scoring, error_score="raise")
    assert np.isfinite(found["test_r2"]).all()
    assert (found["test_mae"] < 0).all()


def test_cross_val_predict_predicts_every_row_once(X):
    y = quantities(X)
    predicted = cross_val_predict(MultiTaskKerasRegressor(**LEARNING), X, y, cv=3)
    assert predicted.shape == y.shape
    assert np.corrcoef(predicted[:, 1], y[:, 1])[0, 1] > 0.5


def test_cross_val_predict_of_probabilities_sums_to_one_for_one_task_and_for_several(X):
    y = labels(X)
    several = cross_val_predict(MultiTaskKerasClassifier(**SMALL), X, y, cv=KFold(3), method="predict_proba")
    assert [proba.shape for proba in several] == [(60, 2), (60, 3)]
    one = cross_val_predict(MultiTaskKerasClassifier(**SMALL), X, y[:, 1], cv=3, method="predict_proba")
    assert one.shape == (60, 3)
    for proba in [*several, one]:
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=0, atol=1e-12)


def test_the_mixed_estimator_cross_validates_with_missing_labels_of_all_kinds(X):
    scores = cross_validate(
        MultiTaskKerasEstimator(**LEARNING), X, with_gaps(mixed(X), 0.2), cv=KFold(3), error_score="raise"
    )["test_score"]
    assert (scores > 0.2).all()


def test_learning_curve_gains_from_more_rows():
    X = features(240)
    sizes, _, test = learning_curve(
        MultiTaskKerasRegressor(**LEARNING), X, quantities(X), cv=3, train_sizes=[20, 160], error_score="raise"
    )
    assert sizes.tolist() == [20, 160]
    assert test[1].mean() > test[0].mean()


def test_permutation_importance_finds_the_columns_that_matter(X):
    y = np.column_stack([X[:, 0], -X[:, 0]])
    model = MultiTaskKerasRegressor(**LEARNING).fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmax() == 0
    assert importance[0] > 3 * np.abs(importance[1:]).max()


def test_partial_dependence_rises_with_a_column_that_raises_the_target(X):
    model = MultiTaskKerasRegressor(**LEARNING).fit(X, 5 * X[:, 0])
    curve = partial_dependence(model, X, [0], kind="average", grid_resolution=5)["average"][0]
    assert (np.diff(curve) > 0).all()
    several = MultiTaskKerasRegressor(**LEARNING).fit(X, np.column_stack([5 * X[:, 0], -5 * X[:, 0]]))
    curves = partial_dependence(several, X, [0], kind="average", grid_resolution=5)["average"]
    assert curves.shape[0] == 2
    assert (np.diff(curves[0]) > 0).all()
    assert (np.diff(curves[1]) < 0).all()


def test_metadata_routing_carries_weights_and_validation_rows_through_a_pipeline(X):
    y, weight = quantities(X), np.linspace(0.1, 1, 60)
    with config_context(enable_metadata_routing=True):
        model = MultiTaskKerasRegressor(**SMALL, early_stopping=True)
        model.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model, transform_input=["X_val"])
        pipeline.fit(X[:40], y[:40], sample_weight=weight[:40], X_val=X[40:], y_val=y[40:])
    scaler = StandardScaler().fit(X[:40])
    alone = MultiTaskKerasRegressor(**SMALL, early_stopping=True).fit(
        scaler.transform(X[:40]), y[:40], weight[:40], X_val=scaler.transform(X[40:]), y_val=y[40:]
    )
    np.testing.assert_array_equal(pipeline.predict(X), alone.predict(scaler.transform(X)))
    assert pipeline[-1].history_ == alone.history_


def test_metadata_routing_carries_weights_through_cross_validation(X):
    y, weight = quantities(X), np.repeat([1.0, 0.01], 30)
    with config_context(enable_metadata_routing=True):
        model = MultiTaskKerasRegressor(**SMALL).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        found = cross_validate(model, X, y, cv=KFold(3), params={"sample_weight": weight}, error_score="raise")
    by_hand = [
        MultiTaskKerasRegressor(**SMALL)
        .fit(X[train], y[train], weight[train])
        .score(X[test], y[test], sample_weight=weight[test])
        for train, test in KFold(3).split(X)
    ]
    np.testing.assert_array_equal(found["test_score"], by_hand)
