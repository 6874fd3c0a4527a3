"""Iterative stratification: assign rows, or groups of rows, to folds with their share of every label."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

# Maximum exchanges per visit to a pair of folds, candidates considered for each, and maximum exchanges in total. The
# greedy pass leaves little to improve, so only degenerate tables reach the total.
_EXCHANGES_PER_PAIR = 50
_CANDIDATES = 40
_MAX_EXCHANGES = 1000
# Smaller differences are rounding errors.
_TIE = 1e-9


@dataclass
class _Balance:
    """Excess of the folds over their share, (n_labels, n_folds); weight of each label; free rows of each fold."""

    excess: np.ndarray
    weight: np.ndarray
    room: np.ndarray


def stratify_rows(codes: np.ndarray, indicators: sparse.csr_matrix, fold_sizes: np.ndarray) -> np.ndarray:
    """Return the fold of every row; the folds get exactly ``fold_sizes`` rows.

    Rows that agree in all labels are first distributed in proportion; only the remainder of each such pattern is
    assigned one by one.
    """
    n_samples = len(codes)
    folds = _deal_patterns(codes, fold_sizes)
    left = np.flatnonzero(folds == len(fold_sizes))
    total = np.asarray(indicators.sum(axis=0)).ravel()
    dealt = _counts(indicators, folds, len(fold_sizes))
    balance = _Balance(
        excess=dealt - np.outer(total, fold_sizes / n_samples),
        weight=1.0 / np.maximum(total, 1.0),
        room=(fold_sizes - np.bincount(folds, minlength=len(fold_sizes) + 1)[:-1]).astype(float),
    )
    items = indicators[left]
    order = np.arange(len(left))
    chosen = _greedy(items, np.ones(len(left)), order, balance, exact=True)
    folds[left] = _exchange(items, chosen, balance, moves=False)
    return folds


def stratify_groups(indicators: sparse.csr_matrix, groups: np.ndarray, shares: np.ndarray, n_tasks: int) -> np.ndarray:
    """Return the fold of every group, with no empty folds; ``shares`` are the fractions of rows per fold."""
    n_samples, n_groups = len(groups), int(groups.max()) + 1
    member = sparse.csr_matrix((np.ones(n_samples), (groups, np.arange(n_samples))), shape=(n_groups, n_samples))
    sizes = np.asarray(member.sum(axis=1)).ravel()
    # The number of rows is balanced as well, with the weight of one label per task.
    items = sparse.csr_matrix(sparse.hstack([member @ indicators, sparse.csr_matrix(sizes[:, None])]))
    total = np.asarray(items.sum(axis=0)).ravel()
    weight = 1.0 / np.maximum(total, 1.0)
    weight[-1] *= n_tasks
    balance = _Balance(excess=-np.outer(total, shares), weight=weight, room=n_samples * shares)
    # Large groups come first, and small ones even out the differences.
    order = np.argsort(-sizes, kind="stable")
    return _exchange(items, _greedy(items, sizes, order, balance, exact=False), balance, moves=True)


def _deal_patterns(codes: np.ndarray, fold_sizes: np.ndarray) -> np.ndarray:
    """Distribute each pattern of labels in proportion, in row order; leftover rows get the number len(fold_sizes)."""
    _, pattern, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    pattern = pattern.ravel()
    by_pattern = np.argsort(pattern, kind="stable")
    position = np.empty(len(codes), dtype=np.int64)
    position[by_pattern] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = np.cumsum(counts[:, None] * fold_sizes // len(codes), axis=1)
    return (position[:, None] >= ends[pattern]).sum(axis=1)


def _counts(indicators: sparse.csr_matrix, folds: np.ndarray, n_folds: int) -> np.ndarray:
    """Count the rows of each label in each fold, (n_labels, n_folds); rows with higher fold numbers are left out."""
    inside = folds < n_folds
    where = (np.flatnonzero(inside), folds[inside])
    member = sparse.csr_matrix((np.ones(len(where[0])), where), shape=(len(folds), n_folds))
    return np.asarray((indicators.T @ member).todense())


def _greedy(
    items: sparse.csr_matrix, sizes: np.ndarray, order: np.ndarray, balance: _Balance, *, exact: bool
) -> np.ndarray:
    """Assign items to folds: the rarest remaining label first, each item to the fold that lacks its labels most.

    ``exact`` never overfills a fold; otherwise the last items go to folds that are still empty.
    """
    folds = np.full(items.shape[0], -1, dtype=np.int64)
    # A fold's lack is relative to its share of the rows; otherwise a large fold would take all of the first labels.
    share = np.maximum(balance.room, _TIE)
    share /= share.mean()
    empty = np.full(len(balance.room), not exact)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_label = items.tocsc()
    left = np.asarray(items.sum(axis=0)).ravel()
    waiting, n_left = left > 0, len(order)
    while n_left:
        rows = _rarest_first(by_label, left, waiting, folds)
        for item in rows[np.argsort(rank[rows])]:
            part = slice(items.indptr[item], items.indptr[item + 1])
            labels, values = items.indices[part], items.data[part]
            cost = (balance.weight[labels] * values) @ balance.excess[labels] / share
            fold = _cheapest(cost, balance.room > 0 if exact else _open_folds(empty, n_left), balance.room)
            folds[item], empty[fold], n_left = fold, False, n_left - 1
            balance.room[fold] -= sizes[item]
            balance.excess[labels, fold] += values
            left[labels] -= values
    return folds


def _open_folds(empty: np.ndarray, n_left: int) -> np.ndarray:
    """Return all folds, or only the empty ones once no more items are left than those."""
    return empty if empty.sum() == n_left else np.ones_like(empty)


def _rarest_first(by_label: sparse.csc_matrix, left: np.ndarray, waiting: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return unassigned items with the rarest waiting label, or all unassigned items once no label waits."""
    waiting &= left > 0.5
    if not waiting.any():
        return np.flatnonzero(folds < 0)
    label = np.flatnonzero(waiting)[np.argmin(left[waiting])]
    waiting[label] = False
    rows = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
    return rows[folds[rows] < 0]


def _cheapest(cost: np.ndarray, allowed: np.ndarray, room: np.ndarray) -> int:
    """Return the allowed fold with the lowest cost; ties go to the fold with the most room, then to the first."""
    best = cost[allowed].min() + _TIE
    return int(np.argmax(np.where(allowed & (cost <= best), room, -np.inf)))


def _exchange(items: sparse.csr_matrix, folds: np.ndarray, balance: _Balance, *, moves: bool) -> np.ndarray:
    """Swap items between two folds while the weighted sum of squared excesses falls.

    ``moves`` also lets an item move alone, in exchange for the empty item: the last row of ``swappable``.
    """
    nothing = sparse.csr_matrix((1, items.shape[1]))
    swappable = sparse.csr_matrix(sparse.vstack([items, nothing]))
    folds = np.append(folds, -1)
    own = swappable.multiply(swappable).dot(balance.weight)
    pairs = list(combinations(range(len(balance.room)), 2))
    budget, improved = _MAX_EXCHANGES, True
    while improved and budget > 0:
        improved = False
        for first, second in pairs:
            for _ in range(min(budget, _EXCHANGES_PER_PAIR)):
                best = _best_swap(swappable, folds, own, balance, first, second, moves)
                if best is None:
                    break
                _swap(swappable, folds, balance, best, (first, second))
                budget, improved = budget - 1, True
    return folds[:-1]


def _best_swap(
    items: sparse.csr_matrix,
    folds: np.ndarray,
    own: np.ndarray,
    balance: _Balance,
    first: int,
    second: int,
    moves: bool,
) -> tuple[int, int] | None:
    """Return the pair of items whose swap helps most among the promising ones, or None.

    With d the difference between the folds' excesses and w the weights, swapping items with indicators a and b
    lowers the sum by 2 Σ w [(a − b) d − (a − b)²].
    """
    pull = items @ (balance.weight * (balance.excess[:, first] - balance.excess[:, second]))
    leave, enter = _members(folds, first), _members(folds, second)
    if moves:
        nothing = len(folds) - 1
        # Moving the only item of a fold would empty it.
        leave, enter = (
            np.append(leave, nothing) if len(enter) > 1 else leave,
            np.append(enter, nothing) if len(leave) > 1 else enter,
        )
    if not len(leave) or not len(enter):
        return None
    leave = _largest(leave, pull[leave] - own[leave])
    enter = _largest(enter, -pull[enter] - own[enter])
    both = (items[leave].multiply(balance.weight[None, :]) @ items[enter].T).toarray()
    gain = (pull[leave] - own[leave])[:, None] - (pull[enter] + own[enter])[None, :] + 2.0 * both
    i, j = np.unravel_index(int(gain.argmax()), gain.shape)
    return (int(leave[i]), int(enter[j])) if gain[i, j] > _TIE else None


def _members(folds: np.ndarray, fold: int) -> np.ndarray:
    return np.flatnonzero(folds == fold)


def _largest(items: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Return the most promising items, best first."""
    return items[np.argsort(-gain, kind="stable")[:_CANDIDATES]]


def _swap(
    items: sparse.csr_matrix,
    folds: np.ndarray,
    balance: _Balance,
    pair: tuple[int, int],
    where: tuple[int, int],
) -> None:
    """Exchange the two items between the two folds."""
    nothing = len(folds) - 1
    for item, source, target in zip(pair, where, where[::-1], strict=True):
        if item == nothing:
            continue
        part = slice(items.indptr[item], items.indptr[item + 1])
        balance.excess[items.indices[part], source] -= items.data[part]
        balance.excess[items.indices[part], target] += items.data[part]
        folds[item] = target
