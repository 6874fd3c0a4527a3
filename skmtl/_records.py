"""Frozen records that one stage passes to the next; those that key a cache are hashable."""

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
    """y as numbers: regression targets unchanged, classes as codes 0, 1, …, and 0 for missing labels.

    ``values`` and ``weights`` are (n_samples, n_tasks) float64. A weight of 0 marks a label that is missing or has no
    weight.
    """

    values: np.ndarray
    weights: np.ndarray

    @property
    def observed(self) -> np.ndarray:
        """Mask of the labels with a positive weight, (n_samples, n_tasks) bool."""
        return self.weights > 0


@dataclass(frozen=True)
class Head:
    """Output of a task as the network sees it: the number of units, and the link that turns them into predictions."""

    name: str
    units: int
    link: Link


@dataclass(frozen=True)
class InputLayout:
    """Layout of the columns of the encoded inputs, if they are not all plain numbers.

    The columns are, in this order: ``embedded`` numeric columns for ``numeric_embedding``; ``plain`` columns that enter
    the network unchanged; ``positions`` of the embedded columns among their bins (as many, or none); and ``codes``,
    rows of one table of category embeddings with ``table_rows`` rows, -1 for none. Each category becomes
    ``category_dim`` numbers, whatever its number of levels, as is RealMLP's default (Holzmueller et al., 2024).
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
        """Total number of columns."""
        return self.embedded + self.plain + self.positions + self.codes


@dataclass(frozen=True)
class NetworkSpec:
    """Structure of a network: everything that changes the compiled program, without numbers that do not.

    ``architecture`` is the name of a sharing scheme, with its ``options`` by name (else their defaults), or the
    caller's own scheme. ``inputs`` says which of the ``n_inputs`` columns are not plain numbers. The members belong to
    ``fits`` fits, equally many to each; this is more than one only while several fits are trained together.
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
        """Whether the layers have a member axis.

        A single network needs none, except in float64: TensorFlow's graph optimizer warns about each plain product of
        that type, but not about batched ones.
        """
        return self.members > 1 or self.dtype == "float64"


@dataclass(frozen=True)
class CustomSource:
    """Source for rebuilding the caller's model: its saved configuration, else the builder."""

    builder: Callable[..., Any] | None
    arguments: Mapping[str, Any]
    configuration: str | None = None
    classes: Mapping[str, type] = field(default_factory=dict)
    n_inputs: int | None = None
    n_parameters: int | None = None


@dataclass(frozen=True)
class TargetScaling:
    """Scaling of each task's output to a prediction, ``shift + scale * output``; float64 (n_tasks,).

    A scale of 0 marks a constant target, for which the constant is always predicted. A shift of NaN marks a task
    without labels so far, for which nothing can be predicted.
    """

    shift: np.ndarray
    scale: np.ndarray

    def to_outputs(self, values: np.ndarray) -> np.ndarray:
        """Return targets (n_samples, n_tasks) on the scale of the network's outputs."""
        return np.where(self.known, (values - self.shift) / self.divisor, 0.0)

    @property
    def known(self) -> np.ndarray:
        """Mask of the tasks that have had labels, (n_tasks,) bool."""
        return ~np.isnan(self.shift)

    @property
    def divisor(self) -> np.ndarray:
        """The scale, or 1 for a constant target."""
        return np.where(self.scale == 0, 1.0, self.scale)


@dataclass(frozen=True)
class TrainingNumbers:
    """Numbers of a fit that are inputs of the compiled program, so a change does not retrace it.

    With ``stopped_by_others``, a member's best epoch is chosen on the rows that the other members of its group hold
    out. Its own held-out rows then have no influence on its predictions for them.

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
        """Number of early-stopping criteria."""
        return 1 if self.criteria is None else len(self.criteria)


class StopReason(Enum):
    """Reason why training ended; the value is the text shown to the user."""

    EPOCHS_USED = "all epochs were used"
    NO_IMPROVEMENT = "the validation loss stopped improving"
    CALLBACK = "a callback asked to stop"
    INTERRUPTED = "training was interrupted"
    DIVERGED = "training diverged"


@dataclass(frozen=True)
class GradientCosines:
    """Cosines of the tasks' gradients over the shared parameters, summed over members and the steps of each epoch.

    All are (epochs, tasks, tasks) float64: ``total`` is the sum of cosines, ``conflicts`` the number of negative ones,
    and ``steps`` the number of steps in which both tasks had labels.
    """

    total: np.ndarray
    conflicts: np.ndarray
    steps: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean cosine per epoch; NaN for tasks without common steps."""
        return np.where(self.steps > 0, self.total / np.maximum(self.steps, 1.0), np.nan)

    @property
    def conflict_share(self) -> np.ndarray:
        """Fraction of each epoch's steps with a negative cosine; NaN for tasks without common steps."""
        return np.where(self.steps > 0, self.conflicts / np.maximum(self.steps, 1.0), np.nan)

    @classmethod
    def together(cls, parts: Sequence[GradientCosines]) -> GradientCosines:
        """Add up the cosines of several groups of members; a group that stopped adds nothing in later epochs."""
        epochs = max(len(part.steps) for part in parts)
        padded = [
            [np.pad(sums, ((0, epochs - len(sums)), (0, 0), (0, 0))) for sums in (p.total, p.conflicts, p.steps)]
            for p in parts
        ]
        return cls(*(np.sum(sums, axis=0) for sums in zip(*padded, strict=True)))


@dataclass(frozen=True)
class BestWeights:
    """Weights of the epochs that are best by one early-stopping criterion; see `TrainingResult`."""

    parameters: np.ndarray
    frozen: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class TrainingResult:
    """Result of training: weights as numpy arrays, and the history of the fit.

    ``parameters`` is (members, n_parameters) float32; ``frozen`` are the network's other variables. ``history`` maps
    names to one float per epoch, ``member_history`` to one row per epoch and one column per member. ``balancing`` is
    the state of the balancing method by name, (members, ...). Weights and best epochs are those by the first
    early-stopping criterion; ``other_bests`` has the weights for each of the others.
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
