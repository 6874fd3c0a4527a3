"""Copy an estimator: seeded for a fold, or as a single-task baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from .._records import Kind
from ..estimators._mixed import MultiTaskKerasEstimator
from ..fitting._per_task import by_name, is_sequence, per_task
from ._estimators import networks_in

# Parameters that may differ from task to task.
_PER_TASK = ("loss", "loss_weights", "class_weight")

# Name of the only column of a 1-D y without a name.
UNNAMED = "y0"


def seeded(estimator: Any, fold: int, seed: int) -> Any:
    """Return a clone with random states that are specific to the fold and reproducible.

    An integer is replaced by a different one in each fold: with the same initial weights in all folds, the luck of
    one seed would look like a property of the estimator.
    """
    copy = clone(estimator)
    for name, value in copy.get_params(deep=True).items():
        if name == "random_state" or name.endswith("__random_state"):
            state = value.randint(2**31 - 1) if isinstance(value, np.random.RandomState) else value
            entropy = (seed, fold) if state is None else (int(state), fold)
            copy.set_params(**{name: int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)})
    return copy


def with_kinds(estimator: Any, names: Sequence[str], kinds: Sequence[Kind]) -> Any:
    """Set the kinds of all tasks explicitly, so that the labels of a fold cannot change them."""
    for network in networks_in(estimator):
        if isinstance(network, MultiTaskKerasEstimator):
            network.set_params(task_types=dict(zip(names, kinds, strict=True)))
    return estimator


def single_task_baseline(estimator: Any, task: int, names: Sequence[str]) -> Any:
    """Return a clone for one task alone, as an unnamed column, with the per-task settings of this task."""
    baseline = clone(estimator)
    for network in networks_in(baseline):
        parameters = network.get_params(deep=False)
        for name in _PER_TASK:
            value = by_name(parameters.get(name))
            if isinstance(value, Mapping) or is_sequence(value):
                network.set_params(**{name: _of_task(name, value, task, names)})
        types = parameters.get("task_types")
        if types is not None:
            kind = {str(key): kind for key, kind in types.items()}.get(names[task])
            network.set_params(task_types=None if kind is None else {UNNAMED: kind})
    return baseline


def _of_task(name: str, value: Any, task: int, names: Sequence[str]) -> Any:
    # A loss weight is relative to other tasks, so it has no meaning for a single task.
    return None if name == "loss_weights" else per_task(value, list(names), name)[task]
