"""The training engine without an estimator: from rows, rules and numbers to weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from skmtl._records import Head, Kind, NetworkSpec, Task, TrainingNumbers, TrainingResult
from skmtl.losses import LossRule, default_rule, group_losses
from skmtl.networks import CustomNetwork, StackedNetwork
from skmtl.networks._custom import frozen_values, parameter_values
from skmtl.training import TrainingData, TrainingStructure, resolve_optimizer, train
from skmtl.training._callbacks import KerasCallbacks
from skmtl.training._rows import RowPlan

CLASSES = (3, 2)


@dataclass(frozen=True)
class Rows:
    """Inputs, labels in the form that the engine takes (codes or values), and the weights of the labels."""

    X: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    @property
    def count(self) -> int:
        return len(self.X)

    def padded(self, size: int, filler: float = 0.0) -> Rows:
        """Return the same with unused rows, up to ``size``."""
        extra = size - self.count
        return Rows(*(np.concatenate([a, np.full((extra, a.shape[1]), filler, a.dtype)]) for a in self.arrays()))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.X, self.labels, self.weights


def some_rows(kind: Kind, n: int = 30, n_inputs: int = 4, seed: int = 0) -> Rows:
    """Return two tasks that depend on X: values, or codes of three and of two classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_inputs)).astype(np.float32)
    signal = X @ rng.normal(size=(n_inputs, 2)) + 0.3 * rng.normal(size=(n, 2))
    if kind == "regression":
        labels = signal
    else:
        edges = [np.quantile(signal[:, i], np.arange(1, k) / k) for i, k in enumerate(CLASSES)]
        labels = np.column_stack([np.digitize(signal[:, i], edges[i]) for i in range(2)])
    return Rows(X, labels.astype(np.float32), np.ones((n, 2), np.float32))


def widths(kind: Kind) -> tuple[int, int]:
    """Units of the two heads."""
    return CLASSES if kind == "classification" else (1, 1)


def own_rules(kind: Kind) -> list[LossRule]:
    """Keras' default losses on the heads of a caller's model."""
    return [default_rule(kind, probabilities=True, units=units) for units in widths(kind)]


def scheme_rules(kind: Kind) -> list[LossRule]:
    """The default losses on the heads of a built-in scheme."""
    return [default_rule(kind, probabilities=False, units=units) for units in widths(kind)]


def scheme_spec(kind: Kind, **changes: Any) -> NetworkSpec:
    """Shared bottom of one hidden layer for the two tasks."""
    link = "softmax" if kind == "classification" else "identity"
    heads = tuple(Head(f"y{i}", units, link) for i, units in enumerate(widths(kind)))
    spec = NetworkSpec("shared_bottom", 4, heads, (5,), (), "tanh", False, 1)
    return replace(spec, **changes)


def tasks(kind: Kind) -> list[Task]:
    """The two tasks' records."""
    return [Task(f"y{i}", kind, tuple(range(units)) if units > 1 else ()) for i, units in enumerate(widths(kind))]


def some_numbers(**changes: Any) -> TrainingNumbers:
    """Three epochs without shuffling; weights of 1, so that the tasks' losses are summed as in Keras."""
    numbers = TrainingNumbers(
        learning_rate=None,
        weight_decay=None,
        dropout=0.0,
        task_weights=np.ones(2),
        epochs=3,
        batch_size=8,
        tol=0.0,
        patience=1000,
        early_stopping=False,
        shuffle=False,
        seed=0,
    )
    return replace(numbers, **changes)


@dataclass
class Engine:
    """A network with its losses and optimizer, ready to train on rows."""

    rules: Sequence[LossRule]
    units: Sequence[int]
    parameters: np.ndarray
    frozen: Sequence[np.ndarray]
    make: Any
    key: Any = None
    optimizer: Any = "adam"
    routed: dict[str, Any] = field(default_factory=dict)
    weight_decay: float | None = None
    jit: bool = False
    separate: bool = False

    @classmethod
    def of_scheme(cls, kind: Kind, spec: NetworkSpec | None = None, seed: int = 0, **settings: Any) -> Engine:
        """Return an engine of a built-in scheme, whose programs are cached by its spec."""
        spec = scheme_spec(kind) if spec is None else spec
        network = StackedNetwork(spec)
        dropout = settings.pop("dropout", 0.0)
        return cls(
            rules=settings.pop("rules", scheme_rules(kind)),
            units=[head.units for head in spec.heads],
            parameters=network.initial_parameters(seed),
            frozen=network.initial_frozen(seed, dropout),
            make=lambda members: StackedNetwork(replace(spec, members=members)),
            key=replace(spec, members=1),
            **settings,
        )

    @classmethod
    def of_models(cls, models: Sequence[keras.Model], kind: Kind, **settings: Any) -> Engine:
        """Return an engine of a caller's models, one per member, which is never cached."""
        return cls(
            rules=settings.pop("rules", own_rules(kind)),
            units=widths(kind),
            parameters=parameter_values(models),
            frozen=frozen_values(models),
            make=lambda members: CustomNetwork(models[:members], tasks(kind)),
            separate=True,
            **settings,
        )

    @property
    def members(self) -> int:
        return len(self.parameters)

    @property
    def structure(self) -> TrainingStructure:
        """The structure of the program."""
        return TrainingStructure(
            key=self.key,
            make_network=self.make,
            groups=group_losses(self.rules, self.units),
            optimizer=resolve_optimizer(self.optimizer, self.routed, self.weight_decay),
            task_names=tuple(f"y{i}" for i in range(len(self.rules))),
            jit=self.jit,
            separate=self.separate,
        )

    def run(
        self,
        rows: Rows,
        numbers: TrainingNumbers | None = None,
        plan: RowPlan | None = None,
        callbacks: KerasCallbacks | None = None,
        **changes: Any,
    ) -> TrainingResult:
        """Train; without a plan every member trains on all rows."""
        everything = np.arange(rows.count)
        plan = RowPlan((everything,) * self.members, (everything[:0],) * self.members) if plan is None else plan
        n_tasks = len(self.rules)
        data = TrainingData(
            *rows.arrays(),
            units=changes.pop("units", np.ones(n_tasks)),
            scale=np.ones(n_tasks),
            plan=plan,
            parameters=self.parameters,
            frozen=self.frozen,
        )
        numbers = some_numbers(**changes) if numbers is None else numbers
        return train(self.structure, data, numbers, callbacks)
