"""Targets among the features are detected."""

import re

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from skmtl._combine import combine_task_datasets

from ._houses import frame, houses, own_features


@pytest.mark.parametrize("on", [None, "house_id"])
def test_a_column_with_the_name_of_another_task_is_dropped_with_a_warning(on):
    datasets = own_features(price_columns=("house_id", "rooms", "area"))
    with pytest.warns(UserWarning) as caught:
        X, _ = combine_task_datasets(datasets, on=on)
    assert "area" not in X.columns
    assert len(caught) == 1 and caught[0].filename == __file__
    message = str(caught[0].message)
    assert "column 'area' (in the data of task 'price', has the name of the target 'area')" in message
    assert "keep_targets=['area']" in message


@pytest.mark.parametrize("keep_targets", [True, ["area"], ("area",), "area", {"area"}])
def test_the_caller_may_keep_it(keep_targets):
    datasets = own_features(price_columns=("house_id", "rooms", "area"))
    X, _ = combine_task_datasets(datasets, keep_targets=keep_targets)
    assert X["area"].tolist()[:5] == houses()[0]["area"].tolist()


def test_keeping_one_target_does_not_keep_another():
    datasets = own_features(("house_id", "rooms", "area"), ("house_id", "rooms", "price"))
    with pytest.warns(UserWarning, match=r"column 'price' \(in the data of task 'area'"):
        X, _ = combine_task_datasets(datasets, keep_targets=["area"])
    assert "area" in X.columns and "price" not in X.columns


def test_a_tasks_own_target_is_dropped_too():
    with pytest.warns(UserWarning, match=r"column 'price' \(in the data of task 'price'"):
        X, _ = combine_task_datasets(own_features(price_columns=("house_id", "rooms", "price")))
    assert "price" not in X.columns


@pytest.mark.parametrize("written", ["Area", " area", "AREA "])
def test_case_and_blanks_do_not_hide_a_target(written):
    price, area = houses()
    table = price[["rooms", "area"]].rename(columns={"area": written})
    with pytest.warns(UserWarning, match=re.escape(repr(written))):
        X, _ = combine_task_datasets({"price": (table, price["price"]), "area": (area[["rooms"]], area["area"])})
    assert X.columns.tolist() == ["rooms"]


def test_the_name_of_y_counts_as_well_as_the_name_of_the_task():
    price, area = houses()
    datasets = {
        "value": (price[["rooms", "area"]], price["price"]),
        "size": (area[["rooms", "price"]], area["area"]),
    }
    with pytest.warns(UserWarning) as caught:
        X, y = combine_task_datasets(datasets)
    assert X.columns.tolist() == ["rooms"]
    assert "has the name of the target 'size'" in str(caught[0].message)
    assert "has the name of the target 'value'" in str(caught[0].message)
    assert y.columns.tolist() == ["value", "size"]


def test_the_names_of_several_targets_count():
    price, area = houses()
    both = area.rename(columns={"floors": "storeys"})[["area", "storeys"]]
    with pytest.warns(UserWarning, match="has the name of the target 'storeys'"):
        X, _ = combine_task_datasets(
            {
                "price": (
                    price.rename(columns={"floors": "storeys"})[["rooms", "storeys"]],
                    price["price"],
                ),
                "plan": (area[["rooms"]], both),
            }
        )
    assert X.columns.tolist() == ["rooms"]


def test_a_target_is_dropped_by_name_even_if_its_values_differ():
    price, area = houses()
    table = price[["house_id", "rooms", "area"]].assign(area=-1.0)
    with pytest.warns(UserWarning, match="Dropped from X"):
        X, y = combine_task_datasets(
            {"price": (table, price["price"]), "area": (area[["house_id", "rooms"]], area["area"])},
            on="house_id",
        )
    assert X.columns.tolist() == ["rooms"] and (y["area"].dropna() > 0).all()


def renamed(n, *, values=None, target=None):
    """Two tasks with n rows in common; column m2 of the first may copy the second's target."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=n) if target is None else np.asarray(target)
    values = target if values is None else values
    return {
        "price": (frame(k=np.arange(n), m2=values, a=rng.normal(size=n)), rng.normal(size=n)),
        "area": (frame(k=np.arange(n)[::-1], b=rng.normal(size=n)), target[::-1]),
    }


def test_in_joined_rows_a_copy_is_recognised_by_its_values():
    with pytest.warns(UserWarning, match=r"'m2' \(in all 5 rows that have both, equals the target 'area'\)"):
        X, _ = combine_task_datasets(renamed(5), on="k")
    assert X.columns.tolist() == ["a", "b"]


def test_a_copy_may_be_kept():
    X, _ = combine_task_datasets(renamed(5), on="k", keep_targets=["m2"])
    assert X.columns.tolist() == ["m2", "a", "b"]


@pytest.mark.parametrize("kind", ["str", "category", "bool", "Int64"])
def test_copies_of_classes_are_recognised_too(kind):
    labels = pd.Series([0, 1] * 8).map({0: "flat", 1: "house"} if kind in ("str", "category") else {0: 0, 1: 1})
    labels = labels.astype(kind)
    datasets = {
        "price": (frame(k=range(16), kind=labels, a=np.arange(16.0)), np.arange(16.0) ** 2),
        "type": (frame(k=range(16), b=np.arange(16.0)), labels),
    }
    with pytest.warns(UserWarning, match="equals the target 'type'"):
        X, _ = combine_task_datasets(datasets, on="k")
    assert X.columns.tolist() == ["a", "b"]


def test_a_column_with_one_different_cell_is_a_feature():
    datasets = renamed(200)
    datasets["price"][0].loc[199, "m2"] += 1e-9
    X, _ = combine_task_datasets(datasets, on="k")
    assert "m2" in X.columns


def test_a_column_that_equals_a_target_in_a_few_rows_is_kept_with_a_warning():
    with pytest.warns(UserWarning, match="Kept in X, although it may be a target: column 'm2'"):
        X, _ = combine_task_datasets(renamed(3), on="k")
    assert "m2" in X.columns


def test_a_column_that_equals_two_targets_is_reported_once_for_the_less_likely_match():
    first = np.array([1.0, 2.0, 3.0, *np.full(9, np.nan)])
    second = np.array([np.nan, 2.0, 3.0, *np.arange(9.0)])
    table = frame(other=[1.0, *second[1:]], a=np.arange(12.0) ** 2)
    with pytest.warns(UserWarning) as caught:
        X, _ = combine_task_datasets({"s": (table, pd.DataFrame({"first": first, "second": second}))})
    assert X.columns.tolist() == ["a"]
    assert len(caught) == 1 and "equals the target 'second'" in str(caught[0].message)


@pytest.mark.parametrize("target", [[1.0] * 50, [0.0, 1.0, 0.0, 1.0]])
def test_uninformative_agreement_is_not_a_copy(target):
    X, _ = combine_task_datasets(renamed(len(target), target=target), on="k")
    assert "m2" in X.columns


def test_a_numeric_and_a_string_column_are_never_equal():
    digits = [str(i) for i in range(30)]
    X, _ = combine_task_datasets(renamed(30, values=digits, target=np.arange(30.0)), on="k")
    assert "m2" in X.columns


def test_generated_column_names_are_not_target_names():
    X, y = combine_task_datasets({"x0": (np.eye(3), [1.0, 5.0, 9.0]), "b": (np.eye(3), [2.0, 4.0, 6.0])})
    assert X.columns.tolist() == ["x0", "x1", "x2"] and y.columns.tolist() == ["x0", "b"]


def test_dropping_every_feature_raises_an_error():
    price, area = houses()
    with pytest.raises(ValueError, match=r"No feature column is left in X. column 'area'.*keep_targets"):
        combine_task_datasets({"price": (price[["area"]], price["price"]), "area": (area[["price"]], area["area"])})


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_a_copy_under_another_name_is_always_detected(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(6, 40)
    target = rng.normal(size=n)
    target[6:][rng.random(n - 6) < 0.3] = np.nan
    copy = np.where(np.arange(n) < 5, target, np.where(rng.random(n) < 0.5, np.nan, target))
    order = rng.permutation(n)
    datasets = {
        "s": (frame(key=order, other=copy[order], a=rng.normal(size=n)), rng.normal(size=n)),
        "t": (frame(key=np.arange(n), b=rng.normal(size=n)), target),
    }
    with pytest.warns(UserWarning, match="column 'other' .* equals the target 't'"):
        X, _ = combine_task_datasets(datasets, on="key")
    assert X.columns.tolist() == ["a", "b"]
