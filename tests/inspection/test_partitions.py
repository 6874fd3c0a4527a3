"""Partitions: the exact one is optimal, and the heuristic comes close."""

import numpy as np
import pytest

from skmtl.inspection._partitions import _heuristic, best_partition


def partitions(tasks):
    """Yield all partitions of a list."""
    if not tasks:
        yield []
        return
    first, *rest = tasks
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for i in range(len(smaller)):
            yield [*smaller[:i], [first, *smaller[i]], *smaller[i + 1 :]]


def total(gain, groups):
    return sum(gain[i, j] for group in groups for i in group for j in group if i != j)


def random_gain(n_tasks, seed):
    return np.random.default_rng(seed).normal(-0.1, 1.0, size=(n_tasks, n_tasks))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_no_partition_of_few_tasks_is_better(seed, most):
    gain = random_gain(7, seed)
    groups = best_partition(gain, most)
    best = max(total(gain, groups) for groups in partitions(list(range(7))) if len(groups) <= most)
    assert total(gain, groups) == pytest.approx(best)


@pytest.mark.parametrize("n_tasks", [1, 2, 12, 13, 40])
@pytest.mark.parametrize("most", [1, 4, 40])
def test_every_task_is_in_one_group_and_there_are_not_too_many(n_tasks, most):
    groups = best_partition(random_gain(n_tasks, n_tasks), most)
    assert sorted(task for group in groups for task in group) == list(range(n_tasks))
    assert len(groups) <= most
    assert groups == sorted(sorted(group) for group in groups)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most", [3, 12])
def test_the_heuristic_comes_close_to_the_best(seed, most):
    gain = random_gain(12, seed)
    pairs = gain + gain.T
    np.fill_diagonal(pairs, 0)
    best, near = total(gain, best_partition(gain, most)), total(gain, _heuristic(pairs, most))
    assert 0.97 * best <= near <= best + 1e-9


def test_the_heuristic_finds_planted_groups_of_many_tasks():
    rng = np.random.default_rng(0)
    labels = rng.integers(8, size=60)
    gain = np.where(labels[:, None] == labels, 1.0, -1.0) + rng.normal(0, 0.7, size=(60, 60))
    assert best_partition(gain, 60) == sorted(np.flatnonzero(labels == label).tolist() for label in range(8))


def test_what_hurts_most_is_kept_apart_where_groups_are_few():
    gain = np.array([[0, -1, -5], [-1, 0, -4], [-5, -4, 0.0]])
    assert best_partition(gain, 3) == [[0], [1], [2]]
    assert best_partition(gain, 2) == [[0, 1], [2]]
