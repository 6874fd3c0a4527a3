"""Rows are joined by key or by index; invalid keys raise errors."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from skmtl._combine import combine_task_datasets

from ._houses import frame, own_features


def test_a_key_column_joins_and_becomes_the_index():
    X, y = combine_task_datasets(own_features(), on=["house_id"])
    assert X.index.name == "house_id"
    assert X.index.tolist() == [11, 12, 13, 14, 15, 16]
    assert X.columns.tolist() == ["rooms", "garden", "floors"]
    assert X["rooms"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(X["floors"], [np.nan, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(X["garden"], [0.5, 1.5, 2.5, 3.5, 4.5, np.nan])
    np.testing.assert_array_equal(y["price"], [100, 210, 330, 470, 520, np.nan])
    np.testing.assert_array_equal(y["area"], [np.nan, 61, 73, 87, 92, 108])


def test_a_single_key_may_be_a_string():
    listed, plain = (combine_task_datasets(own_features(), on=on) for on in (["house_id"], "house_id"))
    assert_frame_equal(listed.X, plain.X)
    assert_frame_equal(listed.y, plain.y)


def test_keys_are_features_only_on_request():
    X, _ = combine_task_datasets(own_features(), on=["house_id"], keep_keys=True)
    assert X.columns.tolist() == ["house_id", "rooms", "garden", "floors"]
    assert X["house_id"].tolist() == X.index.tolist()


def test_the_index_joins_by_label():
    datasets = {task: (X.set_index("house_id"), y.set_axis(X["house_id"])) for task, (X, y) in own_features().items()}
    by_key, by_index = (
        combine_task_datasets(own_features(), on="house_id"),
        combine_task_datasets(datasets, on="index"),
    )
    assert_frame_equal(by_key.X, by_index.X)
    assert_frame_equal(by_key.y, by_index.y)


def test_an_index_of_y_alone_joins():
    X, y = combine_task_datasets(
        {
            "s": (np.array([[1.0], [2.0]]), pd.Series([5.0, 6.0], index=["a", "b"])),
            "t": (np.array([[2.0], [3.0]]), pd.Series([7.0, 8.0], index=["b", "c"])),
        },
        on="index",
    )
    assert X["x0"].to_dict() == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert y.loc["b"].tolist() == [6.0, 7.0]


def test_several_keys_join_like_an_index_with_several_levels():
    first = frame(street=["x", "x", "y"], number=[1, 2, 1], a=[1.0, 2.0, 3.0])
    second = frame(number=[1, 2], street=["y", "y"], b=[8.0, 9.0])
    datasets = {"s": (first, [10.0, 20.0, 30.0]), "t": (second, [4.0, 5.0])}
    X, y = combine_task_datasets(datasets, on=["street", "number"])
    assert X.index.tolist() == [("x", 1), ("x", 2), ("y", 1), ("y", 2)]
    assert X.index.names == ["street", "number"]
    assert X.loc[("y", 1)].tolist() == [3.0, 8.0]
    indexed = {task: (table.set_index(["street", "number"]), target) for task, (table, target) in datasets.items()}
    again = combine_task_datasets(indexed, on="index")
    assert_frame_equal(again.X, X)
    assert_frame_equal(again.y, y)


@pytest.mark.parametrize(
    "first, second",
    [
        (pd.Series(["a", "b"], dtype="category"), pd.Series(["b", "c"])),
        (pd.Series(["a", "b"], dtype="category"), pd.Series(["b", "c"], dtype="category")),
        (pd.Series([1, 2], dtype="int8"), pd.Series([2.0, 3.0])),
        (pd.Series([1, 2], dtype="Int64"), pd.Series([2, 3], dtype="int64")),
        (pd.Series(["a", "b"], dtype=object), pd.Series(["b", "c"], dtype="string")),
        (
            pd.to_datetime(pd.Series(["2020-01-01", "2020-01-02"])),
            pd.to_datetime(pd.Series(["2020-01-02", "2020-01-03"])),
        ),
    ],
)
def test_keys_of_one_kind_join_whatever_their_dtypes(first, second):
    X, _ = combine_task_datasets(
        {
            "s": (frame(k=first, a=[1.0, 2.0]), [1.0, 2.0]),
            "t": (frame(k=second, a=[2.0, 3.0]), [1.0, 2.0]),
        },
        on="k",
    )
    assert X["a"].tolist() == [1.0, 2.0, 3.0]
    assert not isinstance(X.index.dtype, pd.CategoricalDtype)


def test_having_no_common_key_warns():
    datasets = {"s": (frame(k=["A1"], a=[1]), [1.0]), "t": (frame(k=["a1"], a=[2]), [2.0])}
    with pytest.warns(UserWarning, match="no key in common"):
        X, _ = combine_task_datasets(datasets, on="k")
    assert len(X) == 2


@pytest.mark.parametrize(
    "first, second, message",
    [
        ([1, 1, 2], [1, 2, 3], r"Task 's' has several rows with the same key \(on=\['k'\]\): \[1\]"),
        ([1, 2, 3], [4, 2, 4], r"Task 't' has several rows with the same key \(on=\['k'\]\): \[4\]"),
        ([1, np.nan, 2], [1, 2, 3], "Task 's' has 1 rows with a missing key"),
        ([1, 2, 3], ["1", "2", "3"], "Column 'k' holds different kinds of values: number .* string"),
        (
            [1, 0, 3],
            [True, False, True],
            "key 'k' is a number",
        ),
        (pd.Series([2**53 + 1, 2, 3]), [1.0, 2.5, 3.0], r"'k' holds integers beyond 2\*\*53"),
    ],
)
def test_invalid_keys_raise_an_error(first, second, message):
    tables = {
        "s": (frame(k=first, a=[1, 2, 3]), [1, 2, 3]),
        "t": (frame(k=second, b=[1, 2, 3]), [1, 2, 3]),
    }
    with pytest.raises(ValueError, match=message):
        combine_task_datasets(tables, on=["k"])


def test_duplicate_index_labels_raise_an_error():
    table = pd.DataFrame({"a": [1, 2]}, index=["u", "u"])
    with pytest.raises(ValueError, match=r"several rows with the same key \(index\): \['u'\]"):
        combine_task_datasets({"s": (table, [1.0, 2.0])}, on="index")


def test_indexes_with_different_numbers_of_levels_cannot_be_joined():
    deep = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)]))
    with pytest.raises(ValueError, match=r"same number of levels in all tasks, got \{'s': 2, 't': 1\}"):
        combine_task_datasets({"s": (deep, [1.0]), "t": (frame(a=[1]), [1.0])}, on="index")


def test_levels_named_by_numbers_stay_in_their_order():
    index = pd.MultiIndex.from_tuples([(1, "x"), (2, "y")], names=[1, 0])
    X, _ = combine_task_datasets({"s": (pd.DataFrame({"a": [1, 2]}, index=index), [5.0, 5.0])}, on="index")
    assert X.index.equals(index) and X.index.names == [1, 0]
