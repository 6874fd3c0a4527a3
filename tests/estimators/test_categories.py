"""Fit on raw tables: strings, categories, missing values, unseen levels."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.inspection import task_permutation_importance

from .._data import data_path
from ._builders import heads
from ._cases import ESTIMATORS, LEARNING, SMALL, targets_for
from .test_counts import counted

N = 240
# Twenty towns become embeddings, three roofs one-hot columns.
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": RNG.normal(100, 20, N),
        "town": pd.Series([f"town {i}" for i in RNG.integers(0, 20, N)]),
        "roof": pd.Categorical(RNG.choice(["flat", "gable", "hip"], N)),
        "garden": RNG.random(N) > 0.5,
        "age": RNG.exponential(30, N),
    }
)
TABLE.loc[::9, "age"], TABLE.loc[::11, "roof"] = np.nan, np.nan
TOWN = TABLE["town"].str[5:].astype(int).to_numpy()
EFFECT = np.random.default_rng(1).normal(size=20)
Y = np.column_stack(
    [EFFECT[TOWN] + 0.3 * (TABLE["roof"] == "flat"), 1000 + 50 * EFFECT[TOWN] * (2.0 * TABLE["garden"] - 1)]
)


@pytest.fixture(scope="module")
def fitted():
    return MultiTaskKerasRegressor(**{**LEARNING, "ensemble_size": 2}).fit(TABLE, Y)


def test_a_table_of_strings_is_learnt(fitted):
    assert fitted.score_tasks(TABLE, Y).min() > 0.9
    assert fitted.n_features_in_ == 5
    assert fitted.feature_names_in_.tolist() == list(TABLE.columns)
    assert list(fitted.categories_) == ["town", "roof"]
    assert fitted.categories_["roof"].tolist() == ["flat", "gable", "hip"]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_all_estimators_take_a_table_of_strings(kind):
    y = targets_for(kind, RNG.normal(size=(N, 4)))
    model = kind(**SMALL).fit(TABLE, y, X_val=TABLE[:50], y_val=y[:50])
    assert np.shape(model.predict(TABLE)) == np.shape(y)


def test_other_containers_predict_the_same(fitted):
    expected = fitted.predict(TABLE)
    for other in (
        TABLE.astype(object),
        TABLE.astype({"town": "category", "roof": str}).mask(TABLE.isna()),
        pl.from_pandas(TABLE),
    ):
        np.testing.assert_allclose(fitted.predict(other), expected, rtol=1e-6)


def test_a_polars_table_fits_as_a_pandas_one():
    ours, theirs = (MultiTaskKerasRegressor(**SMALL).fit(X, Y) for X in (pl.from_pandas(TABLE), TABLE))
    np.testing.assert_array_equal(ours.predict(TABLE), theirs.predict(TABLE))
    assert ours.feature_names_in_.tolist() == list(TABLE.columns)


def test_arrays_and_lists_of_objects_fit_as_tables():
    cells = TABLE.astype(object).to_numpy()
    expected = MultiTaskKerasRegressor(**SMALL).fit(TABLE, Y).predict(TABLE)
    for X in (cells, cells.tolist()):
        model = MultiTaskKerasRegressor(**SMALL).fit(X, Y)
        np.testing.assert_array_equal(model.predict(X), expected)
        assert list(model.categories_) == [1, 2]


def test_unseen_and_missing_levels_are_predicted(fitted):
    new = TABLE[:6].copy()
    new["town"], new["roof"] = "elsewhere", pd.Categorical([None, "dome", "flat"] * 2)
    with pytest.warns(UserWarning, match="Column 'town' of X has only levels that were not seen in fit"):
        found = fitted.predict(new)
    assert np.isfinite(found).all()
    # All unseen levels get the same prediction.
    with pytest.warns(UserWarning, match="Column 'town'"):
        np.testing.assert_array_equal(fitted.predict(new.assign(town="nowhere")), found)
    np.testing.assert_array_equal(fitted.predict(new.assign(town=None)), found)
    assert np.abs(found - fitted.predict(TABLE[:6])).max() > 1e-3


def test_the_exported_model_predicts_the_same_from_the_documented_numbers(fitted, tmp_path):
    import keras

    new = TABLE.copy()
    new.loc[:5, "town"], new.loc[3:9, "size"] = "elsewhere", np.nan
    numbers = fitted.model_input(new)
    assert numbers.shape == new.shape
    assert (numbers[:6, 1] == -1).all()
    assert fitted.categories_["town"][int(numbers[7, 1])] == new.loc[7, "town"]
    assert np.isnan(numbers[0, 2])
    fitted.model_.save(tmp_path / "model.keras")
    for model in (fitted.model_, keras.saving.load_model(tmp_path / "model.keras")):
        outputs = model.predict(numbers, verbose=0)
        np.testing.assert_allclose(np.column_stack(outputs), fitted.predict(new), rtol=1e-4, atol=1e-4)


def test_plain_numbers_are_their_own_model_input():
    X = RNG.normal(size=(60, 3))
    model = MultiTaskKerasRegressor(**SMALL).fit(X, X[:, :2])
    np.testing.assert_array_equal(model.model_input(X), X)
    np.testing.assert_array_equal(model.model_input(sparse.csr_array(X)), X)
    assert model.categories_ == {}


def test_pickled_copied_and_cloned(fitted):
    expected = fitted.predict(TABLE)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict(TABLE), expected)
    again = clone(fitted).fit(TABLE, Y)
    np.testing.assert_array_equal(again.predict(TABLE), expected)


def test_columns_are_checked_by_name(fitted):
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(TABLE[TABLE.columns[::-1]])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(TABLE.rename(columns={"town": "place"}))


def test_x_with_other_columns_is_refused():
    cells = TABLE.astype(object).to_numpy()
    model = MultiTaskKerasRegressor(**SMALL).fit(cells, Y)
    with pytest.raises(ValueError, match="X has 4 features, but MultiTaskKerasRegressor is expecting 5"):
        model.predict(cells[:, :4])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        model.predict(cells[0])
    with pytest.raises(TypeError, match="X is sparse, but was fitted with categorical columns"):
        model.predict(sparse.csr_array(np.ones((2, 5))))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(np.where(np.arange(5) == 0, np.inf, cells))


def test_columns_named_by_the_caller_are_categories():
    X = np.column_stack([TOWN, RNG.normal(size=N)])
    settings = {**LEARNING, "random_state": 1}
    named = MultiTaskKerasRegressor(**settings, categorical_features=[0]).fit(X, Y[:, 0])
    plain = MultiTaskKerasRegressor(**settings).fit(X, Y[:, 0])
    assert named.score(X, Y[:, 0]) > 0.9 > plain.score(X, Y[:, 0])
    masked = MultiTaskKerasRegressor(**settings, categorical_features=[True, False]).fit(X, Y[:, 0])
    np.testing.assert_array_equal(masked.predict(X), named.predict(X))
    assert named.categories_[0].tolist() == list(range(20))


def test_strings_are_refused_with_a_hint_without_categorical_features():
    with pytest.raises(
        ValueError, match=r"X \(column town, roof\): could not convert string to float.*categorical_feat"
    ):
        MultiTaskKerasRegressor(**SMALL, categorical_features=None).fit(TABLE, Y)


def test_a_callers_model_sees_one_hot_columns_of_all_levels():
    model = MultiTaskKerasRegressor(model=heads, epochs=3, random_state=0).fit(TABLE, Y)
    # Three numbers; an indicator, 20 towns, 3 roofs and a missing one, rounded up to a multiple of 8.
    assert model.network_.features.n_outputs == 3 + 32
    outputs = model.model_.predict(model.model_input(TABLE), verbose=0)
    np.testing.assert_allclose(np.column_stack(outputs), model.predict(TABLE), rtol=1e-4, atol=1e-4)
    for changed in ({"one_hot_max_size": 5}, {"numeric_embedding": "periodic"}):
        with pytest.raises(ValueError, match=f"{next(iter(changed))} given, but model= builds the network"):
            MultiTaskKerasRegressor(model=heads, **changed).fit(TABLE, Y)


def test_partial_fit_and_warm_start_keep_the_first_levels():
    first, then = TABLE[TOWN < 15], TABLE[TOWN >= 10]
    model = MultiTaskKerasRegressor(**SMALL).partial_fit(first, Y[TOWN < 15])
    levels = model.categories_["town"]
    model.partial_fit(then, Y[TOWN >= 10])
    np.testing.assert_array_equal(model.categories_["town"], levels)
    assert "town 17" not in levels
    assert (model.model_input(then)[TOWN[TOWN >= 10] >= 15, 1] == -1).all()
    warm = MultiTaskKerasRegressor(**SMALL, warm_start=True).fit(first, Y[TOWN < 15])
    warm.fit(then, Y[TOWN >= 10])
    np.testing.assert_array_equal(warm.categories_["town"], levels)


def test_a_failed_fit_keeps_levels_and_names(fitted):
    model = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match="no label"):
        model.fit(TABLE.rename(columns={"town": "place"}), np.full(Y.shape, np.nan))
    np.testing.assert_array_equal(model.predict(TABLE), fitted.predict(TABLE))


def test_a_search_over_inputs_runs_and_folds_share_programs():
    grid = {"numeric_embedding": [None, "piecewise_linear"], "numeric_embedding__n_bins": [4]}
    with pytest.raises(ValueError, match="numeric_embedding is None"):
        GridSearchCV(MultiTaskKerasRegressor(**SMALL), grid, cv=2, error_score="raise").fit(TABLE, Y)
    model = MultiTaskKerasRegressor(**SMALL, numeric_embedding="piecewise_linear", scale_inputs="robust")
    grid = {"numeric_embedding__n_bins": [3], "scale_inputs": ["standard", "robust"]}
    work = lambda: GridSearchCV(model, grid, cv=4, error_score="raise").fit(TABLE, Y)  # noqa: E731
    # One structure: training; prediction of these few rows is arithmetic in numpy.
    assert counted(work)["traces"] == 1


def test_importances_of_categorical_columns(fitted):
    found = task_permutation_importance(fitted, TABLE, Y, n_repeats=2, random_state=0)
    assert found.importances_mean.loc["town"].min() > found.importances_mean.loc["age"].max()


@pytest.mark.slow
def test_a_raw_table_of_real_houses():
    table = pd.read_csv(data_path("ames.csv.gz")).sample(600, random_state=0)
    X = table[[name for name in table if not name.startswith("target:")]]
    y = table[["target:SalePrice", "target:Kitchen Qual"]].set_axis(["price", "kitchen"], axis=1)
    model = MultiTaskKerasEstimator(
        epochs=30, random_state=0, numeric_embedding="periodic", jit_compile=False, ensemble_size=1
    )
    assert len(model.fit(X, y).categories_) > 30
    predicted = cross_val_predict(model, X, y, cv=2)
    assert np.corrcoef(predicted[:, 0].astype(float), y["price"])[0, 1] > 0.8
    numbers = model.model_input(X)
    price, _ = model.model_.predict(numbers, verbose=0)
    np.testing.assert_allclose(price[:, 0], model.predict(X)["price"].astype(float), rtol=1e-3)
