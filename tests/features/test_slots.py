"""Slots: one-hot columns and rows of the embedding table, for unseen, missing and rare levels."""

import numpy as np
import pytest

from skmtl.features._slots import CategorySlots, rounded_up


def encoded(slots, codes):
    one_hot, rows = np.zeros((len(codes), slots.n_one_hot)), np.zeros((len(codes), slots.n_embedded))
    slots.encode(np.asarray(codes, dtype=float).reshape(len(codes), -1), one_hot, rows)
    return one_hot, rows


def column(*codes):
    return np.array(codes, dtype=float)[:, None]


def test_few_levels_are_one_hot_and_unseen_ones_are_zeros():
    slots = CategorySlots.fit(column(0, 0, 1, 1, 2, 2), [3], 12)
    one_hot, rows = encoded(slots, [0, 1, 2, -1, np.nan])
    np.testing.assert_array_equal(one_hot[:, :3], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert one_hot[:, 3:].sum() == 0
    assert rows.shape == (5, 0)


def test_missing_cells_have_their_own_slot_if_training_had_some():
    slots = CategorySlots.fit(column(0, 0, 1, 1, np.nan), [2], 12)
    one_hot, _ = encoded(slots, [np.nan, -1, 0])
    np.testing.assert_array_equal(one_hot[:, :3], [[0, 0, 1], [0, 0, 0], [1, 0, 0]])


def test_levels_that_occur_once_share_a_slot_with_unseen_ones():
    slots = CategorySlots.fit(column(0, 0, 1, 2, 3, 3), [4], 12)
    one_hot, _ = encoded(slots, [0, 3, 1, 2, -1, np.nan])
    np.testing.assert_array_equal(one_hot[:, :3].argmax(axis=1), [0, 1, 2, 2, 2, 2])
    assert (one_hot.sum(axis=1) == 1).all()


def test_a_single_level_that_occurs_once_keeps_its_slot():
    slots = CategorySlots.fit(column(0, 0, 0, 1), [2], 12)
    one_hot, _ = encoded(slots, [1, -1])
    np.testing.assert_array_equal(one_hot[:, :2], [[0, 1], [0, 0]])


def test_many_levels_are_rows_of_one_table_and_unseen_ones_have_none():
    codes = np.column_stack([np.repeat(np.arange(5), 2), np.tile([0, 1], 5), np.repeat(np.arange(5), 2)]).astype(float)
    slots = CategorySlots.fit(codes, [5, 2, 5], 4)
    one_hot, rows = encoded(slots, np.array([[0, 1, 0], [4, 0, 4], [-1, -1, np.nan]]))
    assert slots.embedded == (True, False, True)
    np.testing.assert_array_equal(rows, [[0, 5], [4, 9], [-1, -1]])
    np.testing.assert_array_equal(one_hot[:, :2], [[0, 1], [1, 0], [0, 0]])
    assert slots.n_rows == 16


@pytest.mark.parametrize(("most", "embedded"), [(0, True), (2, True), (3, False), (None, False)])
def test_the_bound_counts_slots(most, embedded):
    # Two levels and a missing one.
    assert CategorySlots.fit(column(0, 0, 1, 1, np.nan), [2], most).embedded == (embedded,)


def test_an_empty_column_has_no_slots():
    slots = CategorySlots.fit(column(np.nan, np.nan), [0], 12)
    assert encoded(slots, [np.nan])[0].sum() == 1
    none = CategorySlots.fit(column(-1, -1), [0], 12)
    assert none.n_one_hot == 0


def test_indicators_and_one_hot_columns_are_rounded_together():
    codes = column(0, 0, 1, 1, 2, 2)
    assert [n + CategorySlots.fit(codes, [3], 12, n).n_one_hot for n in (0, 4, 5, 6)] == [8, 8, 8, 16]


def test_sizes_are_rounded_so_that_one_more_level_does_not_change_them():
    assert [rounded_up(count) for count in (0, 1, 8, 9, 31, 33, 64, 65, 127, 129, 1000)] == [
        0, 8, 8, 16, 32, 40, 64, 80, 128, 160, 1024,
    ]  # fmt: skip
    assert all(count <= rounded_up(count) <= 1.25 * count + 8 for count in range(5000))
