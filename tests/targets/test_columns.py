"""Splitting y into named columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl.targets import read_columns


def read(y):
    return read_columns(y, estimator="Estimator")


def test_a_column_has_values_and_a_mask_of_observed_entries():
    columns = read(pd.DataFrame({"a": [1.5, np.nan, 2.5], "b": ["x", None, "y"]}))
    assert columns.names == ("a", "b")
    assert columns.n_samples == 3
    assert [mask.tolist() for mask in columns.observed] == [[True, False, True]] * 2
    assert columns.values[0][columns.observed[0]].tolist() == [1.5, 2.5]
    assert columns.values[1].tolist() == ["x", None, "y"]


@pytest.mark.parametrize(
    ("y", "one_dimensional", "is_frame"),
    [
        ([1, 2, 3], True, False),
        (np.ones((3, 1)), False, False),
        (pd.Series([1, 2, 3]), True, False),
        (pd.DataFrame({"a": [1, 2, 3]}), False, True),
        (pl.Series([1, 2, 3]), True, False),
        (pl.DataFrame({"a": [1, 2, 3]}), False, True),
        (sparse.csr_array(np.eye(3)), False, False),
    ],
)
def test_the_form_of_y_is_kept(y, one_dimensional, is_frame):
    columns = read(y)
    assert (columns.one_dimensional, columns.is_frame) == (one_dimensional, is_frame)


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([1.0, np.nan], dtype=np.float32), np.float32),
        (np.array([1, 2], dtype=np.int8), np.int8),
        (np.array([True, False]), bool),
        (pd.Series([1, None], dtype="Int64"), np.int64),
        (pd.Series([True, None], dtype="boolean"), bool),
        (pd.Series([1.5, None], dtype="Float64"), np.float64),
        (pd.Series([1, None], dtype="int16[pyarrow]"), np.int64),
        (pl.Series([1, None]), np.int64),
        (pl.Series([True, None]), bool),
        (np.array([1, None, 3], dtype=object), np.int64),
        (np.array([True, None], dtype=object), bool),
        (np.array(["a", None], dtype=object), object),
        (np.array(["a", "b"]), np.dtype("<U1")),
        (pd.Series(["a", None], dtype="category"), object),
        (pd.Series([1, None], dtype=object).astype("category"), np.int64),
        ([1, 2.5, None], np.float64),
    ],
)
def test_a_missing_entry_does_not_change_the_type_of_the_others(y, dtype):
    assert read(y).values[0].dtype == dtype


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([1.0, None, 0.0], dtype="Float64") / pd.Series([1.0, 1.0, 0.0], dtype="Float64"),
        pd.Series([1.0, None, float("nan")], dtype="float64[pyarrow]"),
        pl.Series([1.0, None, float("nan")]),
        np.array([1.0, None, np.nan], dtype=object),
        pd.Series([1.0, pd.NA, pd.NaT], dtype=object),
    ],
    ids=["nullable", "arrow", "polars", "object", "pandas object"],
)
def test_nan_is_missing_as_is_the_containers_own_missing_value(y):
    assert read(y).observed[0].tolist() == [True, False, False]


def test_rows_of_different_lengths_raise_an_error():
    with pytest.raises(ValueError, match="rows of different lengths"):
        read([[1, 2], [3]])
