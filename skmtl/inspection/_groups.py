"""Suggest groups of tasks from their affinities."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from ._affinity_result import TaskAffinity
from ._partitions import best_partition


def suggest_task_groups(affinity: Any, max_groups: int | None = None) -> list[list[str]]:
    """Suggest which tasks to train together.

    Parameters
    ----------
    affinity : TaskAffinity or DataFrame of shape (n_tasks, n_tasks)
        Result of `task_affinity`, or your own numbers: how much the task of the row helps the task of the column,
        positive if training them together is better than apart.
    max_groups : int, default=None
        Maximum number of groups, each of which is a network to train; None means no limit.

    Returns
    -------
    groups : list of list of str
        Names of the tasks in each group. Every task is in exactly one group, possibly alone.

    Raises
    ------
    TypeError
        If ``affinity`` is neither of the two types.
    ValueError
        If rows and columns name different tasks, a number is not finite, or ``max_groups`` is not a positive integer.

    See Also
    --------
    task_affinity : Measures the affinities.
    skmtl.grouping.TaskGroupingRegressor : Fits one network per group.

    Notes
    -----
    The groups maximise the total gain of all pairs of tasks within a group (clique partitioning, [1]_); a task on its
    own gains 0. The gain of task j from task i is their affinity minus the upper bound of chance (``affinity.high``;
    0 without permutations). A task joins a group if its affinities with the group exceed chance in total.

    TAG [2]_ averages over the other tasks of a group instead of summing, leaves no task alone, and lets a task be in
    several groups, of which the best one predicts it. If tasks may be alone, an average excludes a task that is
    clearly related to a group, but less closely than the others are to one another.

    For up to 12 tasks the maximum is exact, by dynamic programming over sets of tasks. For more tasks, groups are
    merged greedily and tasks moved between them, from several starting points. Nothing is fitted.

    References
    ----------
    .. [1] M. Grötschel, Y. Wakabayashi (1989). A cutting plane algorithm for a clustering problem. Mathematical
       Programming 45.
    .. [2] C. Fifty, E. Amid, Z. Zhao, T. Yu, R. Anil, C. Finn (2021). Efficiently identifying task groupings
       for multi-task learning. NeurIPS.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmtl.inspection import suggest_task_groups
    >>> names = ["price", "rent", "noise"]
    >>> gains = pd.DataFrame([[1, 0.4, -0.1], [0.3, 1, -0.2], [0, 0.1, 1]], index=names, columns=names)
    >>> suggest_task_groups(gains)
    [['price', 'rent'], ['noise']]
    """
    names, gain = _gains(affinity)
    if max_groups is None:
        max_groups = len(names)
    if isinstance(max_groups, bool) or not isinstance(max_groups, Integral) or max_groups < 1:
        raise ValueError(f"max_groups should be an integer of at least 1, or None, got {max_groups!r}.")
    return [[names[task] for task in group] for group in best_partition(gain, int(max_groups))]


def _gains(affinity: Any) -> tuple[list[str], np.ndarray]:
    if isinstance(affinity, TaskAffinity):
        matrix, chance = affinity.matrix, np.nan_to_num(affinity.high.to_numpy())
        # Two tasks without common rows have no measured affinity.
        return list(affinity.task_names), np.nan_to_num(matrix.to_numpy()) - chance
    if not isinstance(affinity, pd.DataFrame):
        raise TypeError(
            f"affinity should be the result of task_affinity, or a square DataFrame of tasks, got "
            f"{type(affinity).__name__}."
        )
    if list(affinity.index) != list(affinity.columns):
        raise ValueError("affinity should name the same tasks, in the same order, in its rows and in its columns.")
    gain = affinity.to_numpy(dtype=np.float64)
    off_diagonal = gain[~np.eye(len(gain), dtype=bool)]
    if not np.isfinite(off_diagonal).all():
        raise ValueError("affinity should hold finite numbers; put 0 for two tasks whose affinity is unknown.")
    return [str(name) for name in affinity.columns], np.where(np.eye(len(gain), dtype=bool), 0.0, gain)
