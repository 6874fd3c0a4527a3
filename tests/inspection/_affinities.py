"""Affinities made by hand, without fitting anything."""

import numpy as np
import pandas as pd

from skmtl.inspection import TaskAffinity


def made_up(matrix, *, high=0.1, method="gradient_cosine", names=None):
    """Return an affinity with this matrix and bounds of chance from -0.1 to ``high``."""
    n_tasks = len(matrix)
    names = pd.Index([f"t{i}" for i in range(n_tasks)] if names is None else names, dtype=object)

    def table(value):
        return pd.DataFrame(np.broadcast_to(value, (n_tasks, n_tasks)).copy(), index=names, columns=names)

    return TaskAffinity(
        method=method,
        matrix=table(matrix),
        std_error=table(0.01),
        p_value=table(0.5),
        low=table(np.nan if np.isnan(high) else -0.1),
        high=table(high),
        null_mean=table(0.0),
        null_std=table(0.03),
        conflict_share=None if method == "label_correlation" else table(0.4),
        n_permutations=0 if np.isnan(high) else 10,
        n_measurements=100,
        level=0.05,
    )


def planted(n_tasks, n_groups=None, *, method="gradient_cosine", seed=0):
    """Return an affinity of tasks in groups, with the groups in random order."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_groups or max(1, n_tasks // 4), size=n_tasks)
    matrix = np.where(labels[:, None] == labels, 0.3, -0.05) + rng.normal(0, 0.05, size=(n_tasks, n_tasks))
    if method != "tag":
        matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1.0)
    names = [f"{'long task name that has to be cut' if i % 7 == 0 else 'task'} {i}" for i in range(n_tasks)]
    return made_up(matrix, method=method, names=names)
