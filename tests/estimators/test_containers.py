"""X and y in every supported container."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor

from ._cases import SMALL, features, labels, mixed, quantities

X = features().round(2)
NAMES = ["a", "b", "c", "d"]

SAME_NUMBERS = {
    "list": lambda X: X.tolist(),
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "object": lambda X: X.astype(object),
    "frame": lambda X: pd.DataFrame(X, columns=NAMES),
    "nullable": lambda X: pd.DataFrame(X, columns=NAMES).astype("Float64"),
    "arrow": lambda X: pd.DataFrame(X, columns=NAMES).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda X: pl.DataFrame(X, schema=NAMES),
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "coo": sparse.coo_array,
    "csr_matrix": sparse.csr_matrix,
}


@pytest.fixture(scope="module")
def expected():
    return MultiTaskKerasRegressor(**SMALL).fit(X, quantities(X)).predict(X)


@pytest.mark.parametrize("container", SAME_NUMBERS)
def test_the_container_of_x_changes_no_number(container, expected):
    given = SAME_NUMBERS[container](X)
    model = MultiTaskKerasRegressor(**SMALL).fit(given, quantities(X))
    # Sums over columns stored one way or the other round differently in the last digit.
    np.testing.assert_allclose(model.predict(given), expected, rtol=1e-9)
    assert model.n_features_in_ == 4
    if container in ("frame", "nullable", "arrow", "polars"):
        assert model.feature_names_in_.tolist() == NAMES
    else:
        assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool", "longdouble"])
def test_the_numeric_dtype_of_x_does_not_matter(dtype):
    given = np.abs(X * 3).round().astype(dtype)
    found = MultiTaskKerasRegressor(**SMALL).fit(given, quantities(X)).predict(given)
    expected = MultiTaskKerasRegressor(**SMALL).fit(given.astype(np.float64), quantities(X)).predict(given)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_frame_may_mix_dtypes_and_missing_values():
    table = pd.DataFrame(
        {
            "yes": pd.array(np.where(X[:, 0] > 1, None, X[:, 1] > 0), dtype="boolean"),
            "count": pd.array(np.where(X[:, 0] > 1, None, (X[:, 2] * 3).round()), dtype="Int64"),
            "size": X[:, 3].astype(np.float32),
        }
    )
    plain = table.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    found = MultiTaskKerasRegressor(**SMALL).fit(table, quantities(X)).predict(table)
    np.testing.assert_allclose(
        found, MultiTaskKerasRegressor(**SMALL).fit(plain, quantities(X)).predict(plain), rtol=1e-9
    )


def test_fit_changes_neither_x_nor_y_nor_weights():
    given, y, weight = X.copy(), quantities(X), np.ones((60, 2))
    given[::7, 1], y[::5, 1], weight[::3, 0] = np.nan, np.nan, 0.0
    before = given.copy(), y.copy(), weight.copy()
    for array in (given, y, weight):
        array.setflags(write=False)
    MultiTaskKerasRegressor(**SMALL).fit(given, y, weight).predict(given)
    for array, copy in zip((given, y, weight), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_sparse_rows_with_stored_gaps_are_missing_values():
    given = X.copy()
    given[::7, 1] = np.nan
    dense = MultiTaskKerasRegressor(**SMALL).fit(given, quantities(X))
    stored = MultiTaskKerasRegressor(**SMALL).fit(sparse.csr_array(given), quantities(X))
    np.testing.assert_allclose(stored.predict(sparse.csr_array(given)), dense.predict(given), rtol=1e-9)


@pytest.mark.parametrize(
    "container",
    [
        lambda y: y.tolist(),
        lambda y: tuple(map(tuple, y)),
        lambda y: y.astype(object),
        lambda y: pd.DataFrame(y),
        lambda y: pd.DataFrame(y).astype("Float64"),
        lambda y: pd.DataFrame(y).convert_dtypes(dtype_backend="pyarrow"),
        lambda y: pl.DataFrame(y),
        sparse.csr_array,
    ],
    ids=["list", "tuples", "object", "frame", "nullable", "arrow", "polars", "csr"],
)
def test_the_container_of_y_changes_no_number(container, expected):
    found = MultiTaskKerasRegressor(**SMALL).fit(X, container(quantities(X))).predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_predictions_are_single_precision_only_if_the_targets_were(dtype):
    y = quantities(X).astype(dtype)
    predicted = MultiTaskKerasRegressor(**SMALL).fit(X, y).predict(X)
    assert predicted.dtype == (np.float32 if dtype == "float32" else np.float64)


def holed(values, dtype=None):
    gaps = np.arange(60) % 4 == 3
    cells = [None if gap else value for gap, value in zip(gaps, values, strict=True)]
    return cells if dtype is None else pd.array(cells, dtype=dtype)


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        (holed([int(v) for v in labels(X)[:, 1]], "Int64"), [0, 1, 2]),
        (holed((X[:, 0] > 0).tolist(), "boolean"), [False, True]),
        (pd.Categorical(holed(mixed(X)["size"])), ["large", "medium", "small"]),
        (holed(mixed(X)["size"], "string"), ["large", "medium", "small"]),
        (holed([int(v) for v in labels(X)[:, 1]], "int8[pyarrow]"), [0, 1, 2]),
        (pl.Series("y0", holed([int(v) for v in labels(X)[:, 1]])), [0, 1, 2]),
        (pl.Series("y0", holed((X[:, 0] > 0).tolist())), [False, True]),
        (pl.Series("y0", holed(mixed(X)["size"])), ["large", "medium", "small"]),
    ],
    ids=["Int64", "boolean", "category", "string", "arrow", "polars int", "polars bool", "polars text"],
)
def test_classes_keep_their_type_if_labels_are_missing(column, classes):
    y = column if isinstance(column, pl.Series) else pd.Series(column)
    model = MultiTaskKerasClassifier(**SMALL).fit(X, y)
    assert model.classes_.tolist() == classes
    assert [type(label) for label in model.classes_.tolist()] == [type(label) for label in classes]
    assert set(model.predict(X).tolist()) <= set(classes)
    assert {type(label) for label in model.predict(X).tolist()} == {type(classes[0])}


def test_a_list_of_lists_holds_text_numbers_and_none():
    rows = [
        [None if i % 7 == 0 else size, None if i % 5 == 0 else int(count)]
        for i, (size, count) in enumerate(zip(mixed(X)["size"], labels(X)[:, 1], strict=True))
    ]
    model = MultiTaskKerasClassifier(**SMALL).fit(X, rows)
    assert [classes.tolist() for classes in model.classes_] == [["large", "medium", "small"], [0, 1, 2]]
    predicted = model.predict(X)
    assert predicted.dtype == object
    assert {type(label) for label in predicted[:, 1]} == {int}


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (quantities(X), ["y0", "y1"]),
        (quantities(X)[:, 0], ["y0"]),
        (quantities(X)[:, :1], ["y0"]),
        (pd.DataFrame(quantities(X), columns=["price", "area"]), ["price", "area"]),
        (pd.DataFrame(quantities(X)), ["0", "1"]),
        (pd.Series(X[:, 0], name="price"), ["price"]),
        (pd.Series(X[:, 0]), ["y0"]),
        (pl.DataFrame(quantities(X), schema=["price", "area"]), ["price", "area"]),
        (pl.Series("price", X[:, 0]), ["price"]),
        (pl.Series(X[:, 0]), ["y0"]),
    ],
)
def test_tasks_take_the_names_of_the_columns(y, names):
    model = MultiTaskKerasRegressor(**SMALL).fit(X, y)
    assert model.task_names_ == names
    assert model.n_tasks_ == len(names)
    assert model.score_tasks(X, y).index.tolist() == names
    assert {f"{name}_loss" for name in names} <= set(model.history_)


@pytest.mark.parametrize("kind", [MultiTaskKerasRegressor, MultiTaskKerasClassifier])
def test_a_column_of_one_stays_two_dimensional(kind):
    y = labels(X)
    assert kind(**SMALL).fit(X, y[:, 1:]).predict(X).shape == (60, 1)
    assert kind(**SMALL).fit(X, y[:, 1]).predict(X).shape == (60,)


def test_the_mixed_estimator_gives_frames_for_frames_and_keeps_the_index():
    table = pd.DataFrame(X, columns=NAMES, index=[f"row {i}" for i in range(60)])
    y = mixed(X).set_index(table.index)
    model = MultiTaskKerasEstimator(**SMALL).fit(table, y)
    predicted = model.predict(table)
    assert predicted.columns.tolist() == ["price", "size", "sold"]
    assert predicted.index.equals(table.index)
    assert predicted.dtypes.tolist() == y.dtypes.tolist()
    arrays = MultiTaskKerasEstimator(**SMALL).fit(X, y.to_numpy()).predict(X)
    assert isinstance(arrays, np.ndarray)
    assert {type(label) for label in arrays[:, 1]} == {str}
    from_polars = MultiTaskKerasEstimator(**SMALL).fit(pl.DataFrame(X), pl.from_pandas(y)).predict(pl.DataFrame(X))
    assert from_polars["size"].tolist() == predicted["size"].tolist()
