"""What a fit works on: the estimator's parameters, and the data as it was checked and encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .._arrays import unmasked
from .._cache import ProgramCache
from .._records import EncodedTargets, Kind
from .._weights import relative_weights
from ..features import CategoryLevels
from ..targets import TargetEncoder
from ._checks import stack_rows
from ._per_task import class_weights

Value = TypeVar("Value")

# As many as a fit's networks have structures, and a few more.
_PROGRAMS_OF_A_FIT = 8


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters by name, which of them are not at their default, and the routed ones by target.

    With ``stopped_by_others`` the rows that a member holds out have no say in when it stops. With ``also_stopped_for``
    weights of the epoch that is best for tasks of that kind are kept too. ``programs`` are those of this fit alone.
    """

    parameters: Mapping[str, Any]
    changed: frozenset[str]
    routed: Mapping[str, Mapping[str, Any]]
    incremental: bool = False
    stopped_by_others: bool = False
    also_stopped_for: Kind | None = None
    programs: ProgramCache[Any] = field(default_factory=lambda: ProgramCache(_PROGRAMS_OF_A_FIT), compare=False)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process makes them of: programs stay where they were compiled."""
        fields = (self.parameters, self.changed, self.routed, self.incremental, self.stopped_by_others)
        return Settings, (*fields, self.also_stopped_for)

    def for_partial_fit(self) -> Settings:
        """The same with one epoch, and nothing held out."""
        changed = {**self.parameters, "epochs": 1, "early_stopping": False}
        return replace(self, parameters=changed, incremental=True)


@dataclass(frozen=True)
class FitInput:
    """Checked X, the encoder of y, and y encoded; rows beyond ``n_train`` are for validation only.

    ``levels`` are those of the categorical columns, which X holds codes of; ``kept`` are the positions of X's rows
    among the caller's ``n_given``, who may have passed rows without weight; ``groups`` are what a splitter keeps
    together. Fits of the same rows that differ in numbers alone share what they work out of them in ``shared``.
    """

    X: Any
    encoder: TargetEncoder
    targets: EncodedTargets
    n_train: int
    validation: FitInput | None = field(default=None)
    levels: CategoryLevels = field(default_factory=CategoryLevels)
    kept: np.ndarray = field(default_factory=lambda: np.array([], dtype=np.intp))
    n_given: int = 0
    groups: np.ndarray | None = None
    shared: dict[str, Any] | None = field(default=None, compare=False)

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """What ``make`` gives, worked out once for all fits that share their rows."""
        if self.shared is None:
            return make()
        if name not in self.shared:
            self.shared[name] = make()
        return self.shared[name]

    @property
    def mixed(self) -> bool:
        """Whether some tasks are regressions and others classifications."""
        return len({task.kind for task in self.encoder.tasks}) > 1

    @classmethod
    def build(
        cls, X: Any, levels: CategoryLevels, encoder: TargetEncoder, targets: EncodedTargets, class_weight: Any
    ) -> FitInput:
        """Multiply class weights in, and drop rows without weight; only the weights' ratios count."""
        weights = class_weights(class_weight, encoder, targets.values, relative_weights(targets.weights))
        weights = relative_weights(weights)
        keep = np.asarray(weights.any(axis=1))
        if not keep.all():
            X, targets, weights = X[keep], EncodedTargets(targets.values[keep], weights[keep]), weights[keep]
        encoded, kept = EncodedTargets(targets.values, weights), np.flatnonzero(keep)
        return cls(X, encoder, encoded, len(kept), levels=levels, kept=kept, n_given=keep.size)

    def with_validation(self, other: FitInput) -> FitInput:
        """The same with rows to validate on."""
        if other.n_train == 0:
            raise ValueError("y_val has no label with a positive weight: there is nothing to validate on.")
        return replace(self, validation=other)

    def with_groups(self, groups: Any) -> FitInput:
        """The same with a group for each row; ``groups`` are those of all rows that the caller gave."""
        values = np.asarray(unmasked(groups))
        if pd.isna(values).any():
            raise ValueError("groups has missing or masked entries; give every row a group.")
        if values.shape != (self.n_given,):
            raise ValueError(f"groups should have shape ({self.n_given},), one a row of X, got {values.shape}.")
        return replace(self, groups=values[self.kept])

    def check_labels(self) -> None:
        """Every task has a label with a positive weight."""
        for i, task in enumerate(self.encoder.tasks):
            if self.targets.observed[:, i].any():
                continue
            raise ValueError(
                f"Task {task.name!r} has no label with a positive weight: its column is empty, or sample_weight "
                "(or class_weight) is zero wherever it is known."
            )


def all_rows(data: FitInput) -> tuple[Any, EncodedTargets]:
    """Training rows, then validation rows."""
    if data.validation is None:
        return data.X, data.targets
    other = data.validation
    targets = EncodedTargets(
        np.concatenate([data.targets.values, other.targets.values]),
        np.concatenate([data.targets.weights, other.targets.weights]),
    )
    return stack_rows(data.X, other.X), targets
