"""Properties of the generated tasks."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skmtl.datasets import make_related_tasks


@pytest.mark.parametrize("relatedness", [-0.3, 0.0, 0.5, 1.0])
def test_directions_have_the_requested_cosines_and_length(relatedness):
    *_, coef = make_related_tasks(10, 12, 4, relatedness=relatedness, scale=2.0, coef=True, random_state=0)
    expected = np.full((4, 4), relatedness)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(coef @ coef.T, 4.0 * expected, atol=1e-12)


def test_groups_are_orthogonal():
    groups = np.array(["b", "a", "b", "a", "c"])
    *_, coef = make_related_tasks(10, 8, 5, relatedness=0.7, task_groups=groups, coef=True, random_state=0)
    cosines = coef @ coef.T
    same = groups[:, None] == groups
    np.testing.assert_allclose(cosines[~same], 0.0, atol=1e-12)
    np.testing.assert_allclose(cosines[same & ~np.eye(5, dtype=bool)], 0.7)


def test_fully_related_tasks_differ_by_noise_alone():
    _, y = make_related_tasks(5000, 6, 3, relatedness=1.0, noise=0.5, random_state=0)
    differences = y[:, [0, 0, 1]] - y[:, [1, 2, 2]]
    np.testing.assert_allclose(differences.std(axis=0), 0.5 * np.sqrt(2), rtol=0.05)
    assert abs(np.corrcoef(y.T)[0, 1]) > 0.5


def test_groups_have_different_waves():
    _, one = make_related_tasks(500, 6, 2, relatedness=1.0, noise=0.0, random_state=0)
    _, two = make_related_tasks(500, 6, 2, relatedness=1.0, noise=0.0, task_groups=[0, 1], random_state=0)
    np.testing.assert_allclose(one[:, 0], one[:, 1])
    assert np.abs(two[:, 0] - two[:, 1]).max() > 1.0


def test_without_waves_and_noise_the_tasks_are_linear_in_the_returned_directions():
    X, y, coef = make_related_tasks(100, 5, 3, relatedness=0.2, n_waves=0, noise=0.0, coef=True, random_state=0)
    np.testing.assert_allclose(y, X @ coef.T)
    np.testing.assert_allclose(LinearRegression().fit(X, y).coef_, coef, atol=1e-10)


def test_every_task_misses_the_requested_fraction_of_its_labels():
    _, y = make_related_tasks(200, 5, 3, missing=0.3, random_state=0)
    assert np.isnan(y).sum(axis=0).tolist() == [60, 60, 60]
    assert len({tuple(column) for column in np.isnan(y).T.tolist()}) == 3


def test_the_same_seed_gives_the_same_tasks():
    first, second = (make_related_tasks(50, 5, 3, missing=0.2, random_state=3) for _ in range(2))
    other = make_related_tasks(50, 5, 3, missing=0.2, random_state=4)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_samples": 0}, "n_samples should be an integer of at least 1"),
        ({"n_tasks": 2.0}, "n_tasks should be an integer"),
        ({"n_features": 2}, "n_features should be an integer of at least 4"),
        ({"n_waves": -1}, "n_waves should be an integer of at least 0"),
        ({"relatedness": 1.1}, "relatedness should be a number from -0.333"),
        ({"relatedness": -0.4}, "relatedness should be a number from -0.333"),
        ({"noise": -1.0}, "noise should be a finite number"),
        ({"scale": np.inf}, "scale should be a finite number"),
        ({"missing": 1.0}, "missing should be a fraction"),
        ({"task_groups": [0, 1]}, "task_groups should name the group of each of the 4 tasks"),
    ],
)
def test_invalid_parameters_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_related_tasks(**wrong)
