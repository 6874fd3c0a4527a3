"""Windows of rows: every row once per epoch, in steps that all workers take together; and held-out rows on disk."""

import numpy as np
import pytest

from skmtl._ahead import ahead
from skmtl._row_hash import BINS, HeldShare, row_bins
from skmtl.training._spool import Spool
from skmtl.training._windows import Rows, Schedule, Windows

NONE = Rows.none(1, 1, "float32")


def rows_numbered(numbers, seed=3):
    numbers = np.asarray(numbers)
    column = numbers[:, None].astype(np.float32)
    return Rows(column, column, np.ones_like(column), numbers, row_bins(numbers, seed))


def chunks(start, stop, size):
    return [rows_numbered(np.arange(first, min(first + size, stop))) for first in range(start, stop, size)]


def visited(windows, rows, rng):
    """Return the row numbers that each member sees, step by step, and the number of steps."""
    seen, steps = [[] for _ in range(windows.held.shape[1])], 0
    for window in windows.of(rows, rng):
        assert (window.first, window.batches.shape[1]) == (steps, windows.schedule.room)
        steps += window.steps
        for member, order in enumerate(seen):
            places = window.batches[0, :, member].ravel()[: window.left[member]]
            order += window.rows.inputs[places, 0].astype(int).tolist()
    return seen, steps


@pytest.mark.parametrize(("window", "chunk"), [(1000, 7), (20, 7), (8, 50), (1, 1)])
@pytest.mark.parametrize("share", [HeldShare(1, 0.0), HeldShare(3, 0.2)])
@pytest.mark.parametrize("shuffle", [False, True])
def test_each_member_sees_each_of_its_rows_once(window, chunk, share, shuffle):
    held = share.table() if share.any else np.zeros((BINS, 1), bool)
    own = [np.flatnonzero(~held[row_bins(np.arange(101), 3), member]).tolist() for member in range(share.members)]
    schedule = Schedule.of(np.array([101]), np.array([[len(rows) for rows in own]]), 8, window)
    rng = np.random.default_rng(0) if shuffle else None
    seen, steps = visited(Windows(schedule, 0, held, NONE), chunks(0, 101, chunk), rng)
    assert steps == schedule.steps == max(-(-len(rows) // 8) for rows in own)
    for member, rows in enumerate(own):
        assert sorted(seen[member]) == rows
        assert (seen[member] == rows) is not shuffle or window == 1


def test_workers_take_the_same_steps_whatever_rows_they_have():
    shards, rows = np.array([60, 30, 10]), np.array([[60], [30], [10]])
    schedule = Schedule.of(shards, rows, 20, 50)
    assert schedule.batches.tolist() == [12, 6, 2]
    assert schedule.steps == 5
    # A shard without any rows left also takes part, with weight 0.
    uneven = Schedule.of(np.array([60, 40]), np.array([[60], [0]]), 20, 50)
    held = np.zeros((BINS, 1), bool)
    taken = [visited(Windows(uneven, rank, held, NONE), part, None) for rank, part in enumerate([chunks(0, 60, 9), []])]
    assert [steps for _, steps in taken] == [5, 5]
    assert uneven.counts(0, 6)[:, 0].tolist() == [12, 12, 12, 12, 12, 0]


def test_all_rows_in_one_step_are_split_unequally():
    schedule = Schedule.of(np.array([7, 3]), np.array([[7, 6], [3, 3]]), 10, 1)
    assert (schedule.steps, schedule.batches.tolist()) == (1, [7, 3])
    assert schedule.counts(0, 1).tolist() == [[10, 9]]


def test_members_hold_out_disjoint_shares():
    table = HeldShare(4, 0.25).table()
    assert (table.sum(axis=1) == 1).all()
    assert table.sum(axis=0).tolist() == [BINS // 4] * 4
    bins = row_bins(np.arange(100_000), 5)
    assert abs(HeldShare(1, 0.1).table()[bins].mean() - 0.1) < 0.005


def test_held_out_rows_are_stored_in_the_order_of_their_numbers():
    held = HeldShare(2, 0.2).table()
    out = held[row_bins(np.arange(500), 3)]
    parts = chunks(100, 500, 30)
    # Rows without a label are dropped before: their places have weight 0.
    parts[1] = parts[1].take(np.arange(0, 30, 2))
    kept = np.concatenate([part.numbers for part in parts])
    read = []
    for order in (parts, parts[::-1]):
        spool = Spool(100, 500, 3, held.any(axis=1), NONE)
        for part in order:
            spool.write(part)
        rows = Rows.together(list(spool.read(17)))
        spool.close()
        read.append(rows)
    assert np.array_equal(read[0].inputs, read[1].inputs)
    assert len(read[0].bins) == out[100:].any(axis=1).sum()
    numbers = read[0].inputs[read[0].weights[:, 0] > 0, 0].astype(int)
    assert numbers.tolist() == [number for number in kept if out[number].any()]
    labelled = read[0].weights[:, 0] > 0
    assert np.array_equal(held[read[0].bins[labelled]], out[numbers])


def test_items_are_made_ahead_and_errors_are_raised():
    made = []

    def items():
        for number in range(3):
            made.append(number)
            yield number
        raise ValueError("the end")

    taken = ahead(items())
    assert next(taken) == 0
    assert next(taken) == 1
    assert made[:2] == [0, 1]
    assert next(taken) == 2
    with pytest.raises(ValueError, match="the end"):
        next(taken)
