"""Detection of shifted rows, which are further from the training rows than these are from each other."""

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
# Least area under the ROC curve with which distances must separate held-out blocks from rows held out at random.
_LEAST_AUC = 0.7
# Prior probability of a shift, before the distance of a row is known.
_PRIOR = 0.2
# Powers of the columns' relevance to try in distances: groups often differ in a few columns only.
_POWERS = (1.0, 2.0, 4.0, 8.0, 16.0)
# Bounds on the number of points, which falls with the number of columns; query rows in fit; rows per chunk.
_MOST_POINTS, _FEWEST_POINTS, _MOST_NUMBERS = 5_000, 500, 200_000
_QUERIES, _CHUNK = 500, 512
# Effective number of columns up to which a k-d tree of the points is quicker.
_COLUMNS_OF_A_TREE = 10


@dataclass(frozen=True)
class ShiftDetector:
    """Probability that a row comes from another time or group than the training rows.

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
        """Return the probabilities (n_rows,) of rows (n_rows, n_columns)."""
        scaled = np.clip(rows, self.smallest, self.largest) * self.scale
        if len(scaled) > _CHUNK and self._few_columns():
            tree = cKDTree(self.points)
            parts = in_pieces(lambda piece: tree.query(scaled[piece], p=1)[0], len(scaled), _CHUNK)
        else:
            parts = in_pieces(
                lambda piece: manhattan_distances(scaled[piece], self.points).min(axis=1), len(scaled), _CHUNK
            )
        return special.expit(self.intercept + self.slope * np.log(self.floor + np.concatenate(parts)))

    def _few_columns(self) -> bool:
        """Whether distances depend on so few columns that a tree finds the nearest point sooner than comparing all."""
        ranges = (self.largest - self.smallest) * self.scale
        return bool(ranges.sum() ** 2 <= _COLUMNS_OF_A_TREE * (ranges**2).sum())


def blocks_of(n_rows: int) -> list[np.ndarray]:
    """Split the rows into blocks of consecutive rows."""
    return [part for _, part in KFold(min(BLOCKS, n_rows)).split(np.zeros(n_rows))]


def fit_shift_detector(
    rows: np.ndarray, relevance: np.ndarray, folds: Sequence[np.ndarray], blocks: Sequence[np.ndarray], seed: int
) -> ShiftDetector | None:
    """Fit a detector to two distances of each row: to rows outside its random fold, and to rows outside its block.

    It is a logistic regression on the logarithm of the distance to the nearest training row; covariate shift is
    detected by classifying samples as in Bickel, Brueckner and Scheffer (2009, JMLR 10). Distances weigh columns by
    the power of their relevance that separates best.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Encoded features.
    relevance : ndarray of shape (n_columns,)
        How much columns matter, from 0 to 1.
    folds, blocks : sequence of ndarray
        Disjoint parts of all rows: random ones, and blocks of consecutive rows.
    seed : int
        Seed of the sample of rows that are compared, if there are many.

    Returns
    -------
    ShiftDetector or None
        None if distances do not separate the two: consecutive rows are not more alike than others.
    """
    if rows.shape[1] == 0:
        return None
    rng = np.random.default_rng(seed)
    smallest, largest = column_limits(rows)
    most = int(np.clip(_MOST_NUMBERS / rows.shape[1], _FEWEST_POINTS, _MOST_POINTS))
    points = _sample(len(rows), most, rng)
    queries = _sample(len(rows), _QUERIES, rng)
    same_parts = [_in_same_part(queries, points, parts) for parts in (folds, blocks)]
    best = None
    for power in _POWERS:
        scale = relevance**power
        distances = manhattan_distances(rows[queries] * scale, rows[points] * scale)
        by_fold, by_block = (np.where(same, np.inf, distances).min(axis=1) for same in same_parts)
        known = np.isfinite(by_fold) & np.isfinite(by_block)
        if known.sum() < 2:
            return None
        auc = roc_auc_score(np.repeat([0, 1], known.sum()), np.concatenate([by_fold[known], by_block[known]]))
        if auc >= _LEAST_AUC and (best is None or auc > best[0]):
            best = auc, scale, by_fold[known], by_block[known]
    if best is None:
        return None
    _, scale, by_fold, by_block = best
    floor = max(1e-3 * float(np.median(by_block)), np.finfo(np.float64).eps)
    logs = np.log(floor + np.concatenate([by_fold, by_block]))
    spread = float(logs.std())
    model = LogisticRegression(C=100.0).fit(logs[:, None] / spread, np.repeat([0, 1], len(by_fold)))
    intercept = float(model.intercept_[0]) + float(np.log(_PRIOR / (1.0 - _PRIOR)))
    slope = float(model.coef_[0, 0]) / spread
    return ShiftDetector(smallest, largest, scale, rows[points] * scale, floor, slope, intercept)


def _sample(n_rows: int, most: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))


def _in_same_part(queries: np.ndarray, points: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Whether a query and a point are in the same part, (n_queries, n_points)."""
    part_of = np.empty(sum(len(part) for part in parts), dtype=np.intp)
    for number, part in enumerate(parts):
        part_of[part] = number
    return part_of[queries][:, None] == part_of[points]
