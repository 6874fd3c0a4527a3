"""Rows held out by a splitter: entire groups, later times, pairs of row numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, StratifiedKFold, TimeSeriesSplit

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasRegressor

from ..estimators._cases import SMALL, features, labels, quantities

X = features()
Y = quantities(X)
VISITS = np.repeat(np.arange(15), 4)


def held_out(**settings: Any) -> list[np.ndarray]:
    groups = settings.pop("groups", None)
    model = MultiTaskKerasRegressor(**{**SMALL, **settings}).fit(X, Y, groups=groups)
    return [np.asarray(rows) for rows in model.network_.held_out]


def test_groups_are_held_out_whole_and_each_row_once() -> None:
    parts = held_out(validation_split=GroupKFold(5), ensemble_size=5, groups=VISITS)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(60))
    for rows in parts:
        assert not set(VISITS[rows]) & set(VISITS[np.setdiff1d(np.arange(60), rows)])


def test_members_use_the_splits_in_order() -> None:
    splits = [held for _, held in KFold(3).split(X)]
    for members in (2, 5):
        found = held_out(validation_split=3, ensemble_size=members)
        for member in range(members):
            np.testing.assert_array_equal(found[member], splits[member % 3])


def test_rows_that_a_split_leaves_out_are_not_learned_from() -> None:
    spoilt = np.where(np.arange(60)[:, None] < 30, Y, -5.0 * Y)
    split = [(np.arange(20), np.arange(20, 30))]
    settings = {**SMALL, "validation_split": split, "scale_targets": False, "scale_inputs": False}
    models = [MultiTaskKerasRegressor(**settings).fit(X, y) for y in (Y / 1000, spoilt / 1000)]
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-4)


def test_later_times_validate_earlier_ones() -> None:
    parts = held_out(validation_split=TimeSeriesSplit(4), ensemble_size=4)
    assert [rows.min() for rows in parts] == [12, 24, 36, 48]


def test_a_stratifying_splitter_sees_the_classes() -> None:
    y = labels(X)[:, 1]
    model = MultiTaskKerasClassifier(**{**SMALL, "ensemble_size": 4, "validation_split": StratifiedKFold(4)}).fit(X, y)
    shares = [np.bincount(y[np.asarray(rows)], minlength=3) for rows in model.network_.held_out]
    assert np.ptp(shares, axis=0).max() <= 1


def test_groups_stay_with_their_rows_when_rows_without_weight_are_dropped() -> None:
    weight = np.ones(60)
    weight[::7] = 0.0
    model = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 3, "validation_split": GroupKFold(3)})
    model.fit(X, Y, sample_weight=weight, groups=VISITS)
    kept = VISITS[weight > 0]
    for rows in model.network_.held_out:
        rows = np.asarray(rows)
        assert not set(kept[rows]) & set(kept[np.setdiff1d(np.arange(len(kept)), rows)])


def test_out_of_fold_predictions_are_those_of_the_splits() -> None:
    model = MultiTaskKerasRegressor(**{**SMALL, "ensemble_size": 3, "validation_split": GroupKFold(3)}, blend="all")
    model.fit(X, Y, groups=VISITS)
    assert np.isfinite(model.oob_prediction_).all()


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({}, {"groups": VISITS}, "set validation_split"),
        ({"validation_split": GroupKFold(3)}, {"groups": VISITS[:7]}, r"groups should have shape \(60,\)"),
        ({"validation_split": GroupKFold(3)}, {"groups": [None, *VISITS[1:]]}, "groups has missing or masked entries"),
        (
            {"validation_split": GroupKFold(3)},
            {"groups": list(np.ma.masked_array(VISITS, mask=VISITS[0] == VISITS))},
            "groups has missing or masked entries",
        ),
        ({"validation_split": 3}, {"X_val": X, "y_val": Y}, "X_val and y_val were passed"),
        ({"validation_split": 3, "early_stopping": False}, {}, "early_stopping=False holds out none"),
        ({"validation_split": [(np.arange(60), np.arange(0))]}, {}, "split 0 holds out no rows"),
        ({"validation_split": 1}, {}, "validation_split"),
    ],
)
def test_invalid_splits_are_refused(settings: dict[str, Any], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiTaskKerasRegressor(**{**SMALL, **settings}).fit(X, Y, **arguments)


def test_a_split_that_leaves_a_task_without_labels_is_refused() -> None:
    y = Y.copy()
    y[20:, 1] = np.nan
    with pytest.raises(ValueError, match="split 0 leaves task 'y1' no label to learn from"):
        MultiTaskKerasRegressor(**SMALL, validation_split=3).fit(X, y)


def test_partial_fit_refuses_validation_split() -> None:
    assert not hasattr(MultiTaskKerasRegressor(**SMALL, validation_split=3), "partial_fit")


MASK = np.arange(60) % 4 == 0
ROWS, REST = np.flatnonzero(MASK), np.flatnonzero(~MASK)


@pytest.mark.parametrize(
    "split",
    [
        [(~MASK, MASK)],
        [(pd.Series(~MASK), pd.Series(MASK, dtype="boolean"))],
        [(REST, ROWS - 60)],
        [(REST.tolist(), ROWS.tolist())],
        [(REST, np.r_[ROWS, ROWS[:3]])],
        ((REST, ROWS),),
        PredefinedSplit(np.where(MASK, 0, -1)),
    ],
    ids=["masks", "series", "negative", "lists", "twice", "tuple", "predefined"],
)
def test_rows_are_read_as_scikit_learn_reads_them(split: Any) -> None:
    """One of the rows has no weight, so it is dropped before anything is fitted."""
    weights = np.ones(60)
    weights[1] = 0.0
    known = MultiTaskKerasRegressor(**SMALL, validation_split=[(REST, ROWS)]).fit(X, Y, weights)
    found = MultiTaskKerasRegressor(**SMALL, validation_split=split).fit(X, Y, weights)
    np.testing.assert_array_equal(found.predict(X), known.predict(X))
    np.testing.assert_array_equal(found.network_.held_out[0], np.r_[0, ROWS[1:] - 1])


def test_an_iterator_works_for_one_fit_and_a_second_is_refused() -> None:
    model = MultiTaskKerasRegressor(**SMALL, validation_split=iter([(REST, ROWS)])).fit(X, Y)
    np.testing.assert_array_equal(model.network_.held_out[0], ROWS)
    with pytest.raises(ValueError, match="pass a list of splits"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((np.arange(60), ROWS), r"split 0 has 15 row\(s\) both in training and held out, such as row 0"),
        ((REST, ROWS + 1.0), "positions of rows .* or masks .*, got 1-D float64"),
        ((REST, np.r_[ROWS, 60]), "names row 60, but X has 60 rows"),
        ((REST, np.r_[ROWS, -61]), "names row -61, but X has 60 rows"),
        ((~MASK[:-1], MASK), "a mask of 59 rows, but X has 60"),
        ((REST, ["a", "b"]), "positions of rows"),
        ((REST, [ROWS]), "got 2-D int64"),
        ((REST,), "should be a pair of"),
        (5, "should be a pair of"),
    ],
)
def test_invalid_row_numbers_are_refused(split: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"validation_split: .*{message}"):
        MultiTaskKerasRegressor(**SMALL, validation_split=[split]).fit(X, Y)
