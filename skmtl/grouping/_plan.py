"""Read the groups of tasks that the caller or their affinities give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._names import proposal


def positions(groups: Any, names: Sequence[str]) -> list[list[int]]:
    """Return the positions of the tasks in each group, after checking that every task appears exactly once."""
    if isinstance(groups, str) or not isinstance(groups, Sequence | np.ndarray):
        raise ValueError(f'groups should be "auto" or a list of lists of tasks, got {groups!r}.')
    read = []
    for group in groups:
        if isinstance(group, str) or not isinstance(group, Sequence | np.ndarray) or len(group) == 0:
            raise ValueError(f"groups should hold lists of tasks, by name or position, got the group {group!r}.")
        read.append([_position(task, names) for task in group])
    named = [task for group in read for task in group]
    twice = [names[task] for task in sorted(set(named)) if named.count(task) > 1]
    if twice:
        raise ValueError(f"groups names the tasks {twice} more than once; put each task into one group.")
    missing = [name for task, name in enumerate(names) if task not in named]
    if missing:
        raise ValueError(f"groups leaves out the tasks {missing}; put a task to be fitted alone into its own group.")
    return read


def _position(task: Any, names: Sequence[str]) -> int:
    if not isinstance(task, bool) and hasattr(task, "__index__"):
        position = task.__index__()
        if not 0 <= position < len(names):
            raise ValueError(f"groups has a task at position {position}, but y has {len(names)} tasks.")
        return position
    if str(task) not in names:
        raise ValueError(f"groups names the task {task!r}, which y does not have.{proposal(str(task), names)}")
    return names.index(str(task))
