"""Members under training in one program, and what they come to."""

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
    """Some members of one fit, as a run trains them: their data, their numbers and the record of it.

    ``first`` is the number of the first of them in the fit; ``offset`` says where the fit's rows begin among those of
    all. A part of no epochs fills a program up.
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
    """Members under training in one program: those of a fit, or of several; ``group`` is the run's number.

    ``state`` is that after the last whole epoch, ``over`` whether it was the last one of all. A ``watched`` run
    gives way after every epoch. ``most_epochs`` is what any run of the same program may take.
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
        """Which of all rows each member uses."""
        shifted = [part.data.plan.shifted(part.offset) for part in self.parts]
        return RowPlan(
            *(tuple(rows for plan in shifted for rows in side(plan)) for side in (rows_trained_on, rows_held_out))
        )


def checked_result(run: Run, number: int = 0) -> TrainingResult:
    """What a part of the run came to; raises where it diverged."""
    result = result_of(run, number)
    for parameters in (result.parameters, *(one.parameters for one in result.other_bests)):
        run.parts[number].history.check_finite(parameters)
    return result


def result_of(run: Run, number: int = 0) -> TrainingResult:
    """What a part of the run comes to if it ends here."""
    part = run.parts[number]
    return what_is_kept(
        run.state,
        part.history,
        part.numbers.early_stopping,
        tuple(part.data.plan.evaluate),
        holds_out(part.data),
        part.done,
        StopReason.INTERRUPTED if run.halt.is_set() else part.stop,
        None if len(run.parts) == 1 else (run.places[number], number),
    )


def what_is_kept(
    state: State,
    history: History,
    stops_early: bool,
    held_out: tuple[np.ndarray, ...],
    any_held_out: bool,
    n_epochs: int,
    stop: StopReason,
    of_several: tuple[slice, int] | None = None,
) -> TrainingResult:
    """What a state and its record come to: the weights of each member's best epoch, where it was to be found.

    ``of_several`` says where the fit's members lie in the state, and which fit it is, where others are trained in it.
    """
    place, number = (slice(None), 0) if of_several is None else of_several
    # Of several fits those that are over have their last weights among the best ones.
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
        # Of several fits none is trained further.
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
