"""Kinds of tasks inferred from their columns."""

import datetime

import numpy as np
import pandas as pd
import pytest

from skmtl.targets import infer_kinds, read_columns

TABLE = pd.DataFrame(
    {
        "price": [1.5, 2.5, 3.5, np.nan],
        "count": [1, 2, 3, 4],
        "sold": [0.0, 1.0, np.nan, 1.0],
        "flag": [True, False, True, True],
        "text": ["a", "b", None, "c"],
        "category": pd.Categorical([1, 2, 3, 3]),
        "constant": [7, 7, 7, 7],
    }
)


def kinds(table, task_types=None):
    columns = read_columns(table, estimator="Estimator")
    return dict(zip(columns.names, infer_kinds(columns, task_types), strict=True))


def test_text_booleans_and_numbers_with_two_values_are_classes():
    assert kinds(TABLE.drop(columns="category")) == {
        "price": "regression",
        "count": "regression",
        "sold": "classification",
        "flag": "classification",
        "text": "classification",
        "constant": "classification",
    }


def test_categories_are_classes_even_if_they_are_numbers():
    assert kinds(TABLE[["category"]]) == {"category": "classification"}


@pytest.mark.parametrize("values", [[0.5, 1.5], [2.5], [1.0, 2.5]])
def test_fractions_are_quantities_however_few(values):
    assert kinds(pd.DataFrame({"a": values})) == {"a": "regression"}


def test_task_types_override_the_inferred_kinds():
    found = kinds(TABLE[["count", "sold", "text"]], {"count": "classification", "sold": "regression"})
    assert found == {"count": "classification", "sold": "regression", "text": "classification"}


def test_a_third_value_after_the_first_thousand_rows_makes_a_regression():
    column = np.zeros(3000)
    column[1500:] = 1.0
    assert kinds(pd.DataFrame({"a": column})) == {"a": "classification"}
    column[-1] = 2.0
    assert kinds(pd.DataFrame({"a": column})) == {"a": "regression"}


@pytest.mark.parametrize(
    "column",
    [
        pd.date_range("2020", periods=3),
        pd.date_range("2020", periods=3, tz="UTC"),
        pd.to_timedelta([1, 2, 3], unit="D"),
        [datetime.date(2020, 1, day) for day in (1, 2, 3)],
        [datetime.time(hour) for hour in (1, 2, 3)],
    ],
    ids=["dates", "zone", "spans", "days", "times"],
)
def test_the_kind_of_dates_is_not_guessed(column):
    with pytest.raises(ValueError, match="Task 'when' holds dates or times"):
        kinds(pd.DataFrame({"when": column}))
    assert kinds(pd.DataFrame({"when": column}), {"when": "classification"}) == {"when": "classification"}
