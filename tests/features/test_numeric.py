"""Numeric features: imputation, standardisation and missing-value indicators."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skmtl.features import NumericEncoder

X = np.random.default_rng(0).normal(5, 3, (50, 4))


def holed():
    table = X.copy()
    table[::5, 1], table[3, 3] = np.nan, np.nan
    return table


def test_standardisation_equals_scikit_learns():
    encoder = NumericEncoder.fit(X, scaling="standard")
    np.testing.assert_allclose(encoder.transform(X, dtype=np.float64), StandardScaler().fit_transform(X), rtol=1e-12)


def test_missing_values_become_the_mean_and_an_indicator():
    encoder = NumericEncoder.fit(holed(), scaling="none")
    expected = SimpleImputer(add_indicator=True).fit_transform(holed())
    np.testing.assert_allclose(encoder.transform(holed(), dtype=np.float64), expected, rtol=1e-12)
    assert encoder.indicators.tolist() == [1, 3]
    assert (encoder.n_features, encoder.n_outputs) == (4, 6)


def test_a_column_with_missing_values_only_in_prediction_is_filled():
    encoder = NumericEncoder.fit(holed(), scaling="standard")
    new = X[:2].copy()
    new[0, 0] = np.nan
    found = encoder.transform(new, dtype=np.float64)
    assert found.shape == (2, 6)
    assert found[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found[:, 4:].sum() == 0


def test_a_column_without_any_value_is_zero():
    table = X.copy()
    table[:, 2] = np.nan
    found = NumericEncoder.fit(table, scaling="standard").transform(table, dtype=np.float64)
    np.testing.assert_array_equal(found[:, 2], 0.0)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [0.0, 7.0, 1e8, -0.1])
def test_a_constant_column_is_zero(value):
    table = np.column_stack([X[:, 0], np.full(50, value)])
    found = NumericEncoder.fit(table, scaling="standard").transform(table)
    np.testing.assert_allclose(found[:, 1], 0.0, atol=1e-6)


def test_a_weight_of_n_counts_as_n_rows():
    counts = np.random.default_rng(1).integers(0, 4, 50)
    weighted = NumericEncoder.fit(holed(), scaling="standard", weights=counts.astype(float))
    repeated = NumericEncoder.fit(np.repeat(holed(), counts, axis=0), scaling="standard")
    for name in ("center", "scale", "fill"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-12)


@pytest.mark.parametrize("n_rows", [263, 300, 7_000, 100_000])
@pytest.mark.parametrize(("scaling", "weighted"), [("standard", False), ("standard", True), ("robust", False)])
def test_a_constant_column_is_constant_however_its_sum_rounds(n_rows, scaling, weighted):
    values = np.random.default_rng(0).normal(scale=10.0 ** np.arange(-6, 14), size=20)
    table = np.repeat(values[None], n_rows, axis=0)
    table[::3, ::2] = np.nextafter(table[::3, ::2], np.inf)  # equal but for the last bit of a computation
    weights = np.random.default_rng(1).uniform(0.1, 3, size=n_rows) if weighted else None
    encoder = NumericEncoder.fit(table, scaling=scaling, weights=weights)
    np.testing.assert_array_less(np.abs(encoder.transform(table + np.abs(values))), 1e-20)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_rows_are_encoded_like_dense_ones(kind):
    dense, stored = (
        NumericEncoder.fit(holed(), scaling="standard"),
        NumericEncoder.fit(kind(holed()), scaling="standard"),
    )
    np.testing.assert_array_equal(stored.transform(kind(holed())), dense.transform(holed()))


def test_chunks_of_rows_are_encoded_like_all_rows_at_once(monkeypatch):
    whole = NumericEncoder.fit(holed(), scaling="standard")
    expected = whole.transform(holed(), dtype=np.float64)
    monkeypatch.setattr("skmtl.features._rows.CHUNK_CELLS", 12)
    pieces = NumericEncoder.fit(holed(), scaling="standard")
    np.testing.assert_allclose(pieces.center, whole.center, rtol=1e-12)
    np.testing.assert_allclose(pieces.transform(holed(), dtype=np.float64), expected, rtol=1e-12)


def test_padding_rows_are_zero():
    found = NumericEncoder.fit(X, scaling="standard").transform(X, n_rows=64)
    assert found.shape == (64, 4)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[50:], 0.0)


def test_columns_far_from_zero_keep_their_digits():
    far = X + 1e6
    found = NumericEncoder.fit(far, scaling="standard").transform(far)
    np.testing.assert_allclose(found, StandardScaler().fit_transform(X), rtol=1e-4, atol=1e-5)


def test_x_is_not_modified():
    table = holed()
    encoder = NumericEncoder.fit(table, scaling="standard")
    encoder.transform(table, dtype=np.float64)
    np.testing.assert_array_equal(table, holed())


def test_float32_rows_are_not_modified():
    table = X.astype(np.float32)
    encoder = NumericEncoder.fit(table, scaling="standard")
    np.testing.assert_allclose(encoder.transform(table), StandardScaler().fit_transform(X), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(table, X.astype(np.float32))
