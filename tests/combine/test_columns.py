"""A combined column keeps its values and its kind, whatever its dtypes in the tasks."""

import numpy as np
import pandas as pd
import pytest

from skmtl._combine import combine_task_datasets

from ._houses import frame


def combined(first, second, *, other=False):
    """Column c of two stacked tasks; with `other`, there is a third task without it."""
    tables = {
        "s": (frame(c=first), np.arange(len(first)) % 2),
        "t": (frame(c=second), np.arange(len(second)) % 2),
    }
    if other:
        tables["u"] = (frame(d=[0.0]), [1.0])
    return combine_task_datasets(tables).X["c"]


def test_integers_stay_integers_without_gaps_and_become_floats_with_them():
    first, second = pd.Series([1, 2], dtype="int32"), pd.Series([3, 4], dtype="int64")
    assert combined(first, second).dtype == np.int64
    assert combined(first, second, other=True).dtype == np.float64
    assert combined(pd.Series([1, None], dtype="Int64"), second).dtype == np.float64


def test_booleans_become_floats_only_with_gaps():
    assert combined([True, False], [False, True]).dtype == bool
    gaps = combined([True, False], [False, True], other=True)
    assert gaps.dtype == np.float64 and gaps.iloc[:4].tolist() == [1, 0, 0, 1]


def test_float32_stays_float32():
    first, second = (pd.Series(values, dtype="float32") for values in ([0.1, 0.2], [0.3, 0.4]))
    assert combined(first, second, other=True).dtype == np.float32


def test_categories_are_merged():
    column = combined(pd.Categorical(["b", "a"]), pd.Categorical(["c", "a"]), other=True)
    assert column.dtype == pd.CategoricalDtype(["a", "b", "c"])
    assert column.iloc[:4].tolist() == ["b", "a", "c", "a"]


def test_numeric_categories_are_merged():
    column = combined(pd.Categorical([1, 2]), pd.Categorical([2.0, 2.5]))
    assert column.cat.categories.tolist() == [1, 2, 2.5] and column.tolist() == [1, 2, 2, 2.5]


def test_categories_and_strings_become_strings():
    column = combined(pd.Categorical(["b", "a"]), ["c", "a"])
    assert column.tolist() == ["b", "a", "c", "a"]
    assert not isinstance(column.dtype, pd.CategoricalDtype)


def test_equal_category_orders_are_kept_and_different_ones_raise_an_error():
    low, high = (
        pd.CategoricalDtype(["lo", "hi"], ordered=True),
        pd.CategoricalDtype(["hi", "lo"], ordered=True),
    )
    values = pd.Series(["hi", "lo"])
    assert combined(values.astype(low), values.astype(low)).dtype == low
    with pytest.raises(ValueError, match="'c' is an ordered categorical"):
        combined(values.astype(low), values.astype(high))


@pytest.mark.parametrize(
    "first, second, kinds",
    [
        ([1, 2], ["x", "y"], "number in task 's' .* string in task 't'"),
        ([1.0, np.nan], pd.Categorical(["x", "y"]), "number .* string"),
        ([True, False], ["x", "y"], "boolean .* string"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), [1, 2], "datetime64 .* number"),
        ([1, "x"], [1, 2], "mixed-integer .* number"),
    ],
)
def test_a_column_with_two_kinds_of_values_raises_an_error(first, second, kinds):
    with pytest.raises(ValueError, match=f"Column 'c' holds different kinds of values: {kinds}"):
        combined(first, second)


def test_a_column_without_values_matches_every_kind():
    assert combined([np.nan, np.nan], ["x", "y"]).dropna().tolist() == ["x", "y"]
    assert combined(pd.Series([None, None], dtype=object), [1, 2]).dtype == np.float64
    assert combined([np.nan, np.nan], [None, None]).dtype == np.float64


def test_numbers_in_object_columns_are_numbers():
    column = combined(pd.Series([1, None], dtype=object), pd.Series([2.5, 3], dtype=object))
    assert column.dtype == np.float64 and column.dropna().tolist() == [1, 2.5, 3]


def test_dates_stay_dates():
    dates = pd.to_datetime(pd.Series(["2020-01-01", "2020-01-02"]))
    column = combined(dates, dates.astype("datetime64[s]"), other=True)
    assert column.dtype.kind == "M" and column.dropna().tolist() == dates.tolist() * 2


def test_the_result_has_no_pandas_NA():
    column = combined(pd.Series(["x", None], dtype="string"), pd.Series(["y", "z"], dtype="string"), other=True)
    assert column.isna().sum() == 2 and all(isinstance(cell, str | float) for cell in column)


def test_large_integers_raise_an_error_only_if_they_must_become_floats():
    longest = [2**53 + 1, 2**53 + 3]
    assert combined(longest, longest).tolist() == longest * 2
    with pytest.raises(ValueError, match=r"'c' holds integers beyond 2\*\*53"):
        combined(longest, longest, other=True)
    with pytest.raises(ValueError, match=r"'c' holds integers beyond 2\*\*53"):
        combined(longest, [0.5, 1.5])


@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "Int64", "Float32"])
def test_numbers_become_float64(dtype):
    _, y = combine_task_datasets({"s": (frame(a=[1, 2]), pd.Series([3, 4], dtype=dtype))})
    assert y["s"].dtype == np.float64 and y["s"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    "labels",
    [
        ["flat", "house", "flat"],
        np.array(["flat", "house", "flat"]),
        pd.Series(["flat", "house", "flat"], dtype=object),
        pd.Series(["flat", "house", "flat"], dtype="string"),
        pd.Categorical(["flat", "house", "flat"]),
        pd.Series(["flat", "house", "flat"], dtype="category"),
        [True, False, True],
        np.array([True, False, True]),
        pd.Series([True, False, True], dtype="boolean"),
    ],
)
def test_classes_keep_their_values_if_some_are_missing(labels):
    _, y = combine_task_datasets({"c": (frame(a=[1, 2, 3]), labels), "r": (frame(a=[4, 5]), [1.0, 2.0])})
    assert y["c"].iloc[:3].tolist() == list(labels)
    assert {type(label) for label in y["c"].iloc[:3]} <= {str, bool}
    assert all(isinstance(label, float) and np.isnan(label) for label in y["c"].iloc[3:].tolist())
    assert isinstance(y["c"].dtype, pd.CategoricalDtype) == isinstance(
        getattr(labels, "dtype", None), pd.CategoricalDtype
    )


def test_missing_labels_stay_missing():
    _, y = combine_task_datasets(
        {
            "r": (frame(a=[1, 2]), [1, None]),
            "c": (frame(a=[1, 2]), ["x", None]),
            "b": (frame(a=[1, 2]), [None, True]),
        }
    )
    assert y.notna().to_numpy().sum(axis=0).tolist() == [1, 1, 1]
    assert y["b"].dropna().tolist() == [True]


def test_a_boolean_target_without_gaps_stays_boolean():
    _, y = combine_task_datasets({"b": (frame(a=[1, 2]), [True, False])})
    assert y["b"].dtype == bool


def test_a_missing_cell_is_filled_from_another_task():
    X, _ = combine_task_datasets(
        {
            "s": (frame(k=[1, 2], a=[np.nan, 5.0]), [1.0, 2.0]),
            "t": (frame(k=[1, 2], a=[4.0, np.nan]), [1.0, 2.0]),
        },
        on="k",
    )
    assert X["a"].tolist() == [4.0, 5.0]


@pytest.mark.parametrize("dtype", ["float64", "Int64", "object", "category", "string"])
def test_a_cell_with_two_values_raises_an_error(dtype):
    first, second = (pd.Series(values).astype(dtype) for values in ([3, 4, 5], [6, 5, 9]))
    with pytest.raises(ValueError, match=r"'rooms' differs .* row 21 \(and in 1 more rows\).*in 'price'.*in 'area'"):
        combine_task_datasets(
            {
                "price": (frame(k=[20, 21, 22], rooms=first), [1.0, 2.0, 3.0]),
                "area": (
                    frame(k=[21, 22, 23], rooms=second.iloc[[0, 2, 1]].reset_index(drop=True)),
                    [1.0, 2.0, 3.0],
                ),
            },
            on="k",
        )


def test_the_error_names_both_values_and_their_tasks():
    tables = {f"t{i}": (frame(k=[1, 2], a=[7, i]), [1.0, 2.0]) for i in (3, 4)}
    with pytest.raises(ValueError, match="in row 2: 3 in 't3' and 4 in 't4'"):
        combine_task_datasets(tables, on="k")
