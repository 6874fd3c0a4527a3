"""The input of a fit: the estimator's parameters, and the checked and encoded data."""

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

# Enough for all network structures of a fit, and a few more.
_PROGRAMS_OF_A_FIT = 8


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters by name, which of them differ from their default, and the routed ones by target.

    With ``stopped_by_others`` the rows that a member holds out do not decide when it stops. With ``also_stopped_for``
    the weights of the epoch that is best for tasks of that kind are kept too. ``programs`` are used by this fit alone.
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
        """Pickle all fields except the programs, which belong to the process that compiled them."""
        fields = (self.parameters, self.changed, self.routed, self.incremental, self.stopped_by_others)
        return Settings, (*fields, self.also_stopped_for)

    def for_partial_fit(self) -> Settings:
        """Return the settings with one epoch and no held-out rows."""
        changed = {**self.parameters, "epochs": 1, "early_stopping": False}
        return replace(self, parameters=changed, incremental=True)


@dataclass(frozen=True)
class FitInput:
    """Checked X, the encoder of y, and encoded y; rows beyond ``n_train`` are for validation only.

    ``levels`` are those of the categorical columns, which X holds as codes. ``kept`` are the positions of X's rows
    among the ``n_given`` rows of the caller, since rows without weight are dropped. ``groups`` says which rows a
    splitter keeps together. Fits of the same rows that differ only in numbers keep common results in ``shared``.
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
        """Return what ``make`` returns, computed once for all fits that share their rows."""
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
        """Apply class weights and drop rows without weight; only the ratios of the weights count."""
        weights = class_weights(class_weight, encoder, targets.values, relative_weights(targets.weights))
        weights = relative_weights(weights)
        keep = np.asarray(weights.any(axis=1))
        if not keep.all():
            X, targets, weights = X[keep], EncodedTargets(targets.values[keep], weights[keep]), weights[keep]
        encoded, kept = EncodedTargets(targets.values, weights), np.flatnonzero(keep)
        return cls(X, encoder, encoded, len(kept), levels=levels, kept=kept, n_given=keep.size)

    def with_validation(self, other: FitInput) -> FitInput:
        """Return the same input with validation rows."""
        if other.n_train == 0:
            raise ValueError("y_val has no label with a positive weight: there is nothing to validate on.")
        return replace(self, validation=other)

    def with_groups(self, groups: Any) -> FitInput:
        """Return the same input with a group for each row; ``groups`` has one for every row of the caller."""
        values = np.asarray(unmasked(groups))
        if pd.isna(values).any():
            raise ValueError("groups has missing or masked entries; give every row a group.")
        if values.shape != (self.n_given,):
            raise ValueError(f"groups should have shape ({self.n_given},), one per row of X, got {values.shape}.")
        return replace(self, groups=values[self.kept])

    def check_labels(self) -> None:
        """Check that every task has a label with a positive weight."""
        for i, task in enumerate(self.encoder.tasks):
            if self.targets.observed[:, i].any():
                continue
            raise ValueError(
                f"Task {task.name!r} has no label with a positive weight: its column is empty, or sample_weight "
                "(or class_weight) is zero for all of its labels."
            )


def all_rows(data: FitInput) -> tuple[Any, EncodedTargets]:
    """Return X and the targets with the training rows first, then the validation rows."""
    if data.validation is None:
        return data.X, data.targets
    other = data.validation
    targets = EncodedTargets(
        np.concatenate([data.targets.values, other.targets.values]),
        np.concatenate([data.targets.weights, other.targets.weights]),
    )
    return stack_rows(data.X, other.X), targets
