"""Coverage and size of regions."""

import numpy as np
import pytest

from skmtl.joint import Ellipsoid, ErrorColumns, fit_box, fit_ellipsoid
from skmtl.joint._region import conformal_quantile

rng = np.random.default_rng(1)
MIXING = rng.normal(size=(6, 6)) * 0.3 + np.eye(6) + 1.0


def rows(n):
    return rng.standard_t(5, size=(n, 6)) @ MIXING.T * 10.0 ** np.arange(6)


COLUMNS = ErrorColumns.of([0] * 6)


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_regions_cover_new_rows_at_the_nominal_rate(coverage):
    held = []
    for _ in range(40):
        known, later = rows(200), rows(500)
        box, ellipsoid = fit_box(known, COLUMNS, range(6), coverage).offsets, fit_ellipsoid(known, coverage)
        off = later - ellipsoid.center
        inside = np.einsum("rt,rt->r", off, np.linalg.solve(ellipsoid.matrix, off.T).T) <= 1
        held.append([((later >= box[:, 0]) & (later <= box[:, 1])).all(axis=1).mean(), inside.mean()])
    np.testing.assert_allclose(np.mean(held, axis=0), coverage, atol=0.02)


def test_a_box_is_smaller_than_bonferroni_for_every_task():
    known = rows(2000)
    offsets = fit_box(known, COLUMNS, range(6), 0.9).offsets
    share = 0.1 / 6 / 2
    bonferroni = np.quantile(known, [share, 1 - share], axis=0).T
    widths = np.diff(offsets)[:, 0] / np.diff(bonferroni)[:, 0]
    assert (widths < 0.9).all()
    assert np.ptp(widths) < 0.15


def test_the_box_of_one_task_is_a_prediction_interval():
    held = []
    for _ in range(60):
        known, later = rows(99)[:, :1], rows(300)[:, 0]
        low, high = fit_box(known, ErrorColumns.of([0]), [0], 0.9).offsets[0]
        held.append(np.mean((later >= low) & (later <= high)))
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_label_sets_cover_the_true_class_at_the_nominal_rate():
    columns = ErrorColumns.of([3, 0])
    proba = rng.dirichlet([2, 1, 1], size=4000)
    codes = (proba.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    quantity = rng.normal(size=4000)
    errors = columns.errors(np.column_stack([codes, quantity]), np.ones((4000, 2), bool), [proba, np.zeros(4000)])
    box = fit_box(errors[:2000], columns, [0, 1], 0.9)
    true = proba[np.arange(4000), codes]
    inside = (1 - true <= box.doubt[0]) & (quantity >= box.offsets[1, 0]) & (quantity <= box.offsets[1, 1])
    assert inside[2000:].mean() == pytest.approx(0.9, abs=0.02)
    assert np.isnan(box.offsets[0]).all()


def test_with_few_complete_rows_the_misses_are_split_between_tasks():
    known = rows(400)
    known[np.arange(400) % 6 != 0, 0] = np.nan
    known[np.arange(400) % 6 == 0, 1] = np.nan
    offsets = fit_box(known, COLUMNS, range(6), 0.9).offsets
    assert np.isfinite(offsets[2:]).all()
    known[5:, 0] = np.nan
    assert np.isinf(fit_box(known, COLUMNS, range(6), 0.9).offsets[0]).all()
    assert np.isinf(fit_ellipsoid(known, 0.9).matrix).all()


@pytest.mark.filterwarnings("error")
def test_constant_and_identical_tasks_stay_finite():
    known = rows(300)
    known[:, 1], known[:, 2] = 0.0, known[:, 0]
    offsets = fit_box(known, COLUMNS, range(6), 0.9).offsets
    assert offsets[1].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(offsets[0], offsets[2])
    assert np.isfinite(fit_ellipsoid(known, 0.9).matrix).all()


def test_the_conformal_bound_counts_the_new_row():
    scores = np.arange(1.0, 10.0)
    assert conformal_quantile(scores, 0.9) == 9.0
    assert conformal_quantile(scores, 0.91) == np.inf


def test_ellipsoids_are_compared_by_volume_if_both_are_finite():
    small, large = Ellipsoid(np.zeros(2), np.eye(2)), Ellipsoid(np.zeros(2), np.diag([0.5, 9.0]))
    endless = Ellipsoid(np.zeros(2), np.full((2, 2), np.inf))
    assert large.is_larger(small) and not small.is_larger(large)
    assert not endless.is_larger(small) and not small.is_larger(endless)


def test_a_box_from_few_rows_reaches_the_nominal_coverage():
    held = []
    for _ in range(60):
        known, later = rows(32), rows(300)
        low, high = fit_box(known, COLUMNS, range(6), 0.9).offsets.T
        held.append(((later >= low) & (later <= high)).all(axis=1).mean())
    assert 0.88 < np.mean(held) < 0.96


def test_rows_with_some_labels_are_covered_if_complete_rows_differ():
    """Complete rows come from a period with small errors, the others from all periods."""
    known, later = rows(600), rows(600)
    known[200:] *= 3.0
    known[200:, 5] = later[:, 5] = np.nan
    later *= 3.0
    box, ellipsoid = fit_box(known, COLUMNS, range(6), 0.9).offsets, fit_ellipsoid(known, 0.9)
    inside = (np.isnan(later) | ((later >= box[:, 0]) & (later <= box[:, 1]))).all(axis=1)
    off = (later - ellipsoid.center)[:, :5]
    in_ellipsoid = np.einsum("rt,rt->r", off, np.linalg.solve(ellipsoid.matrix[:5, :5], off.T).T) <= 1
    assert inside.mean() > 0.82 and in_ellipsoid.mean() > 0.82
