"""Both parts of a split agree in the share of every label of every task."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.model_selection import train_test_split

from skmtl.model_selection import multitask_train_test_split

from ._tables import label_tables, tox21


@settings(max_examples=100, deadline=None)
@given(
    label_tables(),
    st.sampled_from([None, 0.2, 0.5, 3]),
    st.sampled_from([None, 0.5, 2]),
    st.integers(0, 1000),
)
def test_sizes_are_those_of_scikit_learn_and_no_row_is_on_both_sides(y, test_size, train_size, seed):
    rows = np.arange(len(y))
    sizes = {"test_size": test_size, "train_size": train_size}
    train, test, y_train, y_test = multitask_train_test_split(rows, y, **sizes, random_state=seed)
    plain_train, plain_test = train_test_split(rows, **sizes, random_state=seed)
    assert (len(train), len(test)) == (len(plain_train), len(plain_test))
    assert len(np.unique(np.concatenate([train, test]))) == len(train) + len(test)
    assert np.array_equal(y_train, y[train], equal_nan=True)
    assert np.array_equal(y_test, y[test], equal_nan=True)


@pytest.mark.parametrize("test_size", [0.1, 0.25, 0.5])
def test_both_parts_of_a_real_table_hold_their_share_of_every_label(test_size):
    y, _ = tox21()
    _, _, y_train, y_test = multitask_train_test_split(y, y, test_size=test_size, random_state=0)
    for value in (0.0, 1.0):
        total, part = (y == value).sum(axis=0), (y_test == value).sum(axis=0)
        assert np.abs(part - total * len(y_test) / len(y)).max() <= 2.0
        assert np.array_equal(part + (y_train == value).sum(axis=0), total)


@pytest.mark.parametrize("test_size", [0.1, 0.25])
def test_uneven_parts_of_many_tasks_hold_their_share_of_every_label(test_size):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (4000, 20)).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    _, _, _, y_test = multitask_train_test_split(y, y, test_size=test_size, random_state=0)
    for value in (0.0, 1.0, 2.0):
        assert np.abs((y_test == value).sum(axis=0) - test_size * (y == value).sum(axis=0)).max() <= 3.0


@pytest.mark.parametrize("unused", [0.0, 0.3])
def test_rows_that_neither_part_takes_are_left_over_evenly(unused):
    y = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 25, axis=0)
    _, _, y_train, y_test = multitask_train_test_split(y, y, test_size=0.2, train_size=0.8 - unused, random_state=0)
    assert (len(y_train), len(y_test)) == (round(100 * (0.8 - unused)), 20)
    assert y_test.mean(axis=0).tolist() == y_train.mean(axis=0).tolist() == [0.5, 0.5]


def test_every_array_keeps_its_type():
    y = pd.DataFrame({"a": np.tile([0.0, 1.0], 10), "b": ["u", None] * 10}, index=range(100, 120))
    X = sparse.csr_matrix(np.arange(20.0)[:, None])
    parts = multitask_train_test_split(X, y, list(range(20)), test_size=5, random_state=0)
    X_train, X_test, y_train, y_test, rows_train, rows_test = parts
    assert sparse.issparse(X_train)
    assert isinstance(rows_test, list)
    assert X_test.toarray().ravel().tolist() == rows_test
    assert y_train.index.tolist() == [100 + row for row in rows_train]
    assert len(y_test) == 5


def test_the_same_seed_gives_the_same_split_in_random_order():
    y = np.tile([[0, 1], [1, 0]], (20, 1))
    rows = np.arange(40)
    one, again, other = (multitask_train_test_split(rows, y, random_state=seed)[1] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, np.sort(one))


@settings(max_examples=50, deadline=None)
@given(label_tables(), st.integers(2, 15), st.integers(0, 1000))
def test_groups_are_never_split(y, n_groups, seed):
    groups = np.random.default_rng(seed).integers(0, n_groups, len(y))
    groups[:2] = 0, 1
    train, test, *_ = multitask_train_test_split(groups, y, groups=groups, random_state=seed)
    assert not set(train) & set(test)
    assert len(train) + len(test) == len(y)
    assert len(train) > 0
    assert len(test) > 0


def test_small_groups_meet_the_size_and_the_labels():
    y, scaffold = tox21()
    rows = scaffold != np.bincount(scaffold).argmax()
    _, _, y_train, y_test = multitask_train_test_split(
        y[rows], y[rows], groups=scaffold[rows], test_size=0.2, random_state=0
    )
    assert abs(len(y_test) / rows.sum() - 0.2) < 0.01
    positives = (y_test == 1).sum(axis=0) / (y[rows] == 1).sum(axis=0)
    assert np.abs(positives - 0.2).max() < 0.03
    assert len(y_train) + len(y_test) == rows.sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_size": 1.5}, "test_size"),
        ({"test_size": 12, "train_size": 12}, "sum"),
        ({"n_bins": 0}, "n_bins"),
        ({"groups": np.zeros(20)}, "cannot split 1 group"),
        ({"groups": np.zeros(3)}, "groups should be 1-D with 20 entries"),
        ({"y": np.zeros(3)}, "inconsistent"),
        ({"y": np.zeros((20, 2, 2))}, "y should be 1-D"),
    ],
)
def test_what_cannot_be_split_is_refused(arguments, message):
    given = {"X": np.zeros((20, 1)), "y": np.zeros(20), **arguments}
    with pytest.raises(ValueError, match=message):
        multitask_train_test_split(given.pop("X"), given.pop("y"), **given)
