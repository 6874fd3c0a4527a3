"""The members that one program trains, and their results."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .._records import BestWeights, StopReason, TrainingNumbers, TrainingResult
from ._callbacks import KerasCallbacks
from ._epoch_state import Observer
from ._history import History, averages
from ._progress import Progress
from ._rows import RowPlan
from ._structure import TrainingData, TrainingStructure
from ._tensors import State


@dataclass
class Part:
    """Members of one fit in a run: their data, their numbers and their history.

    ``first`` is the number of the first member in the fit; ``offset`` is where the fit's rows begin among all rows. A
    part with no epochs only fills up a program.
    """

    data: TrainingData
    numbers: TrainingNumbers
    history: History
    first: int = 0
    offset: int = 0
    stop: StopReason = StopReason.EPOCHS_USED
    done: int = 0

    def __post_init__(self) -> None:
        self.over = self.numbers.epochs == 0


@dataclass
class Run:
    """Members of one or several fits that one program trains; ``group`` is the number of the run.

    ``state`` is the state after the last complete epoch, and ``over`` whether it was the last one. A ``watched`` run
    yields after every epoch. ``most_epochs`` is the largest number of epochs of any run of the same program.
    """

    structure: TrainingStructure
    parts: Sequence[Part]
    progress: Progress
    callbacks: KerasCallbacks | None = None
    group: int = 0
    watched: bool = False
    halt: threading.Event = field(default_factory=threading.Event)
    observer: Observer | None = None
    most_epochs: int = 0
    done: int = 0
    over: bool = False
    state: State = field(init=False)
    rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.rate = rate_of(self.structure, self.parts[0].numbers)
        self.most_epochs = max(self.most_epochs, *(part.numbers.epochs for part in self.parts))
        stops = np.cumsum([part.data.members for part in self.parts]).tolist()
        self.places = [slice(start, stop) for start, stop in zip([0, *stops[:-1]], stops, strict=True)]

    @property
    def plan(self) -> RowPlan:
        """The rows of all members, as numbers among the rows of all fits."""
        shifted = [part.data.plan.shifted(part.offset) for part in self.parts]
        return RowPlan(
            *(tuple(rows for plan in shifted for rows in side(plan)) for side in (rows_trained_on, rows_held_out))
        )


def checked_result(run: Run, number: int = 0) -> TrainingResult:
    """Return the result of a part of the run; raise an error if it diverged."""
    result = result_of(run, number)
    for parameters in (result.parameters, *(one.parameters for one in result.other_bests)):
        run.parts[number].history.check_finite(parameters)
    return result


def result_of(run: Run, number: int = 0) -> TrainingResult:
    """Return the result of a part of the run if it ends here."""
    part = run.parts[number]
    return result_of_state(
        run.state,
        part.history,
        part.numbers.early_stopping,
        tuple(part.data.plan.evaluate),
        holds_out(part.data),
        part.done,
        StopReason.INTERRUPTED if run.halt.is_set() else part.stop,
        None if len(run.parts) == 1 else (run.places[number], number),
    )


def result_of_state(
    state: State,
    history: History,
    stops_early: bool,
    held_out: tuple[np.ndarray, ...],
    any_held_out: bool,
    n_epochs: int,
    stop: StopReason,
    of_several: tuple[slice, int] | None = None,
) -> TrainingResult:
    """Return the result of a state and its history, with each member's weights at its best epoch if there is one.

    ``of_several`` has the place of the fit's members in the state and the number of the fit, if there are several.
    """
    place, number = (slice(None), 0) if of_several is None else of_several
    # Among several fits, those that are over have their last weights in ``best``.
    alone = of_several is None
    keep_best = not alone or (stops_early and any_held_out)
    best = state.best[0].epoch.numpy()[place] if any_held_out else np.full(len(held_out), n_epochs)
    kept = [
        BestWeights(
            one.flat.numpy()[place], tuple(value.numpy() if alone else value.numpy()[number] for value in one.frozen)
        )
        for one in (state.best if keep_best else [state] * len(state.best))
    ]
    members = history.members()
    return TrainingResult(
        parameters=kept[0].parameters,
        frozen=kept[0].frozen,
        # Training cannot continue for fits that were trained together.
        optimizer_state=(tuple(value.numpy() for value in state.optimizer),) if alone else (),
        history=averages(members),
        member_history=members,
        n_epochs=n_epochs,
        best_epochs=best,
        stop=stop,
        held_out=held_out,
        balancing={name: value.numpy()[place] for name, value in state.balancing.method.items()},
        cosines=history.balancing.cosines(),
        other_bests=tuple(kept[1:]),
    )


def rows_trained_on(plan: RowPlan) -> tuple[np.ndarray, ...]:
    return plan.train


def rows_held_out(plan: RowPlan) -> tuple[np.ndarray, ...]:
    return plan.evaluate


def holds_out(data: TrainingData) -> bool:
    return any(len(rows) for rows in data.plan.evaluate)


def rate_of(structure: TrainingStructure, numbers: TrainingNumbers) -> float:
    return structure.optimizer.learning_rate if numbers.learning_rate is None else numbers.learning_rate
