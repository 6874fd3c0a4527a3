"""The records that one stage hands to the next: frozen, and hashable where they key a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import numpy as np

Kind = Literal["regression", "classification"]
Link = Literal["identity", "softmax", "sigmoid", "softplus", "none", "certain"]


@dataclass(frozen=True)
class Task:
    """One column of y: its name, its kind and, for a classification, its sorted classes.

    ``classes`` is a tuple of labels, empty for a regression.
    """

    name: str
    kind: Kind
    classes: tuple[Any, ...] = ()


@dataclass(frozen=True)
class EncodedTargets:
    """y as numbers: regression targets as they are, classes as codes 0, 1, …; missing cells hold 0.

    ``values`` and ``weights`` are (n_samples, n_tasks) float64; a weight of 0 marks a missing label
    (or one that the caller gave no weight).
    """

    values: np.ndarray
    weights: np.ndarray

    @property
    def observed(self) -> np.ndarray:
        """Mask of the labels that count, (n_samples, n_tasks) bool."""
        return self.weights > 0


@dataclass(frozen=True)
class Head:
    """A task's output layers as the network sees them: how many units, and what turns them into a prediction."""

    name: str
    units: int
    link: Link


@dataclass(frozen=True)
class InputLayout:
    """How the columns of the encoded inputs lie side by side, where they are not all plain numbers.

    In this order: ``embedded`` numeric columns that ``numeric_embedding`` takes, ``plain`` columns that go into
    the network as they are, ``positions`` of the embedded columns among their bins (as many, or none), and
    ``codes``: rows of one table of categories' embeddings with ``table_rows`` rows, -1 for none. Categories become
    ``category_dim`` numbers, however many levels they have: RealMLP's default (Holzmueller et al., 2024).
    """

    embedded: int = 0
    plain: int = 0
    positions: int = 0
    codes: int = 0
    table_rows: int = 0
    category_dim: int = 8
    numeric_embedding: Any = None

    @property
    def n_columns(self) -> int:
        """Number of all columns."""
        return self.embedded + self.plain + self.positions + self.codes


@dataclass(frozen=True)
class NetworkSpec:
    """Structure of a network; everything that changes the compiled program, and nothing that is a mere number.

    ``architecture`` is the name of a sharing scheme, whose ``options`` are given by name (its defaults else), or
    a scheme of the caller's own. ``inputs`` says which of the ``n_inputs`` columns are not plain numbers. The members
    belong to ``fits`` fits, as many to each: only while several are trained together is that more than one.
    """

    architecture: Any
    n_inputs: int
    heads: tuple[Head, ...]
    hidden_layer_sizes: tuple[int, ...]
    head_layer_sizes: tuple[int, ...]
    activation: str
    dropout: bool
    members: int
    options: tuple[tuple[str, Any], ...] = ()
    dtype: str = "float32"
    inputs: InputLayout | None = None
    fits: int = 1

    @property
    def stacked(self) -> bool:
        """Whether the layers carry a member axis.

        A lone network needs none, except in float64: TensorFlow's graph optimizer warns about each plain
        product of that type, and leaves batched ones alone.
        """
        return self.members > 1 or self.dtype == "float64"


@dataclass(frozen=True)
class CustomSource:
    """How to build the caller's model again: from its saved configuration, else by calling the builder."""

    builder: Callable[..., Any] | None
    arguments: Mapping[str, Any]
    configuration: str | None = None
    classes: Mapping[str, type] = field(default_factory=dict)
    n_inputs: int | None = None
    n_parameters: int | None = None


@dataclass(frozen=True)
class TargetScaling:
    """Per task, how a network's output becomes a prediction: ``shift + scale * output``; float64 (n_tasks,).

    A scale of 0 is that of a constant target: whatever the network says, the constant is predicted. A shift of NaN is
    that of a task without a label so far, of which nothing can be said.
    """

    shift: np.ndarray
    scale: np.ndarray

    def to_outputs(self, values: np.ndarray) -> np.ndarray:
        """Targets (n_samples, n_tasks) as the network should give them."""
        return np.where(self.known, (values - self.shift) / self.divisor, 0.0)

    @property
    def known(self) -> np.ndarray:
        """Which tasks have had labels, (n_tasks,) bool."""
        return ~np.isnan(self.shift)

    @property
    def divisor(self) -> np.ndarray:
        """The scale, and 1 for a constant target."""
        return np.where(self.scale == 0, 1.0, self.scale)


@dataclass(frozen=True)
class TrainingNumbers:
    """The numbers of a fit: inputs of the compiled program, so that changing one re-traces nothing.

    With ``stopped_by_others`` a member's best epoch is that of the rows that the others of its group hold out: its own
    ones then have had no say in what it predicts of them.

    ``criteria`` are early-stopping criteria, (n_criteria, n_tasks) of bool. Each is the mean held-out loss of its tasks
    (of all tasks with held-out labels, if a member holds out none of these). The weights of its best epoch are kept,
    and members are trained until no criterion improves. None is one criterion of all tasks.
    """

    learning_rate: float | None
    weight_decay: float | None
    dropout: float
    task_weights: np.ndarray
    epochs: int
    batch_size: int
    tol: float
    patience: int
    early_stopping: bool
    shuffle: bool
    seed: int
    balancing: tuple[tuple[str, float], ...] = ()
    cosine: bool = False
    stopped_by_others: bool = False
    criteria: np.ndarray | None = None

    @property
    def n_criteria(self) -> int:
        """In how many eyes an epoch may be the best."""
        return 1 if self.criteria is None else len(self.criteria)


class StopReason(Enum):
    """Why training ended; the value is the sentence shown to the user."""

    EPOCHS_USED = "all epochs were used"
    NO_IMPROVEMENT = "the validation loss stopped improving"
    CALLBACK = "a callback asked to stop"
    INTERRUPTED = "training was interrupted"
    DIVERGED = "training diverged"


@dataclass(frozen=True)
class GradientCosines:
    """Cosines of the tasks' gradients over the shared parameters: sums over the steps of each epoch, and of members.

    All are (epochs, tasks, tasks) float64: ``total`` of the cosines, ``conflicts`` counts negative ones, and
    ``steps`` those in which both tasks had labels.
    """

    total: np.ndarray
    conflicts: np.ndarray
    steps: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean cosine per epoch; NaN where two tasks never met."""
        return np.where(self.steps > 0, self.total / np.maximum(self.steps, 1.0), np.nan)

    @property
    def conflict_share(self) -> np.ndarray:
        """Share of each epoch's steps with a negative cosine; NaN where two tasks never met."""
        return np.where(self.steps > 0, self.conflicts / np.maximum(self.steps, 1.0), np.nan)

    @classmethod
    def together(cls, parts: Sequence[GradientCosines]) -> GradientCosines:
        """Those of several groups of members; one that stopped early adds nothing after that."""
        epochs = max(len(part.steps) for part in parts)
        padded = [
            [np.pad(sums, ((0, epochs - len(sums)), (0, 0), (0, 0))) for sums in (p.total, p.conflicts, p.steps)]
            for p in parts
        ]
        return cls(*(np.sum(sums, axis=0) for sums in zip(*padded, strict=True)))


@dataclass(frozen=True)
class BestWeights:
    """Weights of the epochs that are best in the eyes of one judge; see `TrainingResult`."""

    parameters: np.ndarray
    frozen: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class TrainingResult:
    """What training gives back: numpy weights and the record of how they came about.

    ``parameters`` is (members, n_parameters) float32; ``frozen`` the network's other variables.
    ``history`` maps a name to one float per epoch; ``member_history`` to one row per epoch, one column per member.
    ``balancing`` is what the balancing method remembers, by name, (members, ...). Weights and best epochs are those in
    the eyes of the first judge; ``other_bests`` has the weights for each of the others.
    """

    parameters: np.ndarray
    frozen: tuple[np.ndarray, ...]
    optimizer_state: tuple[tuple[np.ndarray, ...], ...]
    history: dict[str, list[float]]
    member_history: dict[str, np.ndarray]
    n_epochs: int
    best_epochs: np.ndarray
    stop: StopReason
    held_out: tuple[np.ndarray, ...] = field(default=())
    balancing: dict[str, np.ndarray] = field(default_factory=dict)
    cosines: GradientCosines | None = None
    other_bests: tuple[BestWeights, ...] = ()
