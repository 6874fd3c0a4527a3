"""Affinities recover planted groups of tasks.

benchmarks/affinity.py measures how often, on more tables.
"""

import numpy as np
import pytest

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.inspection import suggest_task_groups, task_affinity

GROUPS = [0, 0, 0, 1, 1, 1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "seed"), [("gradient_cosine", 0), ("gradient_cosine", 1), ("tag", 0)])
def test_two_groups_among_three_other_tasks(method, seed):
    X, y = make_related_tasks(500, 30, 9, relatedness=1.0, task_groups=GROUPS, n_waves=1, noise=0.5, random_state=seed)
    network = MultiTaskKerasRegressor(hidden_layer_sizes=(8,), ensemble_size=4, learning_rate=0.01, epochs=30)
    affinity = task_affinity(network, X, y, method=method, n_permutations=3, random_state=seed)
    within = np.equal.outer(GROUPS, GROUPS) & ~np.eye(9, dtype=bool)
    values = affinity.matrix.to_numpy()
    assert values[within].min() > values[~np.equal.outer(GROUPS, GROUPS)].max()
    assert suggest_task_groups(affinity) == [["y0", "y1", "y2"], ["y3", "y4", "y5"], ["y6"], ["y7"], ["y8"]]
