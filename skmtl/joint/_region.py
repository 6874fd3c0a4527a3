"""Regions that hold the labels of several tasks at once, from out-of-fold errors (conformal prediction)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

from ._columns import ErrorColumns
from ._conditional import patterns_of

_FOLDS = 10
# Up to so many rows a unit is made of rows other than those that it is for; with more it makes no difference.
_FEW_ROWS = 1000


@dataclass(frozen=True)
class Box:
    """Errors within: those of each regression between its offsets, those of each classification below its doubt.

    Attributes
    ----------
    offsets : ndarray of shape (n_tasks, 2)
        NaN for classifications and for tasks that were not asked for.
    doubt : ndarray of shape (n_tasks,)
        One less the probability that a class needs to be in the set; NaN for all but classifications.
    """

    offsets: np.ndarray
    doubt: np.ndarray


@dataclass(frozen=True)
class Ellipsoid:
    """Errors r within: ``(r - center)' inv(matrix) (r - center) <= 1``; (n_tasks,) and (n_tasks, n_tasks)."""

    center: np.ndarray
    matrix: np.ndarray

    def is_larger(self, other: Ellipsoid) -> bool:
        """Whether it is finite, and its volume larger than the other's."""
        if not (np.isfinite(self.matrix).all() and np.isfinite(other.matrix).all()):
            return False
        return bool(np.linalg.slogdet(self.matrix)[1] > np.linalg.slogdet(other.matrix)[1])


class _Interval:
    """Errors of a regression in units of their own interval."""

    def __init__(self, errors: np.ndarray, coverage: float) -> None:
        self.low, self.middle, self.high = np.nanquantile(errors[:, 0], [(1 - coverage) / 2, 0.5, (1 + coverage) / 2])

    def scores(self, errors: np.ndarray) -> np.ndarray:
        off = errors[:, 0] - self.middle
        return np.maximum(_ratio(off, self.high - self.middle), _ratio(-off, self.middle - self.low))

    def offsets(self, limit: float) -> tuple[float, float]:
        if not np.isfinite(limit):
            return -np.inf, np.inf
        return self.middle - limit * (self.middle - self.low), self.middle + limit * (self.high - self.middle)


class _Doubt:
    """How improbable the true class was, in units of its quantile."""

    def __init__(self, errors: np.ndarray, coverage: float) -> None:
        self.unit = np.nanquantile(_doubts(errors), coverage)

    def scores(self, errors: np.ndarray) -> np.ndarray:
        return _ratio(_doubts(errors), self.unit)

    def bound(self, limit: float) -> float:
        return min(1.0, limit * self.unit) if np.isfinite(limit) else 1.0


def fit_box(errors: np.ndarray, columns: ErrorColumns, tasks: Sequence[int], coverage: float) -> Box:
    """The box of these tasks, from errors (n_rows, n_columns).

    The score of a row is the largest of its tasks' errors, each in units of its own interval (after Messoudi et al.,
    2021), so that no task is wide for another's sake. Of few rows the units are those of the others: their own error
    would stretch them. Where too few rows have labels of all tasks, each task has its share of the misses (Bonferroni).
    Rows with some labels raise the bound where whole ones alone would miss too many of them.
    """
    offsets, doubt = np.full((len(columns.widths), 2), np.nan), np.full(len(columns.widths), np.nan)
    parts = [errors[:, columns.of_task(task)] for task in tasks]
    kinds: list[type[_Interval | _Doubt]] = [_Doubt if columns.classified[task] else _Interval for task in tasks]
    limits = _limits(_scores(parts, kinds, coverage), coverage)
    for task, kind, part, limit in zip(tasks, kinds, parts, limits, strict=True):
        unit = kind(part, coverage)
        if isinstance(unit, _Doubt):
            doubt[task] = unit.bound(limit)
        else:
            offsets[task] = unit.offsets(limit)
    return Box(offsets, doubt)


def fit_ellipsoid(errors: np.ndarray, coverage: float) -> Ellipsoid:
    """The ellipsoid of regressions, from their errors (n_rows, n_tasks).

    Its shape is their covariance, shrunk (Ledoit and Wolf, 2004); its size is that which holds the errors of rows left
    out of it. Without rows enough that have all labels it is infinite.
    """
    whole = errors[~np.isnan(errors).any(axis=1)]
    n_tasks = errors.shape[1]
    if len(whole) < max(2 * _FOLDS, n_tasks):
        return Ellipsoid(np.zeros(n_tasks), np.full((n_tasks, n_tasks), np.inf))
    distances = np.empty(len(whole))
    for fold in np.array_split(np.random.default_rng(0).permutation(len(whole)), _FOLDS):
        shape = _shape(np.delete(whole, fold, axis=0))
        distances[fold] = _distances(whole[fold], *shape, np.ones(n_tasks, dtype=bool))
    center, matrix = _shape(whole)
    more = [
        _distances(errors[rows], center, matrix, seen) for seen, rows in patterns_of(~np.isnan(errors)) if _some(seen)
    ]
    return Ellipsoid(center, matrix * _largest_quantile(distances, np.concatenate([distances, *more]), coverage))


def _distances(errors: np.ndarray, center: np.ndarray, matrix: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Squared Mahalanobis distances of the tasks seen, (n_rows,)."""
    off = (errors - center)[:, seen]
    return np.einsum("rt,rt->r", off, np.linalg.solve(matrix[np.ix_(seen, seen)], off.T).T)


def _some(seen: np.ndarray) -> bool:
    return bool(seen.any() and not seen.all())


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The bound that one more score keeps with that probability; infinite where there are too few."""
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else np.inf


def _scores(parts: list[np.ndarray], kinds: list[type[_Interval | _Doubt]], coverage: float) -> np.ndarray:
    """Score of each row and task, (n_rows, n_tasks), in units that few rows do not help to choose for themselves."""
    n_rows = len(parts[0])
    out = np.empty((n_rows, len(parts)))
    order = np.random.default_rng(0).permutation(n_rows)
    folds = np.array_split(order, min(n_rows, 2 * _FOLDS)) if n_rows <= _FEW_ROWS else [order]
    for fold in folds:
        others = order if len(folds) == 1 else np.setdiff1d(order, fold)
        for place, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
            out[fold, place] = kind(_seen_of(part, others), coverage).scores(part[fold])
    return out


def _seen_of(part: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Errors of these rows, or where none of them has a label, of all."""
    found = part[rows]
    return part if np.isnan(found[:, 0]).all() else found


def _largest_quantile(whole: np.ndarray, some: np.ndarray, coverage: float) -> float:
    """The bound of whole rows, and no less than that of rows with some labels: those with all may be special ones."""
    bound = conformal_quantile(whole, coverage)
    return max(bound, conformal_quantile(some, coverage)) if np.isfinite(bound) else bound


def _limits(scores: np.ndarray, coverage: float) -> list[float]:
    """Bound of each task's scores (n_rows, n_tasks): the same for all, where rows have labels enough."""
    seen = ~np.isnan(scores)
    largest = np.max(scores, axis=1, initial=0.0, where=seen)
    bound = _largest_quantile(largest[seen.all(axis=1)], largest[seen.any(axis=1)], coverage)
    if np.isfinite(bound):
        return [bound] * scores.shape[1]
    share = 1.0 - (1.0 - coverage) / scores.shape[1]
    return [conformal_quantile(own[~np.isnan(own)], share) for own in scores.T]


def _shape(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Center and shrunk covariance; a task without any error gets the least there is."""
    center = np.median(errors, axis=0)
    off = errors - center
    size = np.sqrt(np.mean(off**2, axis=0))
    size = np.where(size > 0, size, np.finfo(np.float64).tiny ** 0.25)
    covariance, _ = ledoit_wolf(off / size, assume_centered=True)
    return center, covariance * size * size[:, None]


def _doubts(errors: np.ndarray) -> np.ndarray:
    """One less the probability of the true class, from its columns: that of the first class is not among them."""
    return np.maximum(errors.max(axis=1), -errors.sum(axis=1))


def _ratio(errors: np.ndarray, unit: float) -> np.ndarray:
    """Errors in that unit; where it is nothing, any error above it is infinitely many."""
    if unit > 0:
        return errors / unit
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(errors), np.nan, np.where(errors > 0, np.inf, 0.0))
