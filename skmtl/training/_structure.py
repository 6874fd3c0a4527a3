"""The inputs of the training engine: the structure of a fit's program, and its data."""

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
    """Everything that a compiled program depends on, except the number of members.

    ``key`` identifies the network that ``make_network(members)`` makes (or ``make_network(members, fits)``, for several
    fits); with None, nothing is cached. ``programs`` is the cache: that of the process or, if the caller's code is part
    of the program and may change, one of this fit alone.
    """

    key: Hashable | None
    make_network: Callable[..., Network]
    groups: tuple[LossGroup, ...]
    optimizer: OptimizerRule
    task_names: tuple[str, ...]
    jit: bool
    separate: bool = False  # each member has frozen values of its own
    balancing: Balancing | None = None
    cosines: bool = False  # record cosines of the tasks' gradients with any method
    programs: ProgramCache[Program] = PROGRAMS
    workers: Workers = ALONE
    streamed: bool = False  # rows come a window at a time

    def program(
        self, members: int, evaluates: bool = True, criteria: int = 1, fits: int = 1, uneven: bool = False
    ) -> Program:
        """Return the program for these numbers of members and early-stopping criteria, from the cache if it is there.

        The members belong to ``fits`` fits; with ``uneven``, some take more steps per epoch than others.
        """
        shape = (members, evaluates, criteria, fits, uneven)
        key = None if self.key is None else (*self.identity, *shape)
        return self.programs.get(key, lambda: self._make(members, evaluates, fits, uneven))

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """What fits must have in common to be trained by one program."""
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
    """Encoded rows (padded with zeros), each member's rows, and the network's initial values.

    ``inputs`` is (rows, features), ``labels`` and ``weights`` are (rows, tasks). ``units`` and ``scale``, (tasks,), are
    one over the constant prediction's loss, and the targets' scale. ``parameters`` is (members, n_parameters).
    """

    inputs: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    units: np.ndarray
    scale: np.ndarray
    plan: RowPlan
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]
    optimizer_state: Sequence[Sequence[np.ndarray]] | None = None  # one entry per group of members
    balancing: Mapping[str, np.ndarray] | None = None  # state of the balancing method, (members, ...)
    sampling: RowSampling | None = None  # how rows are drawn; None: each once per epoch

    @property
    def members(self) -> int:
        """Number of networks to train."""
        return len(self.parameters)


@dataclass(frozen=True)
class TrainingJob:
    """Everything the engine needs for a fit. With ``may_compile`` the engine decides about XLA."""

    structure: TrainingStructure
    data: TrainingData
    numbers: TrainingNumbers
    may_compile: bool = False
