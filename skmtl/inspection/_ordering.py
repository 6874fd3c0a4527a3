"""Order of tasks in which the neighbours are close."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform


def clustered(values: np.ndarray) -> np.ndarray:
    """Order of the tasks in which the neighbours are close."""
    if len(values) < 3:
        return np.arange(len(values))
    close = np.where(np.isnan(values), np.nanmin(values), values)
    close = (close + close.T) / 2
    distance = close.max() - close
    np.fill_diagonal(distance, 0.0)
    flat = squareform(distance, checks=False)
    order = leaves_list(optimal_leaf_ordering(linkage(flat, "average"), flat))
    # Either end may come first: the one that comes first in y does.
    return order if order[0] < order[-1] else order[::-1]
