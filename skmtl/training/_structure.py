"""What a fit hands to the engine: the structure of its program, and its data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._cache import ProgramCache
from .._records import TrainingNumbers
from ..balancing import Balancing
from ..losses import LossGroup
from ..networks import Network
from ._gradient import is_equal
from ._optimizer import OptimizerRule
from ._program import Program
from ._rows import RowPlan
from ._sampling import RowSampling
from ._workers import ALONE, Workers

PROGRAMS: ProgramCache[Program] = ProgramCache(32)


@dataclass(frozen=True)
class TrainingStructure:
    """What makes one compiled program, but for the number of members.

    ``key`` says what network ``make_network(members)`` makes, or ``make_network(members, fits)`` for those of several
    fits, where there is such a thing; with None nothing is kept. ``programs`` keeps what is
    compiled: the process' cache, or one of the fit's own, where code of the caller's is part of it, which may change.
    """

    key: Hashable | None
    make_network: Callable[..., Network]
    groups: tuple[LossGroup, ...]
    optimizer: OptimizerRule
    task_names: tuple[str, ...]
    jit: bool
    separate: bool = False  # the network's frozen values come member by member
    balancing: Balancing | None = None
    cosines: bool = False  # record the cosines of the tasks' gradients, whatever the method
    programs: ProgramCache[Program] = PROGRAMS
    workers: Workers = ALONE
    streamed: bool = False  # rows come a window at a time

    def program(
        self, members: int, evaluates: bool = True, criteria: int = 1, fits: int = 1, uneven: bool = False
    ) -> Program:
        """The program for so many members and judges, with rows to evaluate on or without, from the cache if known.

        The members belong to so many ``fits``; with ``uneven`` some take more steps an epoch than others.
        """
        shape = (members, evaluates, criteria, fits, uneven)
        key = None if self.key is None else (*self.identity, *shape)
        return self.programs.get(key, lambda: self._make(members, evaluates, fits, uneven))

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """What fits have to agree in to be trained by one program."""
        method = None if is_equal(self.balancing) or self.balancing is None else self.balancing.structure()
        return (self.key, self.groups, self.optimizer, self.jit, method, self.cosines, self.workers, self.streamed)

    def _make(self, members: int, evaluates: bool, fits: int, uneven: bool) -> Program:
        method = None if is_equal(self.balancing) else self.balancing
        network = self.make_network(members) if fits == 1 else self.make_network(members, fits)
        n_tasks = len(self.task_names)
        return Program(
            network,
            self.groups,
            self.optimizer,
            n_tasks,
            self.jit,
            evaluates,
            method,
            self.cosines,
            uneven,
            self.workers,
        )


@dataclass(frozen=True)
class TrainingData:
    """Encoded rows (padded with zeros to any length) and who uses which; start values of the network.

    ``inputs`` (rows, features), ``labels`` and ``weights`` (rows, tasks); ``units`` and ``scale`` (tasks,):
    1 / the constant prediction's loss, and the targets' scale. ``parameters`` is (members, n_parameters).
    """

    inputs: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    plan: RowPlan
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]
    optimizer_state: Sequence[Sequence[np.ndarray]] | None = None  # one entry a group of members
    balancing: Mapping[str, np.ndarray] | None = None  # what the balancing method remembers, (members, ...)
    sampling: RowSampling | None = None  # how rows are drawn; None: each once an epoch

    @property
    def members(self) -> int:
        """Number of networks to train."""
        return len(self.parameters)


@dataclass(frozen=True)
class TrainingJob:
    """All that the engine has to know of a fit. With ``may_compile`` XLA is left to the engine."""

    structure: TrainingStructure
    data: TrainingData
    numbers: TrainingNumbers
    may_compile: bool = False
