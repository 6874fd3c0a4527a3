"""Categorical, numeric and time columns of X, by their dtypes or as the caller declares them."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skmtl.features import as_cells, category_columns, refuse_times

DAYS = pd.date_range("2020-01-01", periods=3)
CATEGORIES = {
    "strings": pd.Series(["a", "b", None]),
    "objects": pd.Series(["a", "b", None], dtype=object),
    "bytes": pd.Series([b"a", b"b", None], dtype=object),
    "arrow strings": pd.Series(["a", "b", None], dtype="string[pyarrow]"),
    "arrow's own strings": pd.Series(["a", "b", None], dtype=pd.ArrowDtype(__import__("pyarrow").string())),
    "category": pd.Series(["a", "b", None], dtype="category"),
    "category of numbers": pd.Series([1, 2, 1], dtype="category"),
    "category of intervals": pd.cut(pd.Series([1.0, 2.0, 3.0]), 2),
    "polars strings": pl.Series(["a", "b", None]),
    "polars categorical": pl.Series(["a", "b", None], dtype=pl.Categorical),
    "polars enum": pl.Series(["a", "b", None], dtype=pl.Enum(["b", "a"])),
}
NUMBERS = {
    "floats": pd.Series([1.0, np.nan, 2.0]),
    "bools": pd.Series([True, False, True]),
    "bools with gaps": pd.Series([True, None, False], dtype="boolean"),
    "integers with gaps": pd.Series([1, None, 2], dtype="Int64"),
    "numbers as objects": pd.Series([1, None, 2.5], dtype=object),
    "nothing as objects": pd.Series([None, None, None], dtype=object),
    "numbers with a string": pd.Series([1, "?", 2.5], dtype=object),
    "polars integers": pl.Series([1, None, 2]),
    "polars bools": pl.Series([True, None, False]),
}
TIMES = {
    "dates": pd.Series(DAYS),
    "dates with a zone": pd.Series(DAYS.tz_localize("UTC")),
    "spans": pd.Series(DAYS - DAYS[0]),
    "periods": pd.Series(DAYS.to_period("D")),
    "dates as objects": pd.Series([datetime.date(2020, 1, 1)] * 3, dtype=object),
    "category of dates": pd.Series(DAYS).astype("category"),
    "polars dates": pl.Series([datetime.date(2020, 1, 1)] * 3),
}


def table(column):
    """A DataFrame of the column's library, with a numeric column on each side."""
    library = pl if isinstance(column, pl.Series) else pd
    return library.DataFrame({"left": [1.0, 2.0, 3.0], "middle": column, "right": [1, 2, 3]})


@pytest.mark.parametrize("name", CATEGORIES)
def test_columns_that_are_categories_by_their_dtype(name):
    assert category_columns(table(CATEGORIES[name]), "from_dtype") == (1,)
    assert category_columns(table(CATEGORIES[name]), None) == ()


@pytest.mark.parametrize("name", NUMBERS)
def test_columns_that_are_numbers(name):
    assert category_columns(table(NUMBERS[name]), "from_dtype") == ()


@pytest.mark.parametrize("name", TIMES)
def test_the_error_about_times_names_their_columns(name):
    X = table(TIMES[name])
    with pytest.raises(ValueError, match=r"columns of dates or times \(middle\)"):
        refuse_times(X)
        category_columns(X, "from_dtype")


def test_arrays_of_strings_and_objects():
    mixed = [[1.5, "a"], [2.5, "b"]]
    assert category_columns(np.array(mixed, dtype=object), "from_dtype") == (1,)
    assert category_columns(np.array(mixed), "from_dtype") == (0, 1)
    assert category_columns(as_cells(mixed), "from_dtype") == (1,)
    assert category_columns(np.array([[1.5, 2], [3, None]], dtype=object), "from_dtype") == ()
    numbers = [[1.0, 2.0]]
    assert as_cells(numbers) is numbers


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["b", "a"], (0, 1)), ([1], (1,)), (np.array([2, 1, 1]), (1, 2)), ([False, True, False], (1,)), ([], ()),
        (np.zeros(3, dtype=bool), ()), (("c",), (2,)),
    ],
)  # fmt: skip
def test_columns_are_given_in_three_ways(given, found):
    assert category_columns(pd.DataFrame(np.ones((4, 3)), columns=list("abc")), given) == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["d"], "X has no column 'd'"),
        ([3], r"positions \[3\], but X has 3 columns"),
        ([-1], r"positions \[-1\]"),
        ([True, False], "2 bools, but X has 3 columns"),
        ([[0, 1]], "should be 'from_dtype', None, or a list"),
        ([0.5], "should be 'from_dtype', None, or a list"),
    ],
)
def test_unknown_columns_raise_an_error(given, message):
    with pytest.raises(ValueError, match=message):
        category_columns(pd.DataFrame(np.ones((4, 3)), columns=list("abc")), given)


def test_names_need_a_table_and_categories_a_dense_array():
    with pytest.raises(ValueError, match=r"gives names \(a\), but X has none"):
        category_columns(np.ones((2, 2)), ["a"])
    with pytest.raises(ValueError, match="sparse X"):
        category_columns(sparse.csr_array(np.ones((2, 2))), [0])
    assert category_columns(sparse.csr_array(np.ones((2, 2))), "from_dtype") == ()
