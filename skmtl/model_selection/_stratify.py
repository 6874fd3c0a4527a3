"""Iterative stratification: rows, or groups of rows, to folds that share every label in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

# Exchanges tried between two folds at a time, the candidates weighed for each, and the bound on all of them:
# the greedy pass leaves little to mend, so that the bound is met on degenerate tables only.
_EXCHANGES_PER_PAIR = 50
_CANDIDATES = 40
_MAX_EXCHANGES = 1000
# Differences below this are rounding, not a better fold.
_TIE = 1e-9


@dataclass
class _Ledger:
    """What folds hold beyond their share, (n_labels, n_folds); how much a label counts; rows to come."""

    excess: np.ndarray
    weight: np.ndarray
    room: np.ndarray


def stratify_rows(codes: np.ndarray, indicators: sparse.csr_matrix, fold_sizes: np.ndarray) -> np.ndarray:
    """Fold of every row; the folds get exactly ``fold_sizes`` rows.

    Rows that agree in all labels are dealt out in proportion first; only what is left over of each such
    pattern needs deciding.
    """
    n_samples = len(codes)
    folds = _deal_patterns(codes, fold_sizes)
    left = np.flatnonzero(folds == len(fold_sizes))
    total = np.asarray(indicators.sum(axis=0)).ravel()
    dealt = _counts(indicators, folds, len(fold_sizes))
    ledger = _Ledger(
        excess=dealt - np.outer(total, fold_sizes / n_samples),
        weight=1.0 / np.maximum(total, 1.0),
        room=(fold_sizes - np.bincount(folds, minlength=len(fold_sizes) + 1)[:-1]).astype(float),
    )
    items = indicators[left]
    order = np.arange(len(left))
    chosen = _greedy(items, np.ones(len(left)), order, ledger, exact=True)
    folds[left] = _exchange(items, chosen, ledger, moves=False)
    return folds


def stratify_groups(indicators: sparse.csr_matrix, groups: np.ndarray, shares: np.ndarray, n_tasks: int) -> np.ndarray:
    """Fold of every group, none of them empty; ``shares`` are the folds' parts of the rows and sum to 1."""
    n_samples, n_groups = len(groups), int(groups.max()) + 1
    member = sparse.csr_matrix((np.ones(n_samples), (groups, np.arange(n_samples))), shape=(n_groups, n_samples))
    sizes = np.asarray(member.sum(axis=1)).ravel()
    # The number of rows is one more thing to share out; it counts as much as one label of every task.
    items = sparse.csr_matrix(sparse.hstack([member @ indicators, sparse.csr_matrix(sizes[:, None])]))
    total = np.asarray(items.sum(axis=0)).ravel()
    weight = 1.0 / np.maximum(total, 1.0)
    weight[-1] *= n_tasks
    ledger = _Ledger(excess=-np.outer(total, shares), weight=weight, room=n_samples * shares)
    # Large groups first: the small ones then even out what they left.
    order = np.argsort(-sizes, kind="stable")
    return _exchange(items, _greedy(items, sizes, order, ledger, exact=False), ledger, moves=True)


def _deal_patterns(codes: np.ndarray, fold_sizes: np.ndarray) -> np.ndarray:
    """Whole shares of each pattern of labels, in row order; rows left over get the number len(fold_sizes)."""
    _, pattern, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    pattern = pattern.ravel()
    by_pattern = np.argsort(pattern, kind="stable")
    position = np.empty(len(codes), dtype=np.int64)
    position[by_pattern] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = np.cumsum(counts[:, None] * fold_sizes // len(codes), axis=1)
    return (position[:, None] >= ends[pattern]).sum(axis=1)


def _counts(indicators: sparse.csr_matrix, folds: np.ndarray, n_folds: int) -> np.ndarray:
    """Rows of each label in each fold, (n_labels, n_folds); rows of higher fold numbers are left out."""
    inside = folds < n_folds
    where = (np.flatnonzero(inside), folds[inside])
    member = sparse.csr_matrix((np.ones(len(where[0])), where), shape=(len(folds), n_folds))
    return np.asarray((indicators.T @ member).todense())


def _greedy(
    items: sparse.csr_matrix, sizes: np.ndarray, order: np.ndarray, ledger: _Ledger, *, exact: bool
) -> np.ndarray:
    """Fold of every item: the label with the fewest rows left goes first, items go where their labels lack.

    ``exact`` never overfills a fold; otherwise the last items go where no item is yet.
    """
    folds = np.full(items.shape[0], -1, dtype=np.int64)
    # What a fold lacks counts relative to its part of the rows: else a large one takes all of the first labels.
    share = np.maximum(ledger.room, _TIE)
    share /= share.mean()
    empty = np.full(len(ledger.room), not exact)
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
            cost = (ledger.weight[labels] * values) @ ledger.excess[labels] / share
            fold = _cheapest(cost, ledger.room > 0 if exact else _open_folds(empty, n_left), ledger.room)
            folds[item], empty[fold], n_left = fold, False, n_left - 1
            ledger.room[fold] -= sizes[item]
            ledger.excess[labels, fold] += values
            left[labels] -= values
    return folds


def _open_folds(empty: np.ndarray, n_left: int) -> np.ndarray:
    """All folds, or the empty ones alone once there are only as many items left."""
    return empty if empty.sum() == n_left else np.ones_like(empty)


def _rarest_first(by_label: sparse.csc_matrix, left: np.ndarray, waiting: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Items without a fold that have the rarest waiting label; all that are left once no label waits."""
    waiting &= left > 0.5
    if not waiting.any():
        return np.flatnonzero(folds < 0)
    label = np.flatnonzero(waiting)[np.argmin(left[waiting])]
    waiting[label] = False
    rows = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
    return rows[folds[rows] < 0]


def _cheapest(cost: np.ndarray, allowed: np.ndarray, room: np.ndarray) -> int:
    """Fold of the lowest cost among the allowed; of equal ones that with the most room, then the first."""
    best = cost[allowed].min() + _TIE
    return int(np.argmax(np.where(allowed & (cost <= best), room, -np.inf)))


def _exchange(items: sparse.csr_matrix, folds: np.ndarray, ledger: _Ledger, *, moves: bool) -> np.ndarray:
    """Swap items between two folds while the weighted sum of squared excesses falls.

    ``moves`` also lets an item change its fold with nothing in return: the last row of ``swappable``.
    """
    nothing = sparse.csr_matrix((1, items.shape[1]))
    swappable = sparse.csr_matrix(sparse.vstack([items, nothing]))
    folds = np.append(folds, -1)
    own = swappable.multiply(swappable).dot(ledger.weight)
    pairs = list(combinations(range(len(ledger.room)), 2))
    budget, improved = _MAX_EXCHANGES, True
    while improved and budget > 0:
        improved = False
        for first, second in pairs:
            for _ in range(min(budget, _EXCHANGES_PER_PAIR)):
                best = _best_swap(swappable, folds, own, ledger, first, second, moves)
                if best is None:
                    break
                _swap(swappable, folds, ledger, best, (first, second))
                budget, improved = budget - 1, True
    return folds[:-1]


def _best_swap(
    items: sparse.csr_matrix,
    folds: np.ndarray,
    own: np.ndarray,
    ledger: _Ledger,
    first: int,
    second: int,
    moves: bool,
) -> tuple[int, int] | None:
    """Pair of items whose swap helps most among the promising ones, or None.

    With d the difference of the folds' excesses and w the weights, swapping items of indicators a and b
    lowers the sum by 2 Σ w [(a − b) d − (a − b)²].
    """
    pull = items @ (ledger.weight * (ledger.excess[:, first] - ledger.excess[:, second]))
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
    both = (items[leave].multiply(ledger.weight[None, :]) @ items[enter].T).toarray()
    gain = (pull[leave] - own[leave])[:, None] - (pull[enter] + own[enter])[None, :] + 2.0 * both
    i, j = np.unravel_index(int(gain.argmax()), gain.shape)
    return (int(leave[i]), int(enter[j])) if gain[i, j] > _TIE else None


def _members(folds: np.ndarray, fold: int) -> np.ndarray:
    return np.flatnonzero(folds == fold)


def _largest(items: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Most promising items, best first."""
    return items[np.argsort(-gain, kind="stable")[:_CANDIDATES]]


def _swap(
    items: sparse.csr_matrix,
    folds: np.ndarray,
    ledger: _Ledger,
    pair: tuple[int, int],
    where: tuple[int, int],
) -> None:
    """Exchange the two items between the two folds."""
    nothing = len(folds) - 1
    for item, source, target in zip(pair, where, where[::-1], strict=True):
        if item == nothing:
            continue
        part = slice(items.indptr[item], items.indptr[item + 1])
        ledger.excess[items.indices[part], source] -= items.data[part]
        ledger.excess[items.indices[part], target] += items.data[part]
        folds[item] = target
