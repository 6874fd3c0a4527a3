"""Folds agree in the share of every label of every task."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.tree import DecisionTreeClassifier

from skmtl.metrics import make_task_scorer
from skmtl.model_selection import MultiTaskStratifiedGroupKFold, MultiTaskStratifiedKFold

from ..metrics._estimators import PerTaskClassifier
from ._tables import bridges, fold_of_rows, label_counts, label_tables, tox21, unevenness


@settings(max_examples=100, deadline=None)
@given(label_tables(), st.integers(2, 5), st.booleans())
def test_every_row_is_tested_once_and_fold_sizes_differ_by_one_at_most(y, n_splits, shuffle):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # tasks of few labels are meant here
        folds = fold_of_rows(MultiTaskStratifiedKFold(n_splits, shuffle=shuffle), y)
    assert np.ptp(np.bincount(folds, minlength=n_splits)) <= 1


@settings(max_examples=100, deadline=None)
@given(label_tables(), st.integers(2, 5))
def test_no_label_is_far_from_its_share(y, n_splits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        folds = fold_of_rows(MultiTaskStratifiedKFold(n_splits), y)
    counts = label_counts(y, folds, n_splits)
    share = counts.sum(axis=1, keepdims=True) * np.bincount(folds) / len(y)
    assert np.abs(counts - share).max() < 2.5


@settings(max_examples=100, deadline=None)
@given(label_tables(), st.integers(2, 5))
def test_a_task_with_enough_labels_has_some_in_every_fold(y, n_splits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        folds = fold_of_rows(MultiTaskStratifiedKFold(n_splits), y)
    known = ~np.isnan(y)
    counts = np.array([known[folds == fold].sum(axis=0) for fold in range(n_splits)])
    # With fewer labels, the tasks may have conflicting demands.
    enough = (known.sum(axis=0) >= 2 * n_splits) & (len(y) >= 4 * n_splits)
    assert (counts[:, enough] > 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 100))
def test_one_column_is_stratified_exactly(n_per_class, n_splits, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(["a", "b", "c"], n_per_class))
    counts = label_counts(y, fold_of_rows(MultiTaskStratifiedKFold(n_splits), y), n_splits)
    assert np.ptp(counts, axis=1).max() <= 1


@pytest.mark.parametrize("seed", range(3))
def test_real_labels_with_gaps_are_far_more_even_than_in_plain_folds(seed):
    y, _ = tox21()
    cv = MultiTaskStratifiedKFold(5, shuffle=True, random_state=seed)
    counts = label_counts(y, fold_of_rows(cv, y), 5)
    plain = label_counts(y, fold_of_rows(KFold(5, shuffle=True, random_state=seed), y), 5)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 3.0
    assert unevenness(counts) < unevenness(plain) / 50


def test_real_string_classes_with_gaps_are_even():
    y = bridges()
    counts = label_counts(y, fold_of_rows(MultiTaskStratifiedKFold(5, shuffle=True, random_state=0), y), 5)
    plain = label_counts(y, fold_of_rows(KFold(5, shuffle=True, random_state=0), y), 5)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() < 2.0
    assert unevenness(counts) < unevenness(plain) / 5


def test_quantities_are_stratified_by_their_quantiles():
    rng = np.random.default_rng(0)
    y = rng.lognormal(sigma=2.0, size=(500, 3))
    y[rng.random(y.shape) < 0.3] = np.nan
    folds = fold_of_rows(MultiTaskStratifiedKFold(5, n_bins=20), y)
    bins = pd.DataFrame(y).apply(lambda column: pd.qcut(column, 20, labels=False))
    counts = label_counts(bins, folds, 5)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 3.0


def test_quantities_and_classes_may_stand_side_by_side():
    rng = np.random.default_rng(0)
    y = pd.DataFrame(
        {"price": rng.normal(size=200), "type": rng.choice(["a", "b"], 200), "grade": rng.integers(0, 5, 200)}
    ).mask(rng.random((200, 3)) < 0.2)
    folds = fold_of_rows(MultiTaskStratifiedKFold(4), y)
    binned = y.assign(price=pd.qcut(y["price"], 10, labels=False))
    counts = label_counts(binned, folds, 4)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 2.0


def test_task_types_say_whether_numbers_are_classes():
    y = np.arange(60) % 30
    as_classes = fold_of_rows(MultiTaskStratifiedKFold(2, task_types={"y0": "classification"}), y)
    assert (np.ptp(label_counts(y, as_classes, 2)[1:], axis=1) == 0).all()
    with pytest.raises(ValueError, match="task_types names the task 'y9'"):
        fold_of_rows(MultiTaskStratifiedKFold(2, task_types={"y9": "classification"}), y)
    with pytest.raises(ValueError, match="labels are not numbers"):
        fold_of_rows(MultiTaskStratifiedKFold(2, task_types={"y0": "regression"}), ["a", "b", "a", "b"])


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, lambda y: y.tolist()])
def test_folds_do_not_depend_on_the_container(container):
    rng = np.random.default_rng(0)
    y = np.where(rng.random((50, 3)) < 0.8, rng.integers(0, 3, (50, 3)), np.nan)
    expected = fold_of_rows(MultiTaskStratifiedKFold(3), y)
    assert np.array_equal(fold_of_rows(MultiTaskStratifiedKFold(3), container(y)), expected)


def test_folds_are_the_same_for_the_same_seed_and_others_for_another():
    y, _ = tox21()
    one, again, other = (
        fold_of_rows(MultiTaskStratifiedKFold(5, shuffle=True, random_state=seed), y) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert (one != other).mean() > 0.5
    plain = MultiTaskStratifiedKFold(5)
    assert np.array_equal(fold_of_rows(plain, y), fold_of_rows(plain, y))


@settings(max_examples=60, deadline=None)
@given(label_tables(), st.integers(2, 4), st.integers(4, 20), st.integers(0, 1000))
def test_groups_are_never_split_and_no_fold_is_empty(y, n_splits, n_groups, seed):
    groups = np.random.default_rng(seed).integers(0, n_groups, len(y))
    groups[:n_splits] = np.arange(n_splits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        cv = MultiTaskStratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
        folds = fold_of_rows(cv, y, groups)
    assert pd.Series(folds).groupby(groups).nunique().max() == 1
    assert len(np.unique(folds)) == n_splits


def test_scaffolds_of_molecules_stay_together_and_labels_stay_even():
    y, scaffold = tox21()
    # Leave out molecules without a ring and those with only benzene: each group is larger than a fold.
    rows = ~np.isin(scaffold, np.bincount(scaffold).argsort()[-2:])
    y, scaffold = y[rows], scaffold[rows]
    folds = fold_of_rows(MultiTaskStratifiedGroupKFold(5), y, scaffold)
    assert pd.Series(folds).groupby(scaffold).nunique().max() == 1
    sizes = np.bincount(folds)
    assert np.ptp(sizes) <= 0.01 * len(y)
    counts = label_counts(y, folds, 5)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 5.0


def test_groups_of_strings_serve_and_unshuffled_folds_are_always_the_same():
    y = np.tile([[0.0, 1.0], [1.0, np.nan]], (12, 1))
    groups = [f"g{i // 3}" for i in range(24)]
    cv = MultiTaskStratifiedGroupKFold(4)
    assert np.array_equal(fold_of_rows(cv, y, groups), fold_of_rows(cv, y, pd.Series(groups)))
    assert np.bincount(fold_of_rows(cv, y, groups)).tolist() == [6, 6, 6, 6]


def test_a_large_table_of_many_tasks_is_split_evenly():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, (20_000, 20)).astype(float)
    y[rng.random(y.shape) < 0.3] = np.nan
    counts = label_counts(y, fold_of_rows(MultiTaskStratifiedKFold(5), y), 5)
    assert np.abs(counts - counts.mean(axis=1, keepdims=True)).max() <= 5.0


def test_searches_over_classifiers_run_with_missing_labels():
    y = bridges()
    X = np.arange(float(len(y)))[:, None]
    model = PerTaskClassifier(DecisionTreeClassifier(random_state=0))
    grid = {"estimator__max_depth": [1, 2]}
    scoring = make_task_scorer("accuracy")
    with pytest.raises((ValueError, TypeError)):
        GridSearchCV(model, grid, scoring=scoring, cv=3).fit(X, y.astype(object).where(y.notna(), np.nan))
    search = GridSearchCV(model, grid, scoring=scoring, cv=MultiTaskStratifiedKFold(3), error_score="raise")
    assert np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_the_splitter_in_cross_validation(routing):
    y = bridges()
    X, groups = np.arange(float(len(y)))[:, None], np.arange(len(y)) // 4
    given = {"params": {"groups": groups}} if routing else {"groups": groups}
    with config_context(enable_metadata_routing=routing), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # scikit-learn is moving from groups= to params=
        result = cross_validate(
            PerTaskClassifier(DecisionTreeClassifier(max_depth=2)),
            X,
            y,
            cv=MultiTaskStratifiedGroupKFold(3),
            scoring=make_task_scorer("accuracy"),
            return_indices=True,
            error_score="raise",
            **given,
        )
    for train, test in zip(*result["indices"].values(), strict=True):
        assert not set(groups[train]) & set(groups[test])


def test_a_task_with_fewer_labels_than_folds_is_named_in_a_warning():
    y = pd.DataFrame({"full": np.arange(20) % 2, "sparse": [1.0, 0.0] + [np.nan] * 18})
    with pytest.warns(UserWarning, match="a fold has no label of the task\\(s\\) 'sparse', whose score"):
        fold_of_rows(MultiTaskStratifiedKFold(4), y)


def test_rows_without_any_label_are_spread_too():
    y = np.full((20, 2), np.nan)
    y[:8] = np.tile([[0.0, 1.0], [1.0, 0.0]], (4, 1))
    folds = fold_of_rows(MultiTaskStratifiedKFold(4), y)
    assert np.bincount(folds[8:]).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"n_splits": 1}, ValueError, "n_splits should be an integer of at least 2, got 1"),
        ({"n_splits": 2.0}, ValueError, "n_splits should be"),
        ({"shuffle": "yes"}, TypeError, "shuffle should be"),
        ({"random_state": 0}, ValueError, "random_state has no effect"),
        ({"n_bins": 1}, ValueError, "n_bins should be"),
    ],
)
@pytest.mark.parametrize("splitter", [MultiTaskStratifiedKFold, MultiTaskStratifiedGroupKFold])
def test_wrong_parameters_are_refused(splitter, arguments, kind, message):
    with pytest.raises(kind, match=message):
        splitter(**arguments)


@pytest.mark.parametrize(
    ("cv", "y", "groups", "message"),
    [
        (MultiTaskStratifiedKFold(5), [0, 1, 0], None, "more than the number of rows, 3"),
        (MultiTaskStratifiedKFold(2), None, None, "requires y"),
        (MultiTaskStratifiedKFold(2), [0, 1, 0], [1, 2, 3], "use MultiTaskStratifiedGroupKFold"),
        (MultiTaskStratifiedGroupKFold(2), [0, 1, 0], None, "needs `groups`"),
        (MultiTaskStratifiedGroupKFold(2), [0, 1, 0], [1, 1, 1], "more than the number of groups, 1"),
        (MultiTaskStratifiedGroupKFold(2), [0, 1, 0], [1, 2], "groups should be 1-D with 3 entries"),
        (MultiTaskStratifiedGroupKFold(2), [0, 1, 0], [1, 2, np.nan], "groups has missing entries"),
    ],
)
def test_what_cannot_be_split_is_refused(cv, y, groups, message):
    with pytest.raises(ValueError, match=message):
        next(cv.split(np.zeros((3, 1)), y, groups))


def test_a_length_other_than_that_of_the_features_is_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        next(MultiTaskStratifiedKFold(2).split(np.zeros((4, 1)), [0, 1, 0]))


@pytest.mark.parametrize("splitter", [MultiTaskStratifiedKFold, MultiTaskStratifiedGroupKFold])
def test_splitters_are_cloned_pickled_and_shown(splitter):
    cv = splitter(3, shuffle=True, random_state=0)
    assert vars(pickle.loads(pickle.dumps(cv))) == vars(clone(cv, safe=False)) == vars(cv)
    assert repr(cv).startswith(f"{splitter.__name__}(n_bins=10, n_splits=3, random_state=0")
