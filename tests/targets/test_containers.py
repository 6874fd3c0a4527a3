"""y in containers other than arrays and pandas tables."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from skmtl.targets import as_table, read_columns


def read(y):
    return read_columns(y, estimator="Estimator")


MASK = [[False, True], [False, False], [True, False]]


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([[1.5, -999.0], [2.5, 4.5], [-999.0, 6.5]], np.float32),
        ([[1, -999], [2, 4], [-999, 6]], np.int64),
        ([["a", "?"], ["b", "c"], ["?", "d"]], object),
        ([[True, False], [True, True], [False, True]], bool),
        ([["2020", "1900"], ["2021", "2022"], ["1900", "2023"]], "datetime64[D]"),
    ],
    ids=["float", "int", "text", "bool", "date"],
)
def test_a_masked_entry_is_missing(data, dtype):
    given = np.ma.masked_array(np.array(data, dtype=dtype), mask=MASK)
    columns = read(given)
    np.testing.assert_array_equal(np.column_stack(columns.observed), ~np.array(MASK))
    known = [values[seen].tolist() for values, seen in zip(columns.values, columns.observed, strict=True)]
    plain = [
        column[~mask].tolist() for column, mask in zip(np.array(data, dtype=dtype).T, np.array(MASK).T, strict=True)
    ]
    assert known == plain
    assert read(as_table(given)).observed[1].tolist() == columns.observed[1].tolist()
    rows = read(list(given))
    assert [values[seen].tolist() for values, seen in zip(rows.values, rows.observed, strict=True)] == plain
    cells = read(list(given[:, 1]))
    assert np.array(cells.values[0][cells.observed[0]], dtype=dtype).tolist() == plain[1]


def test_masked_structured_arrays_raise_the_same_error_as_others():
    given = np.ma.masked_array(np.zeros(2, dtype=[("a", float), ("b", float)]), mask=[(True, False), (False, False)])
    with pytest.raises(ValueError, match=r"y is a structured array.*pass pd.DataFrame\(y\)"):
        read(given)


def test_a_lazy_query_raises_an_error():
    with pytest.raises(TypeError, match=r"call collect\(\) and pass the result"):
        read(pl.DataFrame({"a": [1.0, 2.0]}).lazy())


def test_a_mask_without_a_masked_entry_changes_nothing():
    assert read(np.ma.masked_array([1, 2])).values[0].dtype == np.int64


def test_integers_of_an_arrow_table_stay_integers_with_nulls():
    large = 2**53
    columns = read(pa.table({"a": [large, large + 1, None], "b": [1.0, None, 2.0]}))
    assert columns.names == ("a", "b")
    assert columns.values[0][:2].tolist() == [large, large + 1]
    assert columns.observed[0].tolist() == [True, True, False]
    assert read(pa.chunked_array([[large, None], [large + 1]])).observed[0].tolist() == [True, False, True]


def test_a_dict_of_columns_is_a_table():
    columns = read({"a": [1, 2], "b": np.ma.masked_array([3.0, 4.0], mask=[False, True])})
    assert columns.names == ("a", "b")
    assert columns.observed[1].tolist() == [True, False]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "one 1-D array of n_samples entries per task"),
        ({"a": np.ones((2, 1))}, "one 1-D array of n_samples entries per task"),
        (np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]), "structured array .* pass pd.DataFrame"),
        ([np.ones((3, 1)), np.ones((3, 1))], "np.column_stack"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than once"),
    ],
)
def test_unsupported_containers_raise_an_error_that_says_what_to_pass(y, message):
    with pytest.raises(ValueError, match=message):
        read(y)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.dok_array, sparse.lil_matrix])
def test_sparse_targets_are_read_like_dense_ones(kind):
    assert [values.tolist() for values in read(kind(np.eye(2))).values] == [[1.0, 0.0], [0.0, 1.0]]


def test_lists_of_text_stay_text():
    assert read(["a", "b"]).values[0].dtype.kind == "U"
    assert read(["a", None]).values[0].dtype == object
    assert [values.tolist() for values in read([["a", 1], ["b", 2]]).values] == [["a", "b"], [1, 2]]
