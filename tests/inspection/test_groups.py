"""Groups of tasks from affinities."""

import numpy as np
import pandas as pd
import pytest

from skmtl.inspection import suggest_task_groups

from ._affinities import made_up


def table(values, names=("a", "b", "c")):
    return pd.DataFrame(np.array(values, dtype=float), index=list(names), columns=list(names))


def test_gains_count_from_the_upper_bound_of_chance():
    matrix = np.full((4, 4), 0.1)
    matrix[0, 1] = matrix[1, 0] = 0.5
    assert suggest_task_groups(made_up(matrix, high=0.2)) == [["t0", "t1"], ["t2"], ["t3"]]
    assert suggest_task_groups(made_up(matrix, high=0.05)) == [["t0", "t1", "t2", "t3"]]


def test_without_permutations_gains_count_from_zero_and_unknown_affinities_are_zero():
    matrix = np.array([[1, 0.3, np.nan], [0.3, 1, -0.1], [np.nan, -0.1, 1]])
    assert suggest_task_groups(made_up(matrix, high=np.nan)) == [["t0", "t1"], ["t2"]]


def test_both_directions_count():
    # a helps b by more than b hurts a.
    assert suggest_task_groups(table([[1, 0.5, -1], [-0.2, 1, -1], [-1, -1, 1]])) == [["a", "b"], ["c"]]


def test_the_diagonal_is_ignored():
    assert suggest_task_groups(table(np.diag([9.0, np.nan, -9.0]) - 0.1)) == [["a"], ["b"], ["c"]]


def test_max_groups_merges_with_the_least_loss():
    gains = table([[0, -0.1, -0.5], [-0.1, 0, -0.4], [-0.5, -0.4, 0]])
    assert suggest_task_groups(gains, max_groups=2) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("affinity", "max_groups", "error", "message"),
    [
        (table(np.eye(3)), 0, ValueError, "max_groups should be an integer of at least 1"),
        (table(np.eye(3)), True, ValueError, "max_groups"),
        (np.eye(3), None, TypeError, "a square DataFrame of tasks, got ndarray"),
        (table(np.eye(3)).iloc[::-1], None, ValueError, "same tasks, in the same order"),
        (table(np.full((3, 3), np.nan)), None, ValueError, "finite numbers"),
    ],
)
def test_invalid_arguments_are_refused(affinity, max_groups, error, message):
    with pytest.raises(error, match=message):
        suggest_task_groups(affinity, max_groups)
