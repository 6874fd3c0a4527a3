"""Whether a row is as near to the training rows as their neighbours are, or as far as rows of another time or group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import manhattan_distances
from sklearn.model_selection import KFold

from ._companion import column_limits

BLOCKS = 8
# How well distances must tell rows of left-out blocks from rows left out at random (area under the ROC curve).
_LEAST_AUC = 0.7
# Rows are taken to be from another time or group so often before their distance is looked at.
_PRIOR = 0.2
# Relevance of columns as the kernel has it, and sharpened: what tells groups apart often stands in few columns.
_POWERS = (1.0, 4.0, 8.0)
# Rows compared with, fewer where they are wide; rows that are compared; rows compared at a time.
_MOST_POINTS, _FEWEST_POINTS, _MOST_NUMBERS = 4_000, 500, 400_000
_QUERIES, _CHUNK = 500, 512


@dataclass(frozen=True)
class ShiftDetector:
    """How probable it is that a row is from another time or group than the training rows.

    Attributes
    ----------
    smallest, largest : ndarray of shape (n_columns,)
        Columns are clipped to lie between these.
    points : ndarray of shape (n_points, n_columns)
        Training rows.
    relevances : ndarray of shape (n_metrics, n_columns)
        What differences of columns are multiplied by before they are added up to a distance.
    floors, slopes : ndarray of shape (n_metrics,)
        Of the logarithm of the floor plus the distance to the nearest point, each metric's slope.
    intercept : float
        What is added to the sum over metrics for the log odds.
    """

    smallest: np.ndarray
    largest: np.ndarray
    points: np.ndarray
    relevances: np.ndarray
    floors: np.ndarray
    slopes: np.ndarray
    intercept: float

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities (n_rows,) of rows (n_rows, n_columns)."""
        rows = np.clip(rows, self.smallest, self.largest)
        odds = np.full(len(rows), self.intercept)
        for relevance, floor, slope in zip(self.relevances, self.floors, self.slopes, strict=True):
            points, seen = self.points * relevance, rows * relevance
            for start in range(0, len(seen), _CHUNK):
                part = slice(start, start + _CHUNK)
                odds[part] += slope * np.log(floor + manhattan_distances(seen[part], points).min(axis=1))
        return special.expit(odds)


def blocks_of(n_rows: int) -> list[np.ndarray]:
    """Parts of the rows that stand next to each other."""
    return [part for _, part in KFold(min(BLOCKS, n_rows)).split(np.zeros(n_rows))]


def fit_shift_detector(
    rows: np.ndarray, relevance: np.ndarray, folds: Sequence[np.ndarray], blocks: Sequence[np.ndarray], seed: int
) -> ShiftDetector | None:
    """From the distances of rows to the others: without their random fold, and without their block.

    A logistic regression on the logarithms of all metrics' distances to the nearest training row (as covariate shift
    is found by telling samples apart; Bickel, Brueckner and Scheffer, 2009, JMLR 10).

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Encoded features.
    relevance : ndarray of shape (n_columns,)
        How much columns matter, from 0 to 1.
    folds, blocks : sequence of ndarray
        Disjoint parts of all rows: drawn at random, and of rows next to each other.
    seed : int
        Seed of the rows that are compared, where there are many.

    Returns
    -------
    ShiftDetector or None
        None where distances do not tell: rows next to each other are not more alike than others.
    """
    if rows.shape[1] == 0:
        return None
    rng = np.random.default_rng(seed)
    smallest, largest = column_limits(rows)
    most = int(np.clip(_MOST_NUMBERS / max(1, rows.shape[1]), _FEWEST_POINTS, _MOST_POINTS))
    points = _some(len(rows), most, rng)
    queries = _some(len(rows), _QUERIES, rng)
    relevances = np.stack([relevance**power for power in _POWERS])
    near, far = np.empty((2, len(queries), len(relevances)))
    for number, weight in enumerate(relevances):
        distances = manhattan_distances(rows[queries] * weight, rows[points] * weight)
        near[:, number] = _nearest(distances, queries, points, folds)
        far[:, number] = _nearest(distances, queries, points, blocks)
    known = np.isfinite(near).all(axis=1) & np.isfinite(far).all(axis=1)
    near, far = near[known], far[known]
    if len(near) < 2 * len(relevances):
        return None
    floors = 1e-3 * np.median(far, axis=0)
    floors[floors == 0] = np.finfo(np.float64).eps
    seen = np.log(floors + np.concatenate([near, far]))
    is_far = np.repeat([0, 1], len(near))
    spread = np.maximum(seen.std(axis=0), np.finfo(np.float64).eps)
    model = LogisticRegression(C=100.0).fit(seen / spread, is_far)
    if roc_auc_score(is_far, model.decision_function(seen / spread)) < _LEAST_AUC:
        return None
    intercept = float(model.intercept_[0]) + float(np.log(_PRIOR / (1.0 - _PRIOR)))
    return ShiftDetector(smallest, largest, rows[points], relevances, floors, model.coef_[0] / spread, intercept)


def _some(n_rows: int, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))


def _nearest(distances: np.ndarray, queries: np.ndarray, points: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Distance of each query to the nearest point of other parts; infinite where all points are in its own."""
    part_of = np.empty(sum(len(part) for part in parts), dtype=np.intp)
    for number, part in enumerate(parts):
        part_of[part] = number
    same = part_of[queries][:, None] == part_of[points]
    return np.where(same, np.inf, distances).min(axis=1)
