"""Copies of an estimator: seeded for a fold, and cut down to one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from .._records import Kind
from ..estimators._mixed import MultiTaskKerasEstimator
from ..fitting._per_task import by_name, is_sequence, per_task
from ._estimators import networks_in

# Parameters that may say something else of each task.
_PER_TASK = ("loss", "loss_weights", "class_weight")

# What the only column of a 1-D y without a name is called.
UNNAMED = "y0"


def seeded(estimator: Any, fold: int, seed: int) -> Any:
    """Clone whose random states are its own in this fold, and the same wherever and whenever it is fitted.

    An integer is replaced by another one per fold: with the same initial weights in all folds, the luck of one
    seed would pass for a property of the estimator.
    """
    copy = clone(estimator)
    for name, value in copy.get_params(deep=True).items():
        if name == "random_state" or name.endswith("__random_state"):
            own = value.randint(2**31 - 1) if isinstance(value, np.random.RandomState) else value
            entropy = (seed, fold) if own is None else (int(own), fold)
            copy.set_params(**{name: int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)})
    return copy


def with_kinds(estimator: Any, names: Sequence[str], kinds: Sequence[Kind]) -> Any:
    """The same with the kinds of all tasks spelt out, so that no fold's labels change them."""
    for network in networks_in(estimator):
        if isinstance(network, MultiTaskKerasEstimator):
            network.set_params(task_types=dict(zip(names, kinds, strict=True)))
    return estimator


def single_task_baseline(estimator: Any, task: int, names: Sequence[str]) -> Any:
    """The same settings for one task alone, as an unnamed column: what is set per task is cut down to this one's."""
    baseline = clone(estimator)
    for network in networks_in(baseline):
        parameters = network.get_params(deep=False)
        for name in _PER_TASK:
            value = by_name(parameters.get(name))
            if isinstance(value, Mapping) or is_sequence(value):
                network.set_params(**{name: _own(name, value, task, names)})
        types = parameters.get("task_types")
        if types is not None:
            own = {str(key): kind for key, kind in types.items()}.get(names[task])
            network.set_params(task_types=None if own is None else {UNNAMED: own})
    return baseline


def _own(name: str, value: Any, task: int, names: Sequence[str]) -> Any:
    # A weight of the task's loss weighs it against other tasks: alone, there is nothing to weigh it against.
    return None if name == "loss_weights" else per_task(value, list(names), name)[task]
