"""Partition tasks into groups: exactly for few tasks, heuristically for many."""

from __future__ import annotations

import numpy as np

# For 12 tasks, the search visits 3^12 / 2 pairs of a set and a subset.
MOST_EXACT = 12
_RESTARTS = 60


def best_partition(gain: np.ndarray, max_groups: int) -> list[list[int]]:
    """Partition tasks into at most ``max_groups`` groups that maximise the total gain of pairs within groups.

    ``gain[i, j]`` is the gain of task j from task i. For up to twelve tasks the maximum is exact.
    """
    pairs = gain + gain.T
    np.fill_diagonal(pairs, 0.0)
    groups = _exact(pairs, max_groups) if len(gain) <= MOST_EXACT else _heuristic(pairs, max_groups)
    return sorted(sorted(group) for group in groups)


def _exact(pairs: np.ndarray, max_groups: int) -> list[list[int]]:
    """Solve by dynamic programming over sets: choose the group of the first task, then partition the rest."""
    n_tasks = len(pairs)
    values = _values_of_all(pairs)
    size, most = 1 << n_tasks, min(max_groups, n_tasks)
    best = np.full((size, most + 1), -np.inf)
    best[0] = 0.0
    choice = np.zeros((size, most + 1), dtype=np.int64)
    for tasks in range(1, size):
        first = tasks & -tasks
        groups = first | _subsets(tasks ^ first)
        totals = values[groups, None] + best[tasks ^ groups, :-1]
        picked = totals.argmax(axis=0)
        best[tasks, 1:] = totals[picked, np.arange(most)]
        choice[tasks, 1:] = groups[picked]
    partition, left, room = [], size - 1, most
    while left:
        group = int(choice[left, room])
        partition.append([task for task in range(n_tasks) if group >> task & 1])
        left, room = left ^ group, room - 1
    return partition


def _values_of_all(pairs: np.ndarray) -> np.ndarray:
    """Return the value of every set of tasks, indexed by its bits."""
    n_tasks = len(pairs)
    bits = (np.arange(1 << n_tasks)[:, None] >> np.arange(n_tasks) & 1).astype(np.float64)
    return np.einsum("si,si->s", bits @ pairs, bits) / 2


def _subsets(tasks: int) -> np.ndarray:
    """Return all subsets of a set of bits, including the empty one."""
    subsets = np.zeros(1, dtype=np.int64)
    while tasks:
        lowest = tasks & -tasks
        subsets = np.concatenate([subsets, subsets | lowest])
        tasks ^= lowest
    return subsets


def _heuristic(pairs: np.ndarray, max_groups: int) -> list[list[int]]:
    """Merge groups greedily, then move single tasks; restart from perturbed and random partitions and keep the best."""
    rng, n_tasks = np.random.default_rng(0), len(pairs)
    best = _improve(pairs, _merge(pairs, np.arange(n_tasks), max_groups), max_groups)
    for restart in range(_RESTARTS):
        if restart % 2:
            labels = best.copy()
            moved = rng.random(n_tasks) < 0.4
            labels[moved] = n_tasks + np.flatnonzero(moved)  # alone
            labels = _merge(pairs, labels, max_groups)
        else:
            labels = rng.integers(min(max_groups, n_tasks), size=n_tasks)
        labels = _improve(pairs, labels, max_groups)
        if _total(pairs, labels) > _total(pairs, best) + 1e-12:
            best = labels
    return [np.flatnonzero(best == label).tolist() for label in np.unique(best)]


def _total(pairs: np.ndarray, labels: np.ndarray) -> float:
    return float(pairs[labels[:, None] == labels].sum() / 2)


def _merge(pairs: np.ndarray, labels: np.ndarray, max_groups: int) -> np.ndarray:
    """Merge the two groups with the largest gain while there is a gain or there are too many groups."""
    member = np.eye(len(pairs))[:, np.unique(labels, return_inverse=True)[1]].T
    member = member[:, member.any(axis=0)]
    while member.shape[1] > 1:
        between = member.T @ pairs @ member
        np.fill_diagonal(between, -np.inf)
        one, other = sorted(divmod(int(between.argmax()), len(between)))
        if between[one, other] <= 0 and len(between) <= max_groups:
            break
        member[:, one] += member[:, other]
        member = np.delete(member, other, axis=1)
    return member.argmax(axis=1)


def _improve(pairs: np.ndarray, labels: np.ndarray, max_groups: int) -> np.ndarray:
    """Move single tasks to the group where they gain most, until no move has a gain."""
    labels, n_tasks, moved = labels.copy(), len(labels), True
    while moved:
        moved = False
        for task in range(n_tasks):
            gains = np.bincount(labels, weights=pairs[task], minlength=n_tasks)
            used = np.bincount(np.delete(labels, task), minlength=n_tasks) > 0
            # An empty group gains 0 (the task alone), if one more group is allowed.
            gains[~used] = 0.0 if used.sum() < max_groups else -np.inf
            target = int(gains.argmax())
            if gains[target] > gains[labels[task]] + 1e-12:
                labels[task], moved = target, True
    return labels
