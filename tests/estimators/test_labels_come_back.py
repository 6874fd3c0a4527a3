"""Predictions keep the labels, their types, and the columns and index of tables."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor
from skmtl.grouping import TaskGroupingClassifier

from ._cases import ESTIMATORS, LEARNING, SMALL, features, labels, quantities, targets_for

X = features()
WHICH = (X[:, 0] > 0).astype(int)
PAIRS = {
    "datetime64[ns]": pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"])).astype("datetime64[ns]"),
    "datetime64[us]": pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"])).astype("datetime64[us]"),
    "with zone": pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"])).dt.tz_localize("UTC"),
    "timedelta64[ns]": pd.Series(pd.to_timedelta(["1h", "2h"])).astype("timedelta64[ns]"),
    "period": pd.Series(pd.period_range("2020-01", periods=2, freq="M")),
    "date": pd.Series([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)]),
    "decimal": pd.Series([Decimal("0.5"), Decimal("1.5")]),
    "fraction": pd.Series([Fraction(1, 3), Fraction(2, 3)]),
    "large": pd.Series([2**63 + 1, 2**64 + 1]),
    "Int64": pd.Series([1, 2], dtype="Int64"),
    "int8": pd.Series([1, 2], dtype="int8"),
    "boolean": pd.Series([False, True], dtype="boolean"),
    "str": pd.Series(["a", "b"], dtype="str"),
    "string": pd.Series(["a", "b"], dtype="string"),
    "category": pd.Series(["a", "b"]).astype(pd.CategoricalDtype(["b", "a", "never"], ordered=True)),
    "interval": pd.Series(pd.cut([1.0, 2.0], [0.0, 1.5, 3.0])),
    "arrow decimal": pd.Series([Decimal("0.5"), Decimal("1.5")], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "arrow date": pd.Series([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)], dtype="date32[day][pyarrow]"),
    "arrow dictionary": pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "surrogate": pd.Series(["\ud800", "b"], dtype=object),
}


def column(pair, which=WHICH):
    return pair.take(which).reset_index(drop=True)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_labels_and_their_type_come_back(pair):
    y = pd.DataFrame({"label": column(pair), "other": X[:, 1].astype(np.float32), "plain": WHICH})
    model = MultiTaskKerasEstimator(**LEARNING, task_types={"label": "classification"}).fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtypes.tolist() == y.dtypes.tolist()
    hits = (predicted["label"] == y["label"]).mean()
    assert hits > 0.8
    assert model.score_tasks(X, y)["label"] == pytest.approx(hits)
    arrays = MultiTaskKerasClassifier(**SMALL).fit(X, y[["label", "plain"]])
    found = set(arrays.predict(X)[:, 0])
    assert found <= set(pair.astype(object))
    assert found <= set(arrays.network_.tasks[0].classes)
    assert MultiTaskKerasClassifier(**SMALL).fit(X, y["label"]).score(X, y["label"]) > 0


def test_a_missing_label_changes_no_type():
    y = pd.DataFrame({name: column(pair) for name, pair in PAIRS.items() if name not in ("int8", "large", "surrogate")})
    types = dict.fromkeys(y.columns, "classification")
    y.iloc[::7] = None
    complete = y.dropna()
    model = MultiTaskKerasEstimator(**SMALL, task_types=types).fit(X, y)
    predicted = model.predict(X)
    for name in y:
        assert set(predicted[name]) <= set(complete[name]), name
        if y[name].dtype != object:
            assert predicted[name].dtype == y[name].dtype


@pytest.mark.parametrize("dtype", ["<U10", "S10", "datetime64[D]"])
def test_labels_of_an_array_keep_its_dtype(dtype):
    y = np.array(["2020-01-01", "2021-01-01"]).astype(dtype)[np.column_stack([WHICH] * 2)]
    model = MultiTaskKerasClassifier(**LEARNING).fit(X, y)
    assert model.predict(X).dtype == y.dtype
    assert model.classes_[0].dtype == y.dtype
    groups = TaskGroupingClassifier(MultiTaskKerasClassifier(**LEARNING), groups=[[0], [1]]).fit(X, y)
    assert ((groups.predict(X) == y).mean(axis=0) > 0.8).all()


@pytest.mark.parametrize(
    "columns",
    [
        pd.RangeIndex(2),
        pd.Index([2020, 2021], name="year"),
        pd.to_datetime(["2020", "2021"]),
        pd.MultiIndex.from_tuples([("a", "u"), ("a", "v")], names=["block", None]),
    ],
    ids=["range", "integers", "dates", "levels"],
)
def test_columns_and_index_of_tables_come_back(columns):
    index = pd.Index([f"row {i}" for i in range(60)])
    y = pd.DataFrame(quantities(X), columns=columns, index=index)
    predicted = (
        MultiTaskKerasEstimator(**SMALL).fit(pd.DataFrame(X, index=index), y).predict(pd.DataFrame(X, index=index))
    )
    pd.testing.assert_index_equal(predicted.columns, columns, exact="equiv")
    assert (predicted - y).notna().all(axis=None)


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_tables_of_single_precision_are_predicted_so(dtype):
    y = pd.DataFrame(quantities(X)).astype(dtype)
    assert MultiTaskKerasRegressor(**SMALL).fit(X, y).predict(X).dtype == np.float32
    assert MultiTaskKerasEstimator(**SMALL).fit(X, y).predict(X).dtypes.tolist() == y.dtypes.tolist()


def test_numbers_as_objects_are_fitted_as_the_same_floats():
    price = (100 + 20 * X[:, 0]).round(2)
    exact = [Decimal(f"{value:.2f}") for value in price]
    expected = MultiTaskKerasEstimator(**SMALL).fit(X, pd.DataFrame({"a": price, "b": X[:, 1]})).predict(X)
    for given in (exact, pd.Series(exact, dtype=pd.ArrowDtype(pa.decimal128(10, 2)))):
        y = pd.DataFrame({"a": given, "b": X[:, 1]})
        for estimator in (MultiTaskKerasEstimator, MultiTaskKerasRegressor):
            found = np.asarray(estimator(**SMALL).fit(X, y).predict(X), dtype=float)
            np.testing.assert_array_equal(found, expected)


def test_a_number_beyond_all_floats_is_refused():
    y = pd.DataFrame({"a": [10**400 + i for i in range(60)], "b": X[:, 1]})
    for estimator in (MultiTaskKerasEstimator, MultiTaskKerasRegressor):
        with pytest.raises(ValueError, match=r"infinity or a value too large .* in task 'a'"):
            estimator(**SMALL).fit(X, y)


@pytest.mark.parametrize("kind", ["classifier", "mixed", "grouping"])
@pytest.mark.parametrize("dtype", [str, "S1", "datetime64[D]"], ids=["text", "bytes", "dates"])
def test_labels_of_another_type_are_not_scored(kind, dtype):
    y = labels(X)
    models = {
        "classifier": MultiTaskKerasClassifier(**SMALL),
        "mixed": MultiTaskKerasEstimator(**SMALL, task_types={"y0": "classification", "y1": "classification"}),
        "grouping": TaskGroupingClassifier(MultiTaskKerasClassifier(**SMALL), groups=[[0], [1]]),
    }
    model = models[kind].fit(X, y)
    assert model.score(X, y.astype(float)) == model.score(X, y)
    with pytest.raises(ValueError, match="Task 'y0' has labels of another type than its classes"):
        model.score(X, y.astype(dtype))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_masked_entry_is_a_missing_one(kind):
    y, gaps = np.asarray(targets_for(kind, X)), np.zeros(60, bool)
    gaps[40:50] = True
    y = y[:, :1] if kind is MultiTaskKerasEstimator else y
    y = y.astype(float)
    cells = np.repeat(gaps[:, None], y.shape[1], axis=1)
    masked_y = np.ma.masked_array(np.where(cells, -999.0, y), mask=cells)
    masked_X = np.ma.masked_array(np.where(gaps[:, None], 1e20, X), mask=np.repeat(gaps[:, None], 4, axis=1))
    plain_X, plain_y = masked_X.filled(np.nan), np.where(cells, np.nan, y)
    expected = kind(**SMALL).fit(plain_X, plain_y, X_val=plain_X, y_val=plain_y)
    found = kind(**SMALL).fit(masked_X, masked_y, X_val=masked_X, y_val=masked_y)
    np.testing.assert_array_equal(found.predict(masked_X), expected.predict(plain_X))
    assert found.score(masked_X, masked_y) == expected.score(plain_X, plain_y)
    rows = kind(**SMALL).fit(list(masked_X), list(masked_y), X_val=list(masked_X), y_val=list(masked_y))
    np.testing.assert_array_equal(rows.predict(list(masked_X)), expected.predict(plain_X))
    weight = np.ma.masked_array(np.ones(60), mask=gaps)
    np.testing.assert_array_equal(
        kind(**SMALL).fit(X, y, sample_weight=weight).predict(X),
        kind(**SMALL).fit(X, y, sample_weight=weight.filled(0)).predict(X),
    )
