"""Batched searches give scikit-learn's results."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.metrics import make_multimetric_task_scorer
from skmtl.model_selection import BatchedGridSearchCV, BatchedHalvingGridSearchCV, BatchedRandomizedSearchCV
from skmtl.model_selection._fit_many import FitCall
from skmtl.model_selection._fits import fits_of

MODEL = MultiTaskKerasRegressor(
    hidden_layer_sizes=(6,), epochs=6, ensemble_size=1, random_state=0, jit_compile=False, learning_rate=0.02
)
GRID = {"learning_rate": [1e-3, 0.05], "epochs": [2, 6]}


FITTED = []


class Scaler(StandardScaler):
    """Records its fits."""

    def fit(self, X, y=None, sample_weight=None):
        FITTED.append(len(X))
        return super().fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def table():
    return make_related_tasks(80, 4, 2, relatedness=1.0, noise=0.5, random_state=0)


def check_same(ours, theirs, atol=1e-5):
    """Check that both searches have the same results, except for times."""
    assert sorted(ours.cv_results_) == sorted(theirs.cv_results_)
    for name, values in theirs.cv_results_.items():
        if "score" in name and "time" not in name:
            np.testing.assert_allclose(ours.cv_results_[name], values, atol=atol, err_msg=name)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    assert ours.best_index_ == theirs.best_index_
    assert sorted(vars(ours)) == sorted(vars(theirs))


def both(table, ours, theirs, *arguments, fit=None, **settings):
    fit = {} if fit is None else fit
    return ours(*arguments, **settings).fit(*table, **fit), theirs(*arguments, **settings).fit(*table, **fit)


def test_grid_with_train_scores_and_the_same_refit(table):
    ours, theirs = both(table, BatchedGridSearchCV, GridSearchCV, MODEL, GRID, cv=3, return_train_score=True)
    check_same(ours, theirs)
    np.testing.assert_array_equal(ours.predict(table[0]), theirs.predict(table[0]))
    assert ours.score(*table) == theirs.score(*table)
    assert ours.estimator is MODEL and not hasattr(MODEL, "network_")
    assert (ours.cv_results_["mean_fit_time"] > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_random_grids_of_numbers_and_structures(table, seed):
    rng = np.random.default_rng(seed)
    choices = {
        "learning_rate": loguniform(1e-3, 0.1),
        "weight_decay": [0.0, 0.1, 1.0],
        "dropout": [0.0, 0.3],
        "epochs": [1, 3, 6],
        "n_iter_no_change": [1, 5],
        "hidden_layer_sizes": [(3,), (6,), (4, 4)],
        "batch_size": ["auto", 20],
        "early_stopping": [True, False],
        "random_state": [0, 1],
        "optimizer": ["adam", "rmsprop"],
        "scale_inputs": [True, False],
        "loss_weights": [None, [1.0, 4.0]],
    }
    grid = {name: choices[name] for name in rng.choice(sorted(choices), 6, replace=False)}
    settings = {"n_iter": 5, "random_state": seed, "cv": 2, "refit": False}
    check_same(*both(table, BatchedRandomizedSearchCV, RandomizedSearchCV, MODEL, grid, **settings))


@pytest.mark.parametrize("resource", ["epochs", "n_samples"])
def test_halving(table, resource):
    settings = {"resource": resource, "min_resources": 2 if resource == "epochs" else 40, "cv": 2, "random_state": 0}
    settings |= {"max_resources": 8 if resource == "epochs" else 80, "factor": 2}
    grid = {"learning_rate": [1e-4, 1e-3, 0.01, 0.1]}
    ours, theirs = both(table, BatchedHalvingGridSearchCV, HalvingGridSearchCV, MODEL, grid, **settings)
    check_same(ours, theirs)
    assert ours.n_candidates_ == theirs.n_candidates_
    np.testing.assert_array_equal(ours.cv_results_["n_resources"], theirs.cv_results_["n_resources"])


def test_several_metrics_and_a_callable_refit(table):
    settings = {
        "cv": 2,
        "scoring": make_multimetric_task_scorer("r2"),
        "refit": lambda results: int(np.argmax(next(v for k, v in results.items() if k.startswith("mean_test_")))),
    }
    check_same(*both(table, BatchedGridSearchCV, GridSearchCV, MODEL, GRID, **settings))
    settings = {"cv": 2, "scoring": ["r2", "neg_mean_absolute_error"], "refit": "r2"}
    check_same(*both(table, BatchedGridSearchCV, GridSearchCV, MODEL, GRID, **settings))


def test_groups_and_weights(table):
    groups, weights = np.arange(80) % 4, np.linspace(0.1, 1.0, 80)
    fit = {"groups": groups, "sample_weight": weights}
    check_same(*both(table, BatchedGridSearchCV, GridSearchCV, MODEL, GRID, cv=GroupKFold(2), fit=fit))


def test_metadata_routing(table):
    with sklearn.config_context(enable_metadata_routing=True):
        model = clone(MODEL).set_fit_request(sample_weight=True, groups=False).set_score_request(sample_weight=True)
        pipeline = Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=True)), ("model", model)])
        fit = {"sample_weight": np.linspace(0.1, 1.0, 80), "groups": np.arange(80) % 4}
        grid = {"model__learning_rate": [1e-3, 0.05]}
        settings = {"cv": GroupKFold(2), "fit": fit}
        check_same(*both(table, BatchedGridSearchCV, GridSearchCV, pipeline, grid, **settings))


def test_a_random_splitter_is_used_once(table):
    class Counted(KFold):
        asked = 0

        def split(self, X, y=None, groups=None):
            Counted.asked += 1
            return super().split(X, y, groups)

    search = BatchedGridSearchCV(MODEL, GRID, cv=Counted(2, shuffle=True), refit=False).fit(*table)
    assert Counted.asked == 1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_earlier_steps_of_a_pipeline_are_fitted_once_per_fold_and_setting(table):
    X = pd.DataFrame(table[0], columns=list("abcd")).assign(e=np.resize(["u", "v", "w"], 80))
    columns = ColumnTransformer([("numbers", Scaler(), list("abcd")), ("levels", OneHotEncoder(), ["e"])])
    pipeline = Pipeline([("columns", columns), ("model", MODEL)])
    grid = {"model__learning_rate": [1e-3, 0.05], "model__epochs": [2, 6], "columns__numbers__with_mean": [True, False]}
    theirs = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, table[1])
    count = len(FITTED)
    ours = BatchedGridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, table[1])
    check_same(ours, theirs)
    assert (count, len(FITTED) - count) == (16, 4)


def test_steps_may_be_candidates_and_may_fail(table):
    pipeline = Pipeline([("scale", StandardScaler()), ("model", MODEL)])
    grid = {"scale": [StandardScaler(), MinMaxScaler(), OneHotEncoder(handle_unknown="error")]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_same(*both(table, BatchedGridSearchCV, GridSearchCV, pipeline, grid, cv=2, refit=False))
    assert len({str(one.message)[:60] for one in caught if one.category is FitFailedWarning}) <= 1


def test_failed_fits_count_as_in_scikit_learn(table):
    grid = {"learning_rate": [1e-2, 1e9], "optimizer": ["sgd"]}
    for error_score in (-7.0, np.nan):
        with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "One or more of the test scores")
            search = BatchedGridSearchCV(MODEL, grid, cv=2, error_score=error_score, refit=False).fit(*table)
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"][1], error_score)
    with pytest.raises(ValueError, match="diverged"):
        BatchedGridSearchCV(MODEL, grid, cv=2, error_score="raise").fit(*table)
    with pytest.raises(ValueError, match="All the 2 fits failed"):
        BatchedGridSearchCV(MODEL, {"learning_rate": [-1.0]}, cv=2).fit(*table)


def test_a_failed_search_keeps_the_previous_result(table):
    search = BatchedGridSearchCV(MODEL, GRID, cv=2).fit(*table)
    before = dict(vars(search))
    with pytest.raises(ValueError, match="fits failed"):
        search.fit(table[0], np.full((80, 2), "a"))
    assert vars(search) == before


def test_fits_one_at_a_time_are_correct_and_give_one_warning(table):
    grid = {"blend": [None, ["network", "ridge"]]}
    model = clone(MODEL).set_params(ensemble_size=2, early_stopping=True)
    theirs = GridSearchCV(model, grid, cv=2).fit(*table)
    with pytest.warns(UserWarning, match="2 of 4 fits were made one at a time.*blend") as caught:
        ours = BatchedGridSearchCV(model, grid, cv=2).fit(*table)
    assert len(caught) == 1
    check_same(ours, theirs)


def test_other_estimators_are_searched_as_in_scikit_learn(table):
    grid = {"strategy": ["mean", "median"]}
    theirs = GridSearchCV(DummyRegressor(), grid, cv=2).fit(*table)
    with pytest.warns(UserWarning, match="DummyRegressor is not one of skmtl's"):
        ours = BatchedGridSearchCV(DummyRegressor(), grid, cv=2).fit(*table)
    check_same(ours, theirs)


def test_nested_in_cross_validation(table):
    scores = [cross_val_score(kind(MODEL, GRID, cv=2), *table, cv=2) for kind in (BatchedGridSearchCV, GridSearchCV)]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_classifier_is_stratified_as_in_scikit_learn(table):
    y = (table[1][:, 0] > 0).astype(int)
    shape = {"hidden_layer_sizes": (6,), "epochs": 4, "ensemble_size": 1, "jit_compile": False}
    model = MultiTaskKerasClassifier(**shape, random_state=0)
    ours, theirs = both((table[0], y), BatchedGridSearchCV, GridSearchCV, model, GRID, scoring="neg_log_loss")
    check_same(ours, theirs)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


def test_a_line_counts_the_fits(table, capsys):
    BatchedGridSearchCV(MODEL, GRID, cv=2, verbose=1, refit=False).fit(*table)
    assert capsys.readouterr().out.strip().splitlines()[-1].startswith("fit 8/8, ")


def test_an_ensemble_and_a_fit_of_its_own_count_as_one_fit_each(table):
    counted, grid = [], [{"ensemble_size": 6}, {"warm_start": True}, {"ensemble_size": 9}]
    calls = [FitCall(clone(MODEL).set_params(**settings), *table, rows=0) for settings in grid]
    with fits_of(calls, done=counted.append) as fits:
        assert [fits.result(number).error for number in range(3)] == [None] * 3
    assert counted == [1, 1, 1]


def test_clones_and_pickles(table):
    search = BatchedGridSearchCV(MODEL, GRID, cv=2).fit(*table)
    assert clone(search).get_params()["cv"] == 2
    loaded = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(loaded.predict(table[0]), search.predict(table[0]))
    assert loaded.score(*table) == search.score(*table)
