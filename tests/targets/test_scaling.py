"""Scaling of regression targets."""

import numpy as np
import pytest

from skmtl._records import EncodedTargets
from skmtl.targets import fit_scaling


def scaling(values, weights=None, mode="standard", **kwargs):
    values = np.asarray(values, dtype=float).reshape(-1, 1)
    weights = np.ones_like(values) if weights is None else np.asarray(weights, dtype=float).reshape(-1, 1)
    found = fit_scaling(EncodedTargets(values, weights), (mode,), **kwargs)
    return found.shift[0], found.scale[0]


def test_standard_is_the_mean_and_the_standard_deviation():
    values = np.random.default_rng(0).normal(5, 3, 100)
    assert scaling(values) == pytest.approx((values.mean(), values.std()), rel=1e-12)


def test_a_weight_of_n_counts_as_n_rows():
    assert scaling([1, 2, 4], [1, 2, 3]) == pytest.approx(scaling([1, 2, 2, 4, 4, 4]), rel=1e-12)
    assert scaling([1, 2, 99], [1, 1, 0]) == scaling([1, 2])


def test_values_far_from_zero_keep_their_digits():
    shift, scale = scaling(1e9 + np.arange(5.0))
    assert shift == pytest.approx(1e9 + 2, rel=1e-15)
    assert scale == pytest.approx(np.sqrt(2), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e20, 0.1])
@pytest.mark.parametrize("mode", ["standard", "positive", "none"])
def test_a_constant_task_is_predicted_as_the_constant(value, mode):
    assert scaling([value] * 7, [0.3] * 7, mode=mode) == (value, 0.0)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e20, 0.1])
def test_a_constant_has_a_nonzero_scale_if_other_labels_may_follow(value):
    assert scaling([value] * 7, more_to_come=True) == pytest.approx((value, 1.0), rel=1e-12)


def test_class_codes_do_not_count_as_constants():
    assert scaling([1.0, 1.0], mode="codes") == (0.0, 1.0)


def test_positive_targets_are_only_divided():
    assert scaling([1.0, 3.0], mode="positive") == (0.0, 2.0)
    assert scaling([0.0, 0.0], mode="positive", more_to_come=True) == (0.0, 1.0)


def test_none_changes_nothing():
    assert scaling([1.0, 3.0], mode="none") == (0.0, 1.0)
