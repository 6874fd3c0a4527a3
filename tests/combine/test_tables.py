"""Data sets are read in the same way from any container; errors name the invalid ones."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy import sparse

from skmtl._combine import combine_task_datasets

from ._houses import frame, own_features


def test_arrays_and_lists_are_matched_by_position():
    X, y = combine_task_datasets({"s": (np.array([[1, 2]]), [3]), "t": ([[4, 5], [6, 7]], (8, 9))})
    assert X.columns.tolist() == ["x0", "x1"]
    assert X.to_numpy().tolist() == [[1, 2], [4, 5], [6, 7]]
    np.testing.assert_array_equal(y, [[3, np.nan], [np.nan, 8], [np.nan, 9]])


@pytest.mark.parametrize("container", [lambda array: array, list], ids=["array", "list of rows"])
def test_masked_entries_are_missing(container):
    X = np.ma.masked_array([[1.0, 2.0], [-999.0, 4.0]], mask=[[False, False], [True, False]])
    y = np.ma.masked_array([[5, -999], [6, 7]], mask=[[False, True], [False, False]])
    found_X, found_y = combine_task_datasets({"s": (container(X), container(y)), "t": ([[8.0, 9.0]], [1.0])})
    np.testing.assert_array_equal(found_X.to_numpy(dtype=float), [[1, 2], [np.nan, 4], [8, 9]])
    np.testing.assert_array_equal(
        found_y.to_numpy(dtype=float), [[5, np.nan, np.nan], [6, 7, np.nan], [np.nan, np.nan, 1]]
    )


def test_a_frame_without_column_names_counts_as_an_array():
    X, _ = combine_task_datasets({"s": (pd.DataFrame([[1, 2]]), [3]), "t": (np.array([[4, 5]]), [8])})
    assert X.columns.tolist() == ["x0", "x1"]


def test_object_arrays_and_mixed_lists_get_a_dtype_per_column():
    for rows in ([[1, "a"], [2, "b"]], np.array([[1, "a"], [2, "b"]], dtype=object)):
        X, _ = combine_task_datasets({"s": (rows, [1.0, 2.0])})
        assert X["x0"].dtype == np.int64 and X["x1"].tolist() == ["a", "b"]
    dates = pd.to_datetime(["2020-01-01", "2020-01-02"])
    X, _ = combine_task_datasets({"s": (dates.astype(object).to_numpy().reshape(-1, 1), [1.0, 2.0])})
    assert X["x0"].dtype.kind == "M"


def test_polars_frames_are_accepted():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    datasets = own_features()
    converted = {task: (polars.from_pandas(X), polars.from_pandas(y)) for task, (X, y) in datasets.items()}
    for on in (None, "house_id"):
        expected, found = combine_task_datasets(datasets, on=on), combine_task_datasets(converted, on=on)
        assert_frame_equal(found.X.reset_index(drop=True), expected.X.reset_index(drop=True))
        assert_frame_equal(found.y.reset_index(drop=True), expected.y.reset_index(drop=True))
    with pytest.raises(ValueError, match="neither X nor y of task 'price' has an index"):
        combine_task_datasets(converted, on="index")


def test_widths_of_unnamed_columns_must_be_equal():
    with pytest.raises(ValueError, match=r"same number of columns in every X, got \{'s': 2, 't': 3\}"):
        combine_task_datasets({"s": (np.ones((1, 2)), [1]), "t": (np.ones((1, 3)), [1])})


def test_mixing_named_and_unnamed_columns_raises_an_error():
    with pytest.raises(ValueError, match=r"X of the tasks \['t'\] has no column names, but X of \['s'\] has"):
        combine_task_datasets({"s": (frame(a=[1]), [1]), "t": (np.ones((1, 1)), [1])})


def test_several_columns_are_several_tasks():
    _, y = combine_task_datasets(
        {
            "plan": (frame(a=[1, 2]), frame(area=[1.0, 2.0], kind=["flat", "house"])),
            "raw": (frame(a=[3, 4]), np.array([[1, 2], [3, 4]])),
            "one": (frame(a=[5]), frame(whatever=[7])),
        }
    )
    assert y.columns.tolist() == ["area", "kind", "raw_0", "raw_1", "one"]
    assert y["raw_1"].dropna().tolist() == [2, 4]


def test_two_targets_with_the_same_name_raise_an_error():
    with pytest.raises(
        ValueError, match="Two targets have the name 'area', in the data of the tasks 'area' and 'plan'"
    ):
        combine_task_datasets({"area": (frame(a=[1]), [1.0]), "plan": (frame(a=[1]), frame(area=[1.0], rooms=[2]))})


@pytest.mark.parametrize(
    "datasets, error, message",
    [
        ([("s", (frame(a=[1]), [1]))], TypeError, "datasets should be a dict .* got list"),
        ({}, ValueError, "datasets is empty"),
        ({1: (frame(a=[1]), [1])}, TypeError, "expected non-empty strings, got 1"),
        ({"s": frame(a=[1])}, TypeError, r"datasets\['s'\] should be a pair \(X, y\), got DataFrame"),
        ({"s": (frame(a=[1]), [1], [1])}, TypeError, "got tuple of length 3"),
        ({"s": (frame(a=[1, 2]), [1])}, ValueError, "X has 2 and y has 1"),
        ({"s": (frame(a=[]), [])}, ValueError, "Task 's' has no rows"),
        ({"s": (pd.Series([1]), [1])}, ValueError, "X of task 's' should be 2-D"),
        ({"s": (np.ones((2, 2, 2)), [1, 2])}, ValueError, r"X of task 's' .* shape \(2, 2, 2\)"),
        (
            {"s": ([[1, 2], [3]], [1, 2])},
            ValueError,
            "X of task 's' is a list of rows of different lengths",
        ),
        ({"s": (sparse.eye(2), [1, 2])}, TypeError, "X of task 's' is a sparse matrix"),
        ({"s": ("abc", [1, 2])}, TypeError, "should be a DataFrame, an array or a list, got str"),
        ({"s": (frame(a=[1]), np.ones((1, 0)))}, ValueError, "y of task 's' has no columns"),
        ({"s": (frame(a=[1])[[]], [1.0])}, ValueError, "No feature column is left"),
        (
            {"s": (frame(a=[1])[["a", "a"]], [1])},
            ValueError,
            r"X of task 's' has several columns .*\['a'\]",
        ),
        (
            {"s": (frame(a=[1]), frame(b=[1])[["b", "b"]])},
            ValueError,
            r"y of task 's' has several columns .*\['b'\]",
        ),
        ({"s": (pd.DataFrame({"a": [1], 3: [2]}), [1])}, ValueError, r"not strings: \[3\]"),
        (
            {"s": (frame(a=[1]), pd.DataFrame({"a": [1], 3: [2]}))},
            ValueError,
            r"y of task 's' .* not strings: \[3\]",
        ),
        (
            {"s": (frame(a=[1, 2]), pd.Series([1, 2], index=[1, 0]))},
            ValueError,
            r"X and y of task 's' have different indexes.*y.loc\[X.index\]",
        ),
    ],
)
def test_invalid_data_sets_raise_an_error(datasets, error, message):
    with pytest.raises(error, match=message):
        combine_task_datasets(datasets)
