"""Labels to codes and back, task by task."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmtl.targets import TargetEncoder, read_columns

KIND = {True: "classification", False: "regression"}


def fit(y, *classified, classes=None):
    columns = read_columns(y, estimator="Estimator")
    kinds = [KIND[flag] for flag in classified]
    return TargetEncoder.fit(columns, kinds, classes), columns


LABELS = st.one_of(
    st.lists(st.integers(-5, 5), min_size=1, max_size=20),
    st.lists(st.sampled_from(["a", "b", "ä", ""]), min_size=1, max_size=20),
    st.lists(st.booleans(), min_size=1, max_size=20),
)


@settings(deadline=None, max_examples=60)
@given(LABELS, st.data())
def test_decoding_inverts_encoding(labels, data):
    gaps = data.draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels)))
    if all(gaps):
        gaps[0] = False
    y = pd.Series([None if gap else label for label, gap in zip(labels, gaps, strict=True)], dtype=object)
    encoder, columns = fit(y, True)
    targets = encoder.encode(columns, None)
    seen = targets.observed[:, 0]
    assert seen.tolist() == [not gap for gap in gaps]
    decoded = encoder.decode_labels(targets.values[:, 0].astype(int), 0)
    assert decoded[seen].tolist() == [label for label, gap in zip(labels, gaps, strict=True) if not gap]
    assert encoder.classes[0].tolist() == sorted({label for label, gap in zip(labels, gaps, strict=True) if not gap})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=20))
def test_quantities_are_unchanged(values):
    y = np.array(values)
    encoder, columns = fit(y, False)
    np.testing.assert_array_equal(encoder.encode(columns, None).values[:, 0], y)


def test_weights_are_zero_for_missing_labels_and_the_callers_elsewhere():
    y = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]])
    encoder, columns = fit(y, False, False)
    np.testing.assert_array_equal(encoder.encode(columns, None).weights, [[1, 0], [0, 1], [1, 1]])
    by_row = encoder.encode(columns, np.array([2.0, 3.0, 0.0])).weights
    np.testing.assert_array_equal(by_row, [[2, 0], [0, 3], [0, 0]])
    by_cell = encoder.encode(columns, np.array([[5.0, 5.0], [6.0, 7.0], [0.0, 8.0]])).weights
    np.testing.assert_array_equal(by_cell, [[5, 0], [0, 7], [0, 8]])


def test_given_classes_override_the_classes_in_the_labels():
    encoder, columns = fit(["b", "a", "b"], True, classes=[["c", "b", "a"]])
    assert encoder.classes[0].tolist() == ["a", "b", "c"]
    assert encoder.encode(columns, None).values[:, 0].tolist() == [1, 0, 1]
    assert encoder.tasks[0].classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("classes", "later", "message"),
    [
        ([0, 1], [2, 0], r"labels \[2\] that are not among its classes \[0, 1\]"),
        (["a", "b"], ["c", "a"], r"labels \['c'\] that are not among its classes \['a', 'b'\]"),
        ([0, 1], ["a", "b"], "are not among its classes|labels of another type"),
        (["a", "b"], [0, 1], "are not among its classes|labels of another type"),
        ([0, 1], [0.5, 1.0], "continuous"),
    ],
)
def test_unknown_labels_raise_an_error(classes, later, message):
    encoder, _ = fit(classes, True)
    with pytest.raises(ValueError, match=message):
        encoder.encode(read_columns(later, estimator="Estimator"), None)


@pytest.mark.parametrize(("first", "later"), [([0, 1], [0.0, 1.0]), ([0, 1], [False, True]), ([0.0, 1.0], [0, 1])])
def test_labels_that_are_equal_are_the_same_class(first, later):
    encoder, _ = fit(first, True)
    codes = encoder.encode(read_columns(later, estimator="Estimator"), None).values[:, 0]
    assert codes.tolist() == [0, 1]


def test_other_column_names_raise_an_error_and_arrays_match_by_position():
    encoder, _ = fit(pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}), False, False)
    encoder.check_columns(read_columns(np.ones((2, 2)), estimator="Estimator"))
    for other in (["b", "a"], ["a", "c"]):
        with pytest.raises(ValueError, match="The columns of y should be those seen in fit, in the same order"):
            encoder.check_columns(read_columns(pd.DataFrame(np.ones((2, 2)), columns=other), estimator="Estimator"))
    with pytest.raises(ValueError, match="y has 1 tasks, but this estimator was fitted with 2"):
        encoder.check_columns(read_columns(np.ones(2), estimator="Estimator"))


def test_single_precision_needs_it_in_all_columns():
    assert fit(np.ones((2, 2), dtype=np.float32), False, False)[0].single_precision
    assert not fit(pd.DataFrame({"a": np.ones(2, dtype=np.float32), "b": [1.0, 2.0]}), False, False)[0].single_precision


def test_a_regression_has_no_labels_to_decode():
    encoder, _ = fit([1.0, 2.0], False)
    with pytest.raises(ValueError, match="Task 'y0' is a regression and has no classes"):
        encoder.decode_labels(np.array([0]), 0)
