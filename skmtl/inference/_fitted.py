"""A fitted network: numpy weights, and all that is needed to predict with them, to pickle and to copy it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._backend import check_backend
from .._records import Head, NetworkSpec, TargetScaling, Task, TrainingResult
from ..features import FeatureEncoder
from ..targets import TargetEncoder
from . import EXACT_ROWS, numpy_outputs


class Origin:
    """Identity of the fit that a network comes from, which owns the programs compiled from the caller's code."""


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """Weights, encoders and structure; either ``spec`` (a built-in scheme) or ``custom`` is set.

    ``units`` are the losses of a constant prediction, (n_tasks,), which partial_fit keeps using as units; ``n_rows`` is
    the number of rows with labels in the last fit.
    """

    features: FeatureEncoder
    targets: TargetEncoder
    scaling: TargetScaling
    units: np.ndarray
    heads: tuple[Head, ...]
    parameters: np.ndarray
    frozen: tuple[np.ndarray, ...]
    members: int
    dropout: float
    spec: NetworkSpec | None = None
    custom: Any = None
    custom_key: Any = None
    optimizer_state: tuple[tuple[np.ndarray, ...], ...] | None = None
    balancing_state: tuple[str, dict[str, np.ndarray]] | None = None
    held_out: tuple[np.ndarray, ...] = field(default=())
    trained_epochs: int = 0
    n_rows: int = 0
    origin: Origin = field(default_factory=Origin, repr=False)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks, in the order of y's columns."""
        return self.targets.tasks

    @functools.cached_property
    def all_quantities(self) -> bool:
        """Whether every task is a regression."""
        return all(task.kind == "regression" for task in self.targets.tasks)

    def quantities(self, X: Any) -> list[np.ndarray]:
        """Return per task, in float64, the predictions (n,) of a regression or class probabilities (n, n_classes)."""
        raw = None
        if self.spec is not None:
            raw = numpy_outputs(self.spec, self.parameters, lambda rows, t: self._encode(X, rows, t), X.shape[0], self)
        if raw is None:
            exact = self.spec is not None and X.shape[0] <= EXACT_ROWS
            raw = self._compiled_outputs(X, np.float64 if exact else np.float32)
        if self.all_quantities:
            return list(self.scaling.shift[:, None] + self.scaling.scale[:, None] * np.array(raw)[:, :, 0])
        return [self._decode(task, values) for task, values in enumerate(raw)]

    def by_criterion(self, result: TrainingResult) -> dict[str, FittedNetwork]:
        """Return the network by part name, and the same with its weights at the best epoch for regressions, if kept."""
        networks = {"network": self}
        for best in result.other_bests:
            networks["regression_network"] = replace(self, parameters=best.parameters, frozen=best.frozen)
        return networks

    def member(self, number: int) -> FittedNetwork:
        """Return one member as a network of its own."""
        frozen = self.frozen
        if self.spec is None:
            width = len(frozen) // self.members
            frozen = frozen[number * width : (number + 1) * width]
        return replace(
            self,
            parameters=self.parameters[number : number + 1],
            frozen=frozen,
            members=1,
            spec=None if self.spec is None else replace(self.spec, members=1),
            optimizer_state=None,
            held_out=self.held_out[number : number + 1],
        )

    def member_variances(self, X: Any) -> np.ndarray:
        """Return the variance among the members' predictions, (n_samples, n_tasks), if all tasks are regressions."""
        predicted = np.array([np.array(self.member(number).quantities(X)).T for number in range(self.members)])
        # The variance of huge numbers is infinite.
        with np.errstate(over="ignore"):
            return predicted.var(axis=0)

    def _encode(self, X: Any, rows: slice, dtype: type) -> np.ndarray:
        part = X if rows.start == 0 and rows.stop == X.shape[0] else X[rows]
        return self.features.transform(part, dtype=dtype)

    def _compiled_outputs(self, X: Any, dtype: type) -> list[np.ndarray]:
        from ._compiled import predict_raw

        check_backend()
        structure = self._structure(np.dtype(dtype).name)
        encode = lambda rows: self._encode(X, rows, dtype)  # noqa: E731
        return predict_raw(structure, self.parameters, self.frozen, encode, X.shape[0])

    def encoders(self) -> list[FeatureEncoder]:
        """Return the feature encoder, as a list."""
        return [self.features]

    def keras_model(self) -> Any:
        """Return a Keras model that takes the caller's columns and predicts in the caller's units."""
        return self._keras_model(self.features.layer_settings(), self.scaling)

    def encoded_keras_model(self) -> Any:
        """Return a Keras model from encoded features to the heads' outputs, before target scaling is undone."""
        width, n_tasks = self.features.n_outputs, len(self.tasks)
        unchanged = {"center": np.zeros(width), "scale": np.ones(width), "fill": np.zeros(width), "indicators": []}
        return self._keras_model(unchanged, TargetScaling(np.zeros(n_tasks), np.ones(n_tasks)))

    def _keras_model(self, encoding: dict[str, Any], scaling: TargetScaling) -> Any:
        check_backend()
        from ..networks import export_custom_model, export_model

        # A task with a single class predicts it, whatever the output of its head.
        heads = tuple(
            replace(head, link="certain") if len(task.classes) == 1 else head
            for head, task in zip(self.heads, self.tasks, strict=True)
        )
        if self.spec is None:
            return export_custom_model(
                self.custom, heads, encoding, scaling, self.parameters, self.frozen, self.members
            )
        named = replace(self.spec, heads=heads)
        return export_model(named, encoding, scaling, self.parameters, self.dropout)

    def _structure(self, dtype: str) -> Any:
        from ..networks import CustomNetwork, build_model
        from ..networks._network import has_own_code, network_of
        from ._compiled import ForwardStructure

        if self.spec is None:
            custom, tasks, members = self.custom, self.tasks, self.members
            make = lambda: CustomNetwork([build_model(custom) for _ in range(members)], tasks)  # noqa: E731
            return ForwardStructure(self.custom_key, make, self.heads, dtype, members, self.origin)
        spec = replace(self.spec, dtype=dtype)
        key = None if has_own_code(spec) else spec
        return ForwardStructure(key, lambda: network_of(spec), self.heads, dtype, self.members, self.origin)

    def _decode(self, task: int, values: np.ndarray) -> np.ndarray:
        if self.tasks[task].kind == "regression":
            return self.scaling.shift[task] + self.scaling.scale[task] * values[:, 0]
        n_classes = len(self.tasks[task].classes)
        if n_classes == 1:
            return np.ones((len(values), 1))
        if values.shape[1] == 1:
            values = np.hstack([1.0 - values, values])
        return values / values.sum(axis=1, keepdims=True)
