"""From affinities to groups of tasks that are learnt together."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from ._affinity_result import TaskAffinity
from ._partitions import best_partition


def suggest_task_groups(affinity: Any, max_groups: int | None = None) -> list[list[str]]:
    """Suggest which tasks to learn together.

    Parameters
    ----------
    affinity : TaskAffinity or DataFrame of shape (n_tasks, n_tasks)
        What `task_affinity` gave; or numbers of your own, rows the tasks that help, columns those that are helped,
        above 0 where together is better than alone.
    max_groups : int, default=None
        Most groups, as each is a network to train; None is no limit.

    Returns
    -------
    groups : list of list of str
        Names of the tasks of each group; every task is in one group, alone where it is better off so.

    Raises
    ------
    TypeError
        Where the affinity is neither of the two.
    ValueError
        Where the table is not square, or ``max_groups`` not a positive integer.

    See Also
    --------
    task_affinity : Measures affinities.
    skmtl.grouping.TaskGroupingRegressor : Fits a network for each group.

    Notes
    -----
    The groups maximise the sum of the gains of all pairs of tasks within a group (clique partitioning, [1]_); a task
    alone gains 0. The gain of task j by task i is the affinity less what may pass for chance (``affinity.high``;
    0 where no labels were permuted). A task thus joins a group where its affinity with the group is beyond doubt on
    the whole.

    TAG [2]_ averages over a task's mates instead of adding up, leaves no task alone and lets a task be in several
    groups, of which the best serves it. Where a task may be alone, an average leaves out whoever is clearly related
    to a group, but less closely than the others are to one another.

    For up to 12 tasks the maximum is exact, by dynamic programming over sets of tasks; for more, groups are
    merged greedily and tasks moved between them, from several starts.

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
        # Two tasks that never met have shown no affinity.
        return list(affinity.task_names), np.nan_to_num(matrix.to_numpy()) - chance
    if not isinstance(affinity, pd.DataFrame):
        raise TypeError(
            f"affinity should be what task_affinity gives, or a DataFrame of tasks by tasks, got "
            f"{type(affinity).__name__}."
        )
    if list(affinity.index) != list(affinity.columns):
        raise ValueError("affinity should name the same tasks, in the same order, in its rows and in its columns.")
    gain = affinity.to_numpy(dtype=np.float64)
    apart = gain[~np.eye(len(gain), dtype=bool)]
    if not np.isfinite(apart).all():
        raise ValueError("affinity should hold finite numbers; put 0 for two tasks of which nothing is known.")
    return [str(name) for name in affinity.columns], np.where(np.eye(len(gain), dtype=bool), 0.0, gain)
