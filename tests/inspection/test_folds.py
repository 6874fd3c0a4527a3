"""Folds of a comparison."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold

from skmtl.inspection._folds import make_folds
from skmtl.targets import read_columns

KINDS = ("classification", "regression")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    y = np.column_stack([rng.integers(0, 2, 60).astype(float), rng.normal(size=60)])
    y[rng.random(60) < 0.5, 0] = np.nan
    return rng.normal(size=(60, 2)), y


def folds_of(table, cv, n_repeats=1, groups=None, random_state=None):
    X, y = table
    columns = read_columns(y, estimator="test")
    return make_folds(cv, n_repeats, X, y, columns=columns, kinds=KINDS, groups=groups, random_state=random_state)


def test_an_integer_cv_stratifies_classes_and_missing_labels(table):
    folds = folds_of(table, 3)
    _, y = table
    assert len(folds) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate(folds.test)), np.arange(60))
    for train, test in zip(folds.train, folds.test, strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(60))
    labels = [np.isfinite(y[test, 0]).sum() for test in folds.test]
    ones = [np.nansum(y[test, 0]) for test in folds.test]
    assert max(labels) - min(labels) <= 1
    assert max(ones) - min(ones) <= 1


def test_folds_are_fixed_without_a_random_state_and_follow_it_otherwise(table):
    def tests(state):
        return [test.tolist() for test in folds_of(table, 3, random_state=state).test]

    assert tests(None) == tests(None)
    assert tests(1) == tests(1) != tests(2)


def test_repeats_have_different_folds(table):
    folds = folds_of(table, 3, n_repeats=2, random_state=0)
    assert len(folds) == 6
    first, second = np.sort(np.concatenate(folds.test[:3])), np.sort(np.concatenate(folds.test[3:]))
    np.testing.assert_array_equal(first, second)
    assert {tuple(test) for test in folds.test[:3]}.isdisjoint({tuple(test) for test in folds.test[3:]})


def test_groups_stay_together(table):
    groups = np.repeat(np.arange(12), 5)
    for cv in (3, GroupKFold(3)):
        folds = folds_of(table, cv, groups=groups)
        for train, test in zip(folds.train, folds.test, strict=True):
            assert set(groups[train]).isdisjoint(groups[test])


def test_splitters_and_iterables_are_used_as_given(table):
    given = list(KFold(4).split(table[0]))
    for cv in (
        KFold(4),
        given,
        [(np.isin(np.arange(60), train), np.isin(np.arange(60), test)) for train, test in given],
    ):
        folds = folds_of(table, cv)
        for (train, test), own_train, own_test in zip(given, folds.train, folds.test, strict=True):
            np.testing.assert_array_equal(train, own_train)
            np.testing.assert_array_equal(test, own_test)
    assert len(folds_of(table, RepeatedKFold(n_splits=2, n_repeats=3, random_state=0))) == 6


def test_ratio_counts_labels_not_rows(table):
    folds = folds_of(table, [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))])
    observed = np.ones(60, dtype=bool)
    assert folds.test_to_train(observed) == pytest.approx(0.5)
    observed[:20] = False
    assert folds.test_to_train(observed) == pytest.approx((20 / 20 + 0 / 40) / 2)


def test_invalid_cv_and_repeats_are_refused(table):
    with pytest.raises(ValueError, match="n_repeats=2 needs an integer cv"):
        folds_of(table, KFold(3), n_repeats=2)
    with pytest.raises(ValueError, match="n_repeats should be an integer of at least 1"):
        folds_of(table, 3, n_repeats=0)
    with pytest.raises(ValueError, match=r"cv yields 1 fold\(s\)"):
        folds_of(table, [(np.arange(40), np.arange(40, 60))])


def test_folds_with_rows_in_both_parts_or_unknown_rows_are_refused(table):
    overlap = [(np.arange(6), np.arange(3)), (np.arange(3), np.arange(3, 6))]
    with pytest.raises(ValueError, match=r"cv: split 0 has 3 row\(s\) both in training and held out"):
        folds_of(table, overlap)
    with pytest.raises(ValueError, match="cv: split 0 names row 99"):
        folds_of(table, [(np.arange(3), [99]), (np.arange(3), [4])])
