"""Single columns of X."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from skmtl.inspection._columns import as_table, column, feature_names, feature_positions, with_column


def frame():
    return pd.DataFrame(
        {"a": [1.0, 2.0, 3.0], "kind": pd.Categorical(["x", "y", "x"]), "b": [True, False, True]}, index=[5, 6, 7]
    )


def test_replacing_a_column_changes_neither_the_original_nor_other_columns():
    for X in (frame(), np.arange(6.0).reshape(3, 2)):
        before = X.copy()
        changed = with_column(X, 0, np.array([9.0, 8.0, 7.0]))
        assert np.asarray(column(changed, 0)).tolist() == [9.0, 8.0, 7.0]
        assert np.array_equal(np.asarray(X, dtype=object), np.asarray(before, dtype=object))
        assert np.array_equal(np.asarray(changed, dtype=object)[:, 1:], np.asarray(X, dtype=object)[:, 1:])


def test_a_frame_keeps_its_types_its_index_and_columns_of_the_same_name():
    X = frame()
    changed = with_column(X, 1, column(X, 1).iloc[[1, 1, 1]])
    assert changed.dtypes.tolist() == X.dtypes.tolist()
    assert changed.index.tolist() == [5, 6, 7]
    twice = X.set_axis(["a", "a", "b"], axis=1)
    assert with_column(twice, 1, column(twice, 1)).equals(twice)


def test_features_are_found_by_name_and_position():
    assert feature_positions(["b", 0], frame()) == [2, 0]
    assert feature_positions("kind", frame()) == [1]
    assert feature_positions(np.int64(2), frame()) == [2]
    assert feature_positions(None, np.zeros((2, 3))) == [0, 1, 2]
    assert feature_names(np.zeros((2, 3))) == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    ("feature", "error", "message"),
    [
        ("kin", ValueError, "X has no column 'kin'. Did you mean 'kind'"),
        (3, ValueError, "no column at position 3: X has 3"),
        (-1, ValueError, "no column at position -1"),
        (True, TypeError, "by name or position"),
        (1.0, TypeError, "by name or position"),
    ],
)
def test_unknown_features_are_refused(feature, error, message):
    with pytest.raises(error, match=message):
        feature_positions([feature], frame())


def test_containers_without_columns_to_change_are_refused():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"f takes arrays and pandas DataFrames; pass X.to_pandas\(\)"):
        as_table(polars.DataFrame({"a": [1]}), "f")
    with pytest.raises(TypeError, match=r"pass X.toarray\(\)"):
        as_table(sparse.csr_array(np.eye(2)), "f")
    assert as_table([[1, np.nan]], "f").shape == (1, 2)


def test_masked_cells_are_missing():
    converted = as_table(np.ma.masked_array([[1e20, 2.0]], mask=[[True, False]]), "caller")
    assert np.isnan(converted[0, 0])
