"""List the fits of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone, is_classifier, is_regressor

from .._records import Kind
from ..targets import TargetColumns
from ._baselines import seeded, single_task_baseline, with_kinds
from ._budget import shrink_baselines
from ._comparison import MULTI, SINGLE
from ._estimators import core, fits_jointly
from ._folds import Folds
from ._jobs import Job


@dataclass(frozen=True)
class Plan:
    """The fits of a comparison, fold by fold; ``scored`` holds the tasks that are compared."""

    columns: TargetColumns
    kinds: Sequence[Kind]
    scored: Sequence[int]
    folds: Folds
    seed: int

    def joint_jobs(self, estimator: Any) -> Iterator[Job]:
        """Return the fits of the multi-task estimator."""
        if not fits_jointly(estimator, self._complete):
            reason = "takes one target at a time" if self._complete else "does not take missing labels"
            raise ValueError(
                f"{type(core(estimator)).__name__} {reason}, so there is no multi-task fit to compare. Pass one of "
                "skmtl's estimators, or pass this one in other_estimators."
            )
        return self._jobs(MULTI, with_kinds(clone(estimator), self.columns.names, self.kinds), None)

    def baseline_jobs(self, estimator: Any, budget: str, spec: Any) -> Iterator[Job]:
        """Return the fits of the single-task baselines; ``spec`` is the structure of the multi-task network."""
        explicit = with_kinds(clone(estimator), self.columns.names, self.kinds)
        baselines = [single_task_baseline(explicit, task, self.columns.names) for task in range(len(self.kinds))]
        if budget == "equal_parameters":
            baselines = shrink_baselines(baselines, spec)
        for task in self.scored:
            yield from self._jobs(SINGLE, baselines[task], task)

    def other_jobs(self, others: Mapping[str, Any]) -> Iterator[Job]:
        """Return the fits of the caller's other estimators: of all tasks at once if possible, else task by task."""
        for name, given in others.items():
            by_kind = given if isinstance(given, Mapping) else dict.fromkeys(("regression", "classification"), given)
            if not isinstance(given, Mapping) and fits_jointly(given, self._complete):
                self._check_kind(name, given, range(len(self.kinds)))
                yield from self._jobs(name, with_kinds(clone(given), self.columns.names, self.kinds), None)
                continue
            for task in self.scored:
                if self.kinds[task] not in by_kind:
                    raise ValueError(
                        f"other_estimators[{name!r}] has no estimator for a {self.kinds[task]}, but the task "
                        f"{self.columns.names[task]!r} is one."
                    )
                self._check_kind(name, by_kind[self.kinds[task]], [task])
                yield from self._jobs(name, by_kind[self.kinds[task]], task)

    @property
    def _complete(self) -> bool:
        return all(observed.all() for observed in self.columns.observed)

    def _jobs(self, label: str, estimator: Any, task: int | None) -> Iterator[Job]:
        for fold, (train, test) in enumerate(zip(self.folds.train, self.folds.test, strict=True)):
            yield Job(label, seeded(estimator, fold, self.seed), fold, train, test, task)

    def _check_kind(self, name: str, estimator: Any, tasks: Sequence[int] | range) -> None:
        inner = core(estimator)
        for task in tasks:
            wrong = is_classifier(inner) if self.kinds[task] == "regression" else is_regressor(inner)
            if wrong:
                raise ValueError(
                    f"other_estimators[{name!r}] is a {type(inner).__name__}, but the task "
                    f"{self.columns.names[task]!r} is a {self.kinds[task]}. For tasks of both kinds, pass a dict "
                    '{"regression": ..., "classification": ...}.'
                )
