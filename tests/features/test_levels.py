"""Categories as codes: in every container, a code stands for its level."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmtl.features import CategoryLevels, category_columns

CELLS = {
    "object": st.sampled_from(["a", "b", "", "ü", None]),
    "category": st.sampled_from(["x", "y", None]),
    "category of numbers": st.sampled_from([3, 1, 2]),
    "str": st.sampled_from(["left", "right", None]),
    "float64": st.sampled_from([0.5, -1.0, np.nan]),
    "Int64": st.sampled_from([1, 2, None]),
    "bool": st.booleans(),
    "boolean": st.sampled_from([True, False, None]),
}


def as_series(kind, cells):
    dtype = "category" if kind.startswith("category") else kind
    return pd.Series(cells, dtype=dtype)


@st.composite
def tables(draw):
    n_rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    return pd.DataFrame(
        {
            f"{i} {kind}": as_series(kind, draw(st.lists(CELLS[kind], min_size=n_rows, max_size=n_rows)))
            for i, kind in enumerate(kinds)
        }
    )


@settings(deadline=None, max_examples=60, derandomize=True)
@given(tables())
def test_codes_and_levels_reproduce_any_table(X):
    columns = category_columns(X, "from_dtype")
    levels = CategoryLevels.fit(X, columns)
    encoded = levels.encode(X, estimator="it")
    assert encoded.shape == X.shape
    for position in range(X.shape[1]):
        cells = X.iloc[:, position]
        np.testing.assert_array_equal(np.isnan(encoded[:, position]), cells.isna())
        codes = encoded[~cells.isna(), position]
        known = cells[~cells.isna()].tolist()
        if position in columns:
            own = levels.levels[columns.index(position)]
            assert own[codes.astype(int)].tolist() == known
            assert sorted(own.tolist()) == own.tolist()
        else:
            assert codes.tolist() == known


def test_levels_not_seen_in_fit_are_minus_one():
    X = pd.DataFrame({"town": ["b", "a", None], "size": [1.0, 2.0, 3.0]})
    levels = CategoryLevels.fit(X, (0,))
    new = pd.DataFrame({"town": ["c", None, "a"], "size": [4.0, np.nan, 6.0]})
    np.testing.assert_array_equal(levels.encode(new, estimator="it"), [[-1, 4], [np.nan, np.nan], [0, 6]])


@pytest.mark.parametrize("other", ["objects", "strings", "polars", "polars categorical", "category of other levels"])
def test_other_containers_give_the_same_codes(other):
    X = pd.DataFrame({"town": ["b", "a", "c"], "kind": ["u", "v", "u"]})
    levels = CategoryLevels.fit(X, (0, 1))
    new = {
        "objects": X.to_numpy(dtype=object),
        "strings": X.to_numpy().astype(str),
        "polars": pl.DataFrame(X.to_dict("list")),
        "polars categorical": pl.DataFrame(X.to_dict("list")).cast(pl.Categorical),
        "category of other levels": X.astype(pd.CategoricalDtype(list("zvucab"))),
    }[other]
    np.testing.assert_array_equal(levels.encode(new, estimator="it"), levels.encode(X, estimator="it"))


def test_unused_categories_of_a_dtype_are_not_levels():
    X = pd.DataFrame({"town": pd.Categorical(["b", "a"], categories=["c", "b", "a"])})
    assert CategoryLevels.fit(X, (0,)).levels[0].tolist() == ["a", "b"]


def test_levels_of_several_types_are_sorted():
    X = pd.DataFrame({"town": pd.Series([2, "b", 1, "a"], dtype=object)})
    assert CategoryLevels.fit(X, (0,)).levels[0].tolist() == [1, 2, "a", "b"]


def test_the_error_about_strings_among_numbers_names_the_column():
    X = pd.DataFrame({"town": ["b", "a"], "size": pd.Series([1.0, "?"], dtype=object)})
    with pytest.raises(ValueError, match=r"X \(column size\): could not convert string to float: '\?'"):
        CategoryLevels.fit(X, (0,)).encode(X, estimator="it")


def test_the_error_about_unhashable_cells_names_the_column():
    X = pd.DataFrame({"town": pd.Series([["b"], ["a"]], dtype=object)})
    with pytest.raises(TypeError, match="'town' of X cannot be read as categories"):
        CategoryLevels.fit(X, (0,))
