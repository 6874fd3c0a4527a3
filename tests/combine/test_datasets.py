"""Combining data sets of separate tasks into one X and one y keeps every cell."""

import warnings

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given, settings
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.ensemble import HistGradientBoostingRegressor

from skmtl._combine import CombinedDatasets, combine_task_datasets

from .._data import data_path
from ._houses import frame, houses, own_features


def test_the_result_unpacks_and_names_its_parts():
    combined = combine_task_datasets(own_features())
    X, y = combined
    assert isinstance(combined, CombinedDatasets)
    assert combined.X is X and combined.y is y


def test_columns_are_the_union_in_order_of_first_appearance():
    X, y = combine_task_datasets(own_features())
    assert X.columns.tolist() == ["house_id", "rooms", "garden", "floors"]
    assert y.columns.tolist() == ["price", "area"]


def test_rows_are_stacked_and_unknown_cells_are_missing():
    X, y = combine_task_datasets(own_features())
    price, area = houses()
    assert X["rooms"].tolist() == price["rooms"].tolist() + area["rooms"].tolist()
    assert X["garden"].tolist()[:5] == price["garden"].tolist() and X["garden"][5:].isna().all()
    assert X["floors"].tolist()[5:] == area["floors"].tolist() and X["floors"][:5].isna().all()
    assert y["price"].tolist()[:5] == price["price"].tolist() and y["price"][5:].isna().all()
    assert y["area"].tolist()[5:] == area["area"].tolist() and y["area"][:5].isna().all()


def test_the_index_holds_task_and_row():
    X, y = combine_task_datasets(own_features())
    assert X.index.names == ["task", "row"]
    assert X.index.equals(y.index)
    assert X.loc["area"].index.tolist() == [5, 2, 3, 4, 1]


def test_the_index_keeps_its_name():
    tables = {task: pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 8], name="house")) for task in ("s", "t")}
    X, _ = combine_task_datasets({task: (table, [1.0, 1.0]) for task, table in tables.items()})
    assert X.index.names == ["task", "house"]


def test_row_labels_may_repeat_or_differ_in_type():
    first = pd.DataFrame({"a": [1, 2, 3]}, index=["p", "p", "q"])
    second = pd.DataFrame({"a": [4, 5]}, index=[0, 0])
    X, _ = combine_task_datasets({"s": (first, [1.0, 1.0, 2.0]), "t": (second, [1.0, 2.0])})
    assert X["a"].tolist() == [1, 2, 3, 4, 5]
    assert X.index.tolist() == [("s", "p"), ("s", "p"), ("s", "q"), ("t", 0), ("t", 0)]


def test_indexes_with_different_numbers_of_levels_are_flattened():
    deep = pd.MultiIndex.from_tuples([("u", 1), ("v", 2)])
    X, _ = combine_task_datasets(
        {"s": (pd.DataFrame({"a": [1, 2]}, index=deep), [1.0, 2.0]), "t": (frame(a=[3]), [1.0])}
    )
    assert X.index.tolist() == [("s", ("u", 1)), ("s", ("v", 2)), ("t", 0)]


def test_a_single_task_keeps_its_data():
    price, _ = houses()
    X, y = combine_task_datasets({"price": (price[["rooms", "garden"]], price["price"])})
    assert_frame_equal(X.droplevel("task"), price[["rooms", "garden"]], check_names=False)
    assert y["price"].tolist() == price["price"].tolist()


def test_the_inputs_are_not_modified():
    datasets = own_features(area_columns=("house_id", "rooms", "price"))
    before = {task: (X.copy(), y.copy()) for task, (X, y) in datasets.items()}
    with pytest.warns(UserWarning, match="Dropped from X"):
        X, y = combine_task_datasets(datasets)
    X.iloc[:, :] = -1
    y.iloc[:, :] = -1
    for task, (table, target) in datasets.items():
        assert_frame_equal(table, before[task][0])
        assert_series_equal(target, before[task][1])


@pytest.mark.parametrize(
    "options, error, message",
    [
        (
            {"on": ["house"]},
            ValueError,
            "X of task 'price' has no column 'house', which is listed in `on`.*'house_id'",
        ),
        ({"on": []}, ValueError, "on should list one or more"),
        ({"on": ["house_id", "house_id"]}, ValueError, "on should list one or more different"),
        ({"on": 3}, TypeError, "on should be None, 'index' or a list of column names, got 3"),
        ({"on": [3]}, TypeError, r"on should be None, 'index' or a list of column names, got \[3\]"),
        ({"keep_keys": True}, ValueError, "keep_keys=True needs key columns"),
        ({"keep_keys": True, "on": "index"}, ValueError, "keep_keys=True needs key columns"),
        ({"keep_targets": ["aera"]}, ValueError, r"keep_targets names \['aera'\], which no X has"),
        (
            {"keep_targets": 1},
            TypeError,
            "keep_targets should be a bool or a list of column names, got int",
        ),
    ],
)
def test_invalid_options_raise_an_error(options, error, message):
    with pytest.raises(error, match=message):
        combine_task_datasets(own_features(), **options)


CELLS = {
    "number": st.one_of(st.none(), st.integers(-5, 5), st.floats(-9, 9, width=32)),
    "text": st.one_of(st.none(), st.sampled_from(["p", "q", "r", "ä"])),
    "flag": st.one_of(st.none(), st.booleans()),
}


TARGETS = {"r": "number", "c": "text", "b": "flag"}


@st.composite
def worlds(draw):
    """A table of true cells, and the keys, columns and targets of it that each task's data set has."""
    n = draw(st.integers(1, 8))
    truth = {
        (column, key): draw(CELLS[column.split("_")[0]])
        for column in [f"{kind}_{i}" for kind in CELLS for i in range(2)]
        for key in range(n)
    }
    labels = {(task, key): draw(CELLS[TARGETS[task]]) for task in TARGETS for key in range(n)}
    columns = sorted({column for column, _ in truth})
    files = {}
    for task in draw(st.permutations(sorted(TARGETS))):
        keys = draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
        shown = draw(st.lists(st.sampled_from(columns), min_size=1, unique=True))
        extra = draw(st.lists(st.sampled_from(sorted(TARGETS)), unique=True))
        files[task] = (keys, shown, extra)
    return truth, labels, files


def as_datasets(world):
    truth, labels, files = world
    datasets = {}
    for task, (keys, shown, extra) in files.items():
        table = {"key": keys} | {column: [truth[column, key] for key in keys] for column in shown}
        table |= {other: [labels[other, key] for key in keys] for other in extra}
        datasets[task] = (pd.DataFrame(table), [labels[task, key] for key in keys])
    return datasets


def same(found, expected):
    return pd.isna(found) if pd.isna(expected) else found == expected


@pytest.mark.parametrize("on", [None, "key"])
@given(world=worlds())
@settings(deadline=None, max_examples=80)
def test_every_cell_is_kept_none_is_added_and_no_target_is_in_X(on, world):
    truth, labels, files = world
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        # Keep columns that equal a target by chance, so that every cell can be compared, but not those with its name.
        X, y = combine_task_datasets(
            as_datasets(world), on=on, keep_targets=sorted({c for f in files.values() for c in f[1]})
        )
    assert not set(X.columns) & set(TARGETS)
    assert list(y.columns) == list(files)
    shown = [(task, key) for task, (keys, _, _) in files.items() for key in keys]
    keys = [key for _, key in shown] if on is None else list(dict.fromkeys(key for _, key in shown))
    assert len(X) == len(y) == len(keys)
    owners = [[task] for task, _ in shown] if on is None else [[t for t in files if k in files[t][0]] for k in keys]
    for column in set(X.columns) - {"key"}:
        for cell, key, tasks in zip(X[column], keys, owners, strict=True):
            known = any(column in files[task][1] for task in tasks)
            assert same(cell, truth[column, key] if known else None)
    for task in files:
        for label, key, tasks in zip(y[task], keys, owners, strict=True):
            assert same(label, labels[task, key] if task in tasks else None)


def test_splitting_a_real_table_and_combining_the_parts_restores_it():
    table = pd.read_csv(data_path("kc_house.csv.gz"), nrows=3000).rename(
        columns={"target:price": "price", "target:sqft_living": "area"}
    )
    table.index.name = "house"
    features = [name for name in table.columns if name not in ("price", "area")]
    price_file = table.iloc[:2000][[*features[:10], "area", "price"]]
    area_file = table.iloc[1000:].sample(frac=1, random_state=0)[[*features[6:], "area"]]
    datasets = {
        "price": (price_file.drop(columns="price"), price_file["price"]),
        "area": (area_file.drop(columns="area"), area_file["area"]),
    }
    with pytest.warns(UserWarning, match="column 'area' .in the data of task 'price'"):
        X, y = combine_task_datasets(datasets, on="index")
    assert sorted(X.columns) == sorted(features) and len(X) == 3000
    assert_frame_equal(X.loc[1000:1999, features], table.loc[1000:1999, features], check_dtype=False)
    assert (X.loc[:999, features[10:]].isna().to_numpy()).all()
    assert (y["price"].dropna() == table["price"].iloc[:2000]).all()
    assert y["area"].notna().sum() == 2000
    known = y["price"].notna()
    numbers = X.select_dtypes("number")
    assert (
        HistGradientBoostingRegressor(max_iter=20)
        .fit(numbers[known], y.loc[known, "price"])
        .score(numbers[known], y.loc[known, "price"])
        > 0.5
    )
