"""Codes for stratification: classes, quantile bins and missing labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmtl.model_selection._label_codes import encode_labels

from ._tables import label_tables


def _encode(y, **given):
    return encode_labels(y, **{"caller": "test", "n_bins": 10, "rows_per_bin": 5, "task_types": None, **given})


@settings(max_examples=50, deadline=None)
@given(label_tables())
def test_codes_are_missing_where_labels_are_and_equal_where_labels_are(y):
    codes = _encode(y).codes
    assert np.array_equal(codes < 0, np.isnan(y))
    for column, code in zip(y.T, codes.T, strict=True):
        known = ~np.isnan(column)
        assert len(set(zip(column[known], code[known], strict=True))) == len(np.unique(column[known]))
        assert set(code[known]) == set(range(len(np.unique(column[known]))))


@settings(max_examples=50, deadline=None)
@given(label_tables())
def test_indicators_count_every_class_and_the_known_labels_of_incomplete_tasks(y):
    labels = _encode(y)
    total = np.asarray(labels.indicators().sum(axis=0)).ravel()
    expected = [np.bincount(code[code >= 0]) for code in labels.codes.T]
    known = (labels.codes >= 0).sum(axis=0)
    assert total.tolist() == np.concatenate([*expected, known[known < len(y)]]).tolist()


@settings(max_examples=50, deadline=None)
@given(st.integers(25, 300), st.integers(2, 20), st.integers(1, 10), st.integers(0, 1000))
def test_quantities_fall_into_bins_of_equal_size_in_order(n, n_bins, rows_per_bin, seed):
    y = np.random.default_rng(seed).normal(size=n)
    codes = _encode(y, n_bins=n_bins, rows_per_bin=rows_per_bin).codes[:, 0]
    sizes = np.bincount(codes)
    assert len(sizes) == max(1, min(n_bins, n // rows_per_bin))
    assert np.ptp(sizes) <= 1
    assert (np.diff(pd.Series(y).groupby(codes).agg(["min", "max"]).sort_values("min").to_numpy().ravel()) >= 0).all()


def test_equal_quantities_share_a_bin():
    y = np.concatenate([np.zeros(60), np.arange(1.0, 41.0)])
    codes = _encode(y).codes[:, 0]
    assert len(np.unique(codes[:60])) == 1
    assert codes[0] not in codes[60:]


@pytest.mark.parametrize(("n_distinct", "n_codes"), [(20, 20), (21, 4)])
def test_numbers_of_few_values_are_classes(n_distinct, n_codes):
    y = np.tile(np.arange(float(n_distinct)), 2)
    assert len(np.unique(_encode(y, n_bins=4).codes)) == n_codes
    forced = _encode(y, n_bins=4, task_types={"y0": "regression"})
    assert len(np.unique(forced.codes)) == 4
