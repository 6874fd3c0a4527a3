"""Detection of rows from another time or group."""

import numpy as np
import pytest

from skmtl.blending import _shift_detector
from skmtl.blending._shift_detector import blocks_of, fit_shift_detector


def walk(n_rows, seed):
    """Rows in time: each is near the previous one."""
    return np.random.default_rng(seed).normal(size=(n_rows, 3)).cumsum(axis=0)


def folds(n_rows):
    return np.array_split(np.random.default_rng(0).permutation(n_rows), 8)


def detector_of(rows, relevance=None):
    relevance = np.ones(rows.shape[1]) if relevance is None else relevance
    return fit_shift_detector(rows, relevance, folds(len(rows)), blocks_of(len(rows)), 0)


def test_blocks_are_consecutive_rows_and_cover_all():
    blocks = blocks_of(53)
    assert len(blocks) == 8
    np.testing.assert_array_equal(np.concatenate(blocks), np.arange(53))


def test_rows_in_random_order_have_no_detector():
    assert detector_of(np.random.default_rng(0).normal(size=(600, 3))) is None


def test_rows_between_others_are_in_distribution_and_later_ones_shifted():
    rows = walk(900, 0)
    middle = np.arange(1, 800, 7)
    detector = detector_of(np.delete(rows[:800], middle, axis=0))
    assert np.median(detector.probability(rows[middle])) < 0.1
    assert np.median(detector.probability(rows[820:])) > 0.9


def test_only_relevant_columns_count():
    rng = np.random.default_rng(0)
    rows = np.hstack([walk(600, 1), rng.normal(size=(600, 20)) * 30])
    assert detector_of(rows) is None
    assert detector_of(rows, np.r_[np.ones(3), np.zeros(20)]) is not None


def test_the_probability_rises_with_the_distance():
    """This also holds along a column with little relevance, and beyond all training rows."""
    rows = walk(900, 3)
    detector = detector_of(rows, np.array([1.0, 0.8, 0.3]))
    for column in range(3):
        moved = [detector.probability(rows[:1] + step * np.eye(3)[column]) for step in (0, 1e3)]
        assert moved[0] < 0.1 < 0.9 < moved[1]
    assert detector.slope > 0


def test_copies_of_rows_have_distance_0_and_still_count():
    rows = np.repeat(walk(60, 2), 8, axis=0)
    detector = detector_of(rows)
    assert np.isfinite(detector.probability(rows)).all()
    assert detector.probability(rows).max() < detector.probability(rows + 50).min()


@pytest.mark.parametrize("shape", [(24, 0), (24, 1), (3, 2)])
def test_small_tables_work(shape):
    detector = detector_of(np.ones(shape))
    assert detector is None


def test_many_rows_are_compared_with_a_sample():
    rows = np.repeat(np.random.default_rng(0).normal(size=(50, 3)) * 9, 240, axis=0)
    rows += np.random.default_rng(1).normal(size=rows.shape)
    detector = detector_of(rows)
    assert len(detector.points) == 5_000
    assert detector.probability(rows).shape == (12_000,)


def test_a_tree_finds_the_same_distances_as_comparing_all(monkeypatch):
    rows = walk(1500, 5)
    detector = detector_of(rows)
    found = []
    for columns in (0, 10):
        monkeypatch.setattr(_shift_detector, "_COLUMNS_OF_A_TREE", columns)
        found.append(detector.probability(rows + 0.3))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)
