"""Whether a row is as near to the training rows as their neighbours are, or as far as rows of another time or group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import manhattan_distances
from sklearn.model_selection import KFold

from .._pieces import in_pieces
from ..kernels._model import column_limits

BLOCKS = 8
# How well distances must tell rows of left-out blocks from rows left out at random (area under the ROC curve).
_LEAST_AUC = 0.7
# Rows are taken to be from another time or group so often before their distance is looked at.
_PRIOR = 0.2
# Powers of the columns' relevance that distances are tried with: what tells groups apart often stands in few columns.
_POWERS = (1.0, 2.0, 4.0, 8.0, 16.0)
# Rows compared with, fewer where they are wide; rows that are compared; rows compared at a time.
_MOST_POINTS, _FEWEST_POINTS, _MOST_NUMBERS = 5_000, 500, 200_000
_QUERIES, _CHUNK = 500, 512
# Columns, less those that count next to nothing, up to which a tree of the points is worth growing.
_COLUMNS_OF_A_TREE = 10


@dataclass(frozen=True)
class ShiftDetector:
    """How probable it is that a row is from another time or group than the training rows.

    Attributes
    ----------
    smallest, largest, scale : ndarray of shape (n_columns,)
        Columns are clipped to lie between the first two, then multiplied by the third.
    points : ndarray of shape (n_points, n_columns)
        Training rows, multiplied as above.
    floor, slope, intercept : float
        The log odds are ``intercept + slope * log(floor + distance)``, with the distance (sum of absolute differences)
        to the nearest point.
    """

    smallest: np.ndarray
    largest: np.ndarray
    scale: np.ndarray
    points: np.ndarray
    floor: float
    slope: float
    intercept: float

    def probability(self, rows: np.ndarray) -> np.ndarray:
        """Probabilities (n_rows,) of rows (n_rows, n_columns)."""
        seen = np.clip(rows, self.smallest, self.largest) * self.scale
        if len(seen) > _CHUNK and self._few_columns():
            tree = cKDTree(self.points)
            parts = in_pieces(lambda piece: tree.query(seen[piece], p=1)[0], len(seen), _CHUNK)
        else:
            parts = in_pieces(
                lambda piece: manhattan_distances(seen[piece], self.points).min(axis=1), len(seen), _CHUNK
            )
        return special.expit(self.intercept + self.slope * np.log(self.floor + np.concatenate(parts)))

    def _few_columns(self) -> bool:
        """Whether distances hang on so few columns that a tree finds the nearest sooner than looking at all."""
        reach = (self.largest - self.smallest) * self.scale
        return bool(reach.sum() ** 2 <= _COLUMNS_OF_A_TREE * (reach**2).sum())


def blocks_of(n_rows: int) -> list[np.ndarray]:
    """Parts of the rows that stand next to each other."""
    return [part for _, part in KFold(min(BLOCKS, n_rows)).split(np.zeros(n_rows))]


def fit_shift_detector(
    rows: np.ndarray, relevance: np.ndarray, folds: Sequence[np.ndarray], blocks: Sequence[np.ndarray], seed: int
) -> ShiftDetector | None:
    """From the distances of rows to the others: without their random fold, and without their block.

    A logistic regression on the logarithm of the distance to the nearest training row (as covariate shift is found by
    telling samples apart; Bickel, Brueckner and Scheffer, 2009, JMLR 10). Distances weigh columns by their relevance,
    or by that power of it which tells best.

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
    most = int(np.clip(_MOST_NUMBERS / rows.shape[1], _FEWEST_POINTS, _MOST_POINTS))
    points = _some(len(rows), most, rng)
    queries = _some(len(rows), _QUERIES, rng)
    own = [_own_part(queries, points, parts) for parts in (folds, blocks)]
    best = None
    for power in _POWERS:
        scale = relevance**power
        distances = manhattan_distances(rows[queries] * scale, rows[points] * scale)
        near, far = (np.where(same, np.inf, distances).min(axis=1) for same in own)
        known = np.isfinite(near) & np.isfinite(far)
        if known.sum() < 2:
            return None
        told = roc_auc_score(np.repeat([0, 1], known.sum()), np.concatenate([near[known], far[known]]))
        if told >= _LEAST_AUC and (best is None or told > best[0]):
            best = told, scale, near[known], far[known]
    if best is None:
        return None
    _, scale, near, far = best
    floor = max(1e-3 * float(np.median(far)), np.finfo(np.float64).eps)
    seen = np.log(floor + np.concatenate([near, far]))
    spread = float(seen.std())
    model = LogisticRegression(C=100.0).fit(seen[:, None] / spread, np.repeat([0, 1], len(near)))
    intercept = float(model.intercept_[0]) + float(np.log(_PRIOR / (1.0 - _PRIOR)))
    slope = float(model.coef_[0, 0]) / spread
    return ShiftDetector(smallest, largest, scale, rows[points] * scale, floor, slope, intercept)


def _some(n_rows: int, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))


def _own_part(queries: np.ndarray, points: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Whether a query and a point are in the same part, (n_queries, n_points)."""
    part_of = np.empty(sum(len(part) for part in parts), dtype=np.intp)
    for number, part in enumerate(parts):
        part_of[part] = number
    return part_of[queries][:, None] == part_of[points]
