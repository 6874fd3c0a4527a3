"""Order tasks so that similar ones are adjacent."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform


def clustered(values: np.ndarray) -> np.ndarray:
    """Return an order in which similar tasks are adjacent, by average linkage with optimal leaf ordering."""
    if len(values) < 3:
        return np.arange(len(values))
    similarity = np.where(np.isnan(values), np.nanmin(values), values)
    similarity = (similarity + similarity.T) / 2
    distance = similarity.max() - similarity
    np.fill_diagonal(distance, 0.0)
    flat = squareform(distance, checks=False)
    order = leaves_list(optimal_leaf_ordering(linkage(flat, "average"), flat))
    # The direction is arbitrary: start with the end that comes first in y.
    return order if order[0] < order[-1] else order[::-1]
