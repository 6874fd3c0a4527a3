"""Weights in the order of the tasks."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl.targets import weights_in_order

NAMES = ["p", "q"]
TABLE = pd.DataFrame({"q": [1.0, 2.0], "p": [3.0, 4.0]})


@pytest.mark.parametrize("library", [lambda t: t, pl.from_pandas], ids=["pandas", "polars"])
def test_a_table_is_matched_by_name_if_tasks_have_names(library):
    assert weights_in_order(library(TABLE), NAMES, named=True).tolist() == [[3.0, 1.0], [4.0, 2.0]]
    assert weights_in_order(library(TABLE), NAMES, named=False).tolist() == [[1.0, 3.0], [2.0, 4.0]]


def test_a_masked_weight_is_zero():
    given = np.ma.masked_array([1.0, np.nan, 3.0], mask=[False, True, False])
    assert weights_in_order(given, NAMES, named=True).tolist() == [1.0, 0.0, 3.0]
    assert np.array(weights_in_order(list(given), NAMES, named=True)).tolist() == [1.0, 0.0, 3.0]
    rows = np.ma.masked_array([[1.0, 1e9], [2.0, 3.0]], mask=[[False, True], [False, False]])
    assert np.array(weights_in_order(list(rows), NAMES, named=True)).tolist() == [[1.0, 0.0], [2.0, 3.0]]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (TABLE.set_axis(["u", "v"], axis=1), r"columns \['u', 'v'\], but the tasks are \['p', 'q'\]"),
        (TABLE[["q"]], "give it one column per task"),
        ([10**400, 1], "sample_weight should hold numbers: int too large"),
        (["a", "b"], "sample_weight should hold numbers: could not convert"),
        ({"p": [1.0], "q": [1.0]}, r"sample_weight is a dict.*pd.DataFrame\(sample_weight\)"),
    ],
)
def test_unusable_weights_raise_an_error(weights, message):
    with pytest.raises(ValueError, match=message):
        weights_in_order(weights, NAMES, named=True)
