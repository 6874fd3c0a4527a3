"""The encoder of all columns: robust scaling, and the order of the encoded columns."""

import numpy as np
import pytest
from scipy import sparse

from skmtl.features import CategoryLevels, FeatureEncoder, NumericEncoder
from skmtl.networks import PiecewiseLinear

RNG = np.random.default_rng(0)
NUMBERS = np.column_stack([RNG.normal(5, 3, 101), np.exp(RNG.normal(size=101)), RNG.integers(0, 2, 101)])
LEVELS = CategoryLevels((1, 3), (np.array(list("ab"), dtype=object), np.array(list("abcdefgh"), dtype=object)))


def coded(n=101):
    """Numbers and codes: a number, two levels, a number with gaps, eight levels."""
    rng = np.random.default_rng(1)
    table = np.column_stack([rng.normal(size=n), rng.integers(0, 2, n), rng.normal(size=n), np.arange(n) % 8])
    table[::10, 2], table[5, 1] = np.nan, np.nan
    return table


def test_robust_scaling_uses_median_and_interquartile_range_with_smooth_clipping():
    encoder = NumericEncoder.fit(NUMBERS, scaling="robust")
    first, median, third = np.quantile(NUMBERS, [0.25, 0.5, 0.75], axis=0)
    z = (NUMBERS - median) / (third - first)
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    # Half of the last column is 0 and half is 1.
    np.testing.assert_allclose(encoder.transform(NUMBERS, dtype=np.float64), expected, rtol=1e-12)
    assert np.abs(encoder.transform(1e30 * NUMBERS)).max() <= 3


def test_if_the_quartiles_are_equal_the_scale_is_half_the_range():
    table = np.r_[np.zeros(98), 1.0, 4.0][:, None]
    encoder = NumericEncoder.fit(table, scaling="robust")
    assert (encoder.center[0], encoder.scale[0]) == (0.0, 2.0)


def test_robust_scaling_ignores_an_outlier():
    far = NUMBERS.copy()
    far[0, 0] = 1e9
    near, moved = (NumericEncoder.fit(table, scaling="robust") for table in (NUMBERS, far))
    np.testing.assert_allclose(near.scale, moved.scale, rtol=0.1)


@pytest.mark.parametrize("factor", [1e-250, 1e250])
def test_robust_scaling_of_very_large_values(factor):
    found = NumericEncoder.fit(NUMBERS * factor, scaling="robust").transform(NUMBERS * factor)
    expected = NumericEncoder.fit(NUMBERS, scaling="robust").transform(NUMBERS)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_weight_of_n_counts_as_n_rows_in_robust_scaling():
    counts = RNG.integers(0, 4, 101)
    weighted = NumericEncoder.fit(NUMBERS, scaling="robust", weights=counts.astype(float))
    repeated = NumericEncoder.fit(np.repeat(NUMBERS, counts, axis=0), scaling="robust")
    for name in ("center", "scale", "fill"):
        np.testing.assert_array_equal(getattr(weighted, name), getattr(repeated, name))


def test_robust_scaling_of_sparse_columns():
    dense = NumericEncoder.fit(NUMBERS, scaling="robust").transform(NUMBERS)
    stored = sparse.csr_array(NUMBERS)
    np.testing.assert_array_equal(NumericEncoder.fit(stored, scaling="robust").transform(stored), dense)


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_constant_column_stays_zero_for_later_values(scaling):
    table = np.column_stack([NUMBERS[:, 0], np.full(101, 7.0)])
    later = table.copy()
    later[:, 1] = 1000.0
    np.testing.assert_allclose(NumericEncoder.fit(table, scaling=scaling).transform(later)[:, 1], 0.0, atol=1e-30)
    waiting = NumericEncoder.fit(table, scaling=scaling, more_to_come=True)
    assert (waiting.transform(later)[:, 1] > 2.9).all()


def test_columns_are_in_the_order_of_the_layout():
    X = coded()
    encoder = FeatureEncoder.fit(X, levels=LEVELS, one_hot_max_size=4, n_bins=4)
    layout = encoder.layout(PiecewiseLinear(n_bins=4))
    # Two numbers to embed; an indicator and three one-hot columns (one for missing), rounded up to 8; two positions;
    # one code.
    assert (layout.embedded, layout.plain, layout.positions, layout.codes) == (2, 8, 2, 1)
    found = encoder.transform(X, dtype=np.float64)
    assert found.shape == (101, encoder.n_outputs) == (101, layout.n_columns)
    values = NumericEncoder.fit(X[:, [0, 2]], scaling="standard").transform(X[:, [0, 2]], dtype=np.float64)
    np.testing.assert_allclose(found[:, :3], values)
    np.testing.assert_array_equal(found[:, 3:6].argmax(axis=1), np.where(np.isnan(X[:, 1]), 2, X[:, 1]))
    np.testing.assert_array_equal(found[:, 3:10].sum(axis=1), 1.0)
    assert found[:, 10:12].min() >= 0
    assert found[:, 10:12].max() == 4
    np.testing.assert_array_equal(found[:, 12], X[:, 3])


def test_columns_that_are_not_embedded_come_after_those_that_are():
    X = NUMBERS[:, [2, 0, 1]]
    encoder = FeatureEncoder.fit(X, n_bins=0)
    assert encoder.order().tolist() == [1, 2, 0]
    plain = NumericEncoder.fit(X, scaling="standard").transform(X)
    np.testing.assert_array_equal(encoder.transform(X), plain[:, [1, 2, 0]])


def test_plain_numbers_have_no_layout():
    encoder = FeatureEncoder.fit(NUMBERS)
    assert encoder.layout() is None
    np.testing.assert_array_equal(encoder.transform(NUMBERS), encoder.numeric.transform(NUMBERS))
    # A table without columns to embed has none either.
    assert FeatureEncoder.fit(NUMBERS[:, 2:], n_bins=8).layout(PiecewiseLinear()) is None


def test_chunks_of_rows_are_encoded_like_all_rows_at_once_and_padding_is_zero(monkeypatch):
    encoder = FeatureEncoder.fit(coded(), levels=LEVELS, one_hot_max_size=4, n_bins=4, scaling="robust")
    whole = encoder.transform(coded())
    monkeypatch.setattr("skmtl.features._rows.CHUNK_CELLS", 60)
    pieces = encoder.transform(coded(), n_rows=128)
    np.testing.assert_array_equal(pieces[:101], whole)
    np.testing.assert_array_equal(pieces[101:], 0.0)


def test_x_is_not_modified():
    X = coded()
    FeatureEncoder.fit(X, levels=LEVELS, one_hot_max_size=4, n_bins=4, scaling="robust").transform(X)
    np.testing.assert_array_equal(X, coded())
