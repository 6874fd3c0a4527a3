"""The rows that each member learns from and holds out, and their order."""

from __future__ import annotations

import numpy as np
import pytest

from skmtl._records import EncodedTargets
from skmtl.training._buckets import bucket
from skmtl.training._compile_choice import worth_compiling
from skmtl.training._rows import BatchOrder, RowPlan, evaluation_index, plan_rows


def targets(n: int = 100, seed: int = 0) -> EncodedTargets:
    """A regression with missing labels, and a classification of three classes of different sizes."""
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(size=n), rng.choice(3, size=n, p=[0.6, 0.3, 0.1])])
    weights = np.column_stack([rng.random(n) < 0.5, np.ones(n)]).astype(float)
    return EncodedTargets(values, weights)


def plan(members: int, fraction: float, seed: int = 0, y: EncodedTargets | None = None) -> RowPlan:
    return plan_rows(targets() if y is None else y, [False, True], members, fraction, seed)


@pytest.mark.parametrize(("members", "fraction"), [(1, 0.1), (3, 0.3), (10, 0.1), (25, 0.2)])
def test_every_member_learns_from_the_rows_it_does_not_hold_out(members: int, fraction: float) -> None:
    rows = plan(members, fraction)
    assert len(rows.train) == len(rows.evaluate) == members
    for train, held in zip(rows.train, rows.evaluate, strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), np.arange(100))
        assert len(held) == pytest.approx(fraction * 100, abs=2)


def test_members_parts_are_disjoint_and_cover_all_rows() -> None:
    held = np.concatenate(plan(10, 0.1).evaluate)
    assert len(np.unique(held)) == len(held)
    assert len(held) >= 98


def test_every_part_is_stratified_by_class_and_missing_labels() -> None:
    y = targets(1000)
    for held in plan(5, 0.2, y=y).evaluate:
        shares = np.bincount(y.values[held, 1].astype(int), minlength=3) / len(held)
        np.testing.assert_allclose(shares, np.bincount(y.values[:, 1].astype(int)) / 1000, atol=0.02)
        assert y.observed[held, 0].mean() == pytest.approx(y.observed[:, 0].mean(), abs=0.02)


def test_no_member_loses_the_last_label_of_a_task_or_class() -> None:
    y = targets(60)
    y.values[:, 1] = 0
    y.values[7, 1] = 2
    y.weights[:, 0] = 0
    y.weights[11, 0] = 1
    for seed in range(20):
        for train in plan(4, 0.25, seed, y).train:
            assert {7, 11} <= set(train.tolist())


def test_the_seed_decides_the_plan() -> None:
    first, again, other = (np.concatenate(plan(3, 0.2, seed).evaluate) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_nothing_is_held_out_if_the_fraction_is_zero() -> None:
    rows = plan(2, 0.0)
    assert [len(held) for held in rows.evaluate] == [0, 0]
    assert [len(train) for train in rows.train] == [100, 100]


TRAIN = (np.arange(5, 15), np.arange(7))


def order(shuffle: bool = True, seed: int = 0, train: tuple[np.ndarray, ...] = TRAIN, first: int = 0) -> BatchOrder:
    return BatchOrder(train, 4, shuffle, seed, first)


def test_every_epoch_visits_every_row_once_and_fills_up_with_its_first_rows() -> None:
    index = order().epochs(3, (4, 5))
    assert index.shape == (4, 5, 2, 4)
    for epoch in range(3):
        for member, rows in enumerate(TRAIN):
            visited = index[epoch, :3, member].ravel()
            np.testing.assert_array_equal(np.sort(visited[: len(rows)]), rows)
            np.testing.assert_array_equal(visited[len(rows) :], visited[: 12 - len(rows)])
    assert (index[0, :3, 0] != index[1, :3, 0]).any()


def test_without_shuffling_rows_keep_their_order() -> None:
    index = order(shuffle=False).epochs(2, (2, 3))
    for epoch in range(2):
        np.testing.assert_array_equal(index[epoch, :, 0].ravel()[:10], TRAIN[0])


def test_the_order_depends_neither_on_chunks_of_epochs_nor_on_other_members() -> None:
    together, one_by_one = order(seed=3).epochs(4, (4, 3)), order(seed=3)
    for epoch in range(4):
        np.testing.assert_array_equal(together[epoch], one_by_one.epochs(1, (1, 3))[0])
    alone = order(seed=3, train=TRAIN[1:], first=1).epochs(4, (4, 2))
    np.testing.assert_array_equal(alone[:, :2, 0], together[:, :2, 1])
    assert (order(seed=4).epochs(4, (4, 3)) != together).any()


def test_held_out_rows_are_indexed_batch_by_batch() -> None:
    held = (np.array([3, 5, 8, 9, 11]), np.array([2]))
    index = evaluation_index(held, 2, 3)
    assert index.shape == (3, 2, 2)
    for member, rows in enumerate(held):
        flat = index[:, member].ravel()
        np.testing.assert_array_equal(flat[: len(rows)], rows)
        assert not flat[len(rows) :].any()


def test_sizes_are_rounded_up_by_at_most_an_eighth() -> None:
    sizes = [bucket(size) for size in range(1, 5000)]
    for size, rounded in enumerate(sizes, start=1):
        assert size <= rounded <= max(size, 1.125 * size)
        assert bucket(rounded) == rounded
    assert sizes == sorted(sizes)
    assert len(set(sizes)) < 100
    assert bucket(0) == 1


def test_fits_with_many_small_steps_are_compiled() -> None:
    assert worth_compiling(steps=100_000, flops=1e5, members=1)
    assert not worth_compiling(steps=10, flops=1e5, members=1)
    assert not worth_compiling(steps=100_000, flops=1e10, members=1)
