"""Bins: a position among quantiles determines the piecewise-linear encoding."""

import numpy as np
from scipy import sparse

from skmtl.features._bins import ColumnBins
from skmtl.features._numeric import NumericEncoder

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(5, 2, 400), np.exp(RNG.normal(size=400)), RNG.integers(0, 2, 400), np.ones(400)])


def fitted(table, n_bins=8, weights=None):
    numeric = NumericEncoder.fit(table, scaling="standard", weights=weights)
    return numeric, ColumnBins.fit(table, numeric, n_bins, weights)


def test_columns_with_at_most_two_values_are_left_out():
    _, bins = fitted(X)
    assert bins.columns.tolist() == [0, 1]
    assert [len(edges) for edges in bins.edges] == [9, 9]


def test_bins_hold_equal_numbers_of_rows():
    numeric, bins = fitted(X)
    found = bins.positions(numeric.scaled(X)[0])
    counts = np.array([np.histogram(column, np.arange(9))[0] for column in found.T])
    assert np.abs(counts - 50).max() <= 1


def test_positions_are_the_sum_of_the_parts_of_each_bin():
    numeric, bins = fitted(X)
    new = numeric.scaled(RNG.normal(5, 4, size=(50, 4)))[0]
    found = bins.positions(new)
    for i, (column, edges) in enumerate(zip(bins.columns, bins.edges, strict=True)):
        parts = (new[:, [column]] - edges[:-1]) / np.diff(edges)
        np.testing.assert_allclose(found[:, i], np.clip(parts, 0, 1).sum(axis=1), atol=1e-9)


def test_a_column_with_few_rows_or_values_has_fewer_bins():
    few = np.column_stack([np.arange(20.0), np.tile([0.0, 1, 2, 3], 5), np.r_[np.zeros(18), 1, 2]])
    _, bins = fitted(few, n_bins=32)
    # 20 rows are enough for two bins of 8; if nearly all values are equal, one bin covers the entire range.
    assert [len(edges) for edges in bins.edges] == [3, 3, 2]
    many = np.repeat(few, 40, axis=0)
    assert [len(edges) for edges in fitted(many, n_bins=32)[1].edges][1] == 4


def test_a_weight_of_n_counts_as_n_rows():
    counts = RNG.integers(0, 4, 400)
    weighted = fitted(X, weights=counts.astype(float))
    repeated = fitted(np.repeat(X, counts, axis=0))
    for ours, theirs in zip(weighted[1].edges, repeated[1].edges, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_missing_values_are_ignored():
    holed = X.copy()
    holed[::3, 0] = np.nan
    whole = fitted(np.where(np.isnan(holed), np.nanmean(holed, axis=0), holed)[np.arange(400) % 3 != 0])
    _, bins = fitted(holed)
    numeric = NumericEncoder.fit(holed, scaling="standard")
    ours = bins.edges[0] * numeric.scale[0] + numeric.center[0]
    np.testing.assert_allclose(ours, whole[1].edges[0] * whole[0].scale[0] + whole[0].center[0])


def test_sparse_columns_have_the_same_bins_as_dense_ones():
    for ours, theirs in zip(fitted(sparse.csr_array(X))[1].edges, fitted(X)[1].edges, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
