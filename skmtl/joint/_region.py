"""Regions that contain the labels of several tasks at once, from out-of-fold errors (conformal prediction)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

from ._columns import ErrorColumns
from ._conditional import patterns_of

_FOLDS = 10
# Up to this many rows, units for a row are computed from other rows; with more, it makes no difference.
_FEW_ROWS = 1000


@dataclass(frozen=True)
class Box:
    """Box of errors: between offsets for each regression, up to a doubt for each classification.

    Attributes
    ----------
    offsets : ndarray of shape (n_tasks, 2)
        Lower and upper end of the errors; NaN for classifications and for tasks that were not asked for.
    doubt : ndarray of shape (n_tasks,)
        One minus the probability that a class needs to be in the set; NaN except for classifications.
    """

    offsets: np.ndarray
    doubt: np.ndarray


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid of errors r with ``(r - center)' inv(matrix) (r - center) <= 1``; (n_tasks,) and (n_tasks, n_tasks)."""

    center: np.ndarray
    matrix: np.ndarray

    def is_larger(self, other: Ellipsoid) -> bool:
        """Return whether both are finite and this one has the larger volume."""
        if not (np.isfinite(self.matrix).all() and np.isfinite(other.matrix).all()):
            return False
        return bool(np.linalg.slogdet(self.matrix)[1] > np.linalg.slogdet(other.matrix)[1])


class _Interval:
    """Scores of a regression: its errors in units of their own interval."""

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
    """Scores of a classification: one minus the probability of the true class, in units of its quantile."""

    def __init__(self, errors: np.ndarray, coverage: float) -> None:
        self.unit = np.nanquantile(_doubts(errors), coverage)

    def scores(self, errors: np.ndarray) -> np.ndarray:
        return _ratio(_doubts(errors), self.unit)

    def bound(self, limit: float) -> float:
        return min(1.0, limit * self.unit) if np.isfinite(limit) else 1.0


def fit_box(errors: np.ndarray, columns: ErrorColumns, tasks: Sequence[int], coverage: float) -> Box:
    """Fit the box of these tasks to errors (n_rows, n_columns).

    The score of a row is the largest error of its tasks, each in units of its own interval (after Messoudi et al.,
    2021), so no task gets a wide interval because of another. With few rows, the units for a row come from other rows,
    because its own error would stretch them. If too few rows have labels of all tasks, the misses are split evenly
    between tasks (Bonferroni). Rows with some labels raise the bound if complete rows alone would miss too many.
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
    """Fit the ellipsoid of regressions to their errors (n_rows, n_tasks).

    Its shape is their shrunk covariance (Ledoit and Wolf, 2004); its size is chosen to contain the errors of rows left
    out of the covariance. It is infinite if too few rows have all labels.
    """
    complete = errors[~np.isnan(errors).any(axis=1)]
    n_tasks = errors.shape[1]
    if len(complete) < max(2 * _FOLDS, n_tasks):
        return Ellipsoid(np.zeros(n_tasks), np.full((n_tasks, n_tasks), np.inf))
    distances = np.empty(len(complete))
    for fold in np.array_split(np.random.default_rng(0).permutation(len(complete)), _FOLDS):
        shape = _shape(np.delete(complete, fold, axis=0))
        distances[fold] = _distances(complete[fold], *shape, np.ones(n_tasks, dtype=bool))
    center, matrix = _shape(complete)
    others = [
        _distances(errors[rows], center, matrix, seen) for seen, rows in patterns_of(~np.isnan(errors)) if _some(seen)
    ]
    return Ellipsoid(center, matrix * _largest_quantile(distances, np.concatenate([distances, *others]), coverage))


def _distances(errors: np.ndarray, center: np.ndarray, matrix: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return squared Mahalanobis distances over the tasks in the mask ``seen``, (n_rows,)."""
    off = (errors - center)[:, seen]
    return np.einsum("rt,rt->r", off, np.linalg.solve(matrix[np.ix_(seen, seen)], off.T).T)


def _some(seen: np.ndarray) -> bool:
    return bool(seen.any() and not seen.all())


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """Return the bound that a new score keeps with this probability; infinite if there are too few scores."""
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else np.inf


def _scores(parts: list[np.ndarray], kinds: list[type[_Interval | _Doubt]], coverage: float) -> np.ndarray:
    """Return the score of each row and task, (n_rows, n_tasks), in units that come from other rows if rows are few."""
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
    """Return the errors of these rows, or of all rows if none of these has a label."""
    chosen = part[rows]
    return part if np.isnan(chosen[:, 0]).all() else chosen


def _largest_quantile(complete: np.ndarray, some: np.ndarray, coverage: float) -> float:
    """Return the bound of complete rows or of rows with some labels, whichever is larger: complete rows may differ."""
    bound = conformal_quantile(complete, coverage)
    return max(bound, conformal_quantile(some, coverage)) if np.isfinite(bound) else bound


def _limits(scores: np.ndarray, coverage: float) -> list[float]:
    """Return the bound of each task's scores (n_rows, n_tasks): the same for all if enough rows are complete."""
    seen = ~np.isnan(scores)
    largest = np.max(scores, axis=1, initial=0.0, where=seen)
    bound = _largest_quantile(largest[seen.all(axis=1)], largest[seen.any(axis=1)], coverage)
    if np.isfinite(bound):
        return [bound] * scores.shape[1]
    share = 1.0 - (1.0 - coverage) / scores.shape[1]
    return [conformal_quantile(own[~np.isnan(own)], share) for own in scores.T]


def _shape(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and shrunk covariance; a task without errors gets the smallest variance that works."""
    center = np.median(errors, axis=0)
    off = errors - center
    size = np.sqrt(np.mean(off**2, axis=0))
    size = np.where(size > 0, size, np.finfo(np.float64).tiny ** 0.25)
    covariance, _ = ledoit_wolf(off / size, assume_centered=True)
    return center, covariance * size * size[:, None]


def _doubts(errors: np.ndarray) -> np.ndarray:
    """Return one minus the probability of the true class, from its columns, which leave out the first class."""
    return np.maximum(errors.max(axis=1), -errors.sum(axis=1))


def _ratio(errors: np.ndarray, unit: float) -> np.ndarray:
    """Return errors in this unit; if the unit is zero, any positive error is infinite."""
    if unit > 0:
        return errors / unit
    with np.errstate(invalid="ignore"):
        return np.where(np.isnan(errors), np.nan, np.where(errors > 0, np.inf, 0.0))
