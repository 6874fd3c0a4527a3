"""Cells of X: missing and invalid ones."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skmtl.features import as_cells, explained


def test_masked_cells_are_missing():
    mask = [[True, False]]
    assert np.isnan(as_cells(np.ma.masked_array([[1e20, 2.0]], mask=mask))[0, 0])
    assert np.isnan(as_cells(np.ma.masked_array([[7, 2]], mask=mask))[0, 0])
    assert as_cells(np.ma.masked_array([["?", "b"]], mask=mask)).tolist()[0][1] == "b"
    assert as_cells(np.ma.masked_array([[1.0, 2.0]])).tolist() == [[1.0, 2.0]]
    rows = list(np.ma.masked_array([[1.0, 2.0], [1e20, 3.0]], mask=[[False, False], [True, False]]))
    assert np.isnan(np.asarray(as_cells(rows))[1, 0])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("container", [pd.DataFrame, np.asarray, lambda X: X.tolist()], ids=["frame", "array", "list"])
def test_every_missing_value_becomes_nan(missing, container):
    cells = np.array([[1.0, "a"], [missing, "b"]], dtype=object)
    found = np.asarray(as_cells(container(cells)), dtype=object)
    assert pd.isna(found[1, 0])
    assert found[1, 0] is not pd.NA
    assert found[1, 0] is not pd.NaT
    assert cells[1, 0] is missing


def test_a_lazy_query_raises_an_error():
    with pytest.raises(TypeError, match=r"call collect\(\) and pass the result"):
        as_cells(pl.DataFrame({"a": [1.0]}).lazy())


def test_a_table_without_missing_values_is_not_copied():
    table = pd.DataFrame({"a": [1.0, None], "b": ["x", None]}).astype({"b": object})
    assert as_cells(table) is table


@pytest.mark.parametrize("cell", [{}, [1, 2], (1,), pd.Interval(0, 1)], ids=lambda cell: type(cell).__name__)
def test_the_error_names_the_column_of_an_invalid_cell(cell):
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, None]}).astype({"b": object})
    X.at[1, "b"] = cell
    error = explained(TypeError("float() argument must be a string or a real number"), X)
    assert isinstance(error, TypeError)
    assert "X (column b) holds cells that are neither numbers nor strings" in str(error)


def test_a_structured_array_raises_an_error():
    with pytest.raises(ValueError, match=r"structured array with the fields \['a', 'b'\]: pass pd.DataFrame"):
        as_cells(np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]))


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ({"a": [1.0]}, TypeError, r"X is a dict: pass pd.DataFrame\(X\)"),
        (pd.DataFrame([[1, 2, 3]], columns=list("aba")), ValueError, "X has several columns named a"),
    ],
)
def test_unsupported_containers_raise_an_error_that_says_what_to_pass(X, error, message):
    with pytest.raises(error, match=message):
        as_cells(X)


def test_the_error_names_the_column_of_a_number_too_large_for_floats():
    X = np.array([[1, 2], [3, 10**400]], dtype=object)
    assert "X (column x1) holds whole numbers that are too large" in str(explained(OverflowError(), X))
