"""The fitted blend: networks and kernel models, weighted task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._backend import check_backend
from .._blas import single_threaded_blas
from ..features import FeatureEncoder
from ..inference._fitted import FittedNetwork
from ..kernels import KernelModel
from ._columns import LEAST_PROBABILITY, Columns
from ._shift_detector import ShiftDetector

if TYPE_CHECKING:
    from ..networks import ExportedParts, ExportedShift

# Up to this shift probability, rows are not predicted by the blend for shifted rows.
NEVER = 1e-6
# Attributes of a kernel model that its Keras layer holds.
_NUMBERS = ("smallest", "largest", "relevance", "coefficients", "center", "lower", "upper")


@dataclass(frozen=True, eq=False)
class BlendPart:
    """A part of the blend: a network, a kernel model, or a network on the residuals of a kernel model."""

    name: str
    network: FittedNetwork | None = None
    kernel_model: KernelModel | None = None
    view: FeatureEncoder | None = None

    def columns(self, layout: Columns, X: Any) -> np.ndarray:
        """Return predictions of the rows of X, (n_samples, n_columns)."""
        total: np.ndarray | float = 0.0
        if self.network is not None:
            total = layout.of_quantities(self.network.quantities(X))
        if self.kernel_model is not None and self.view is not None:
            with single_threaded_blas:
                added = self.kernel_model.predict(self.view.transform(X, dtype=np.float64))
            total = total + (added if self.network is None else offsets(layout, added))
        return np.asarray(total)

    def exported(self, weights: np.ndarray) -> Any:
        """Return the record that Keras layers are built from; ``weights`` are (n_columns,)."""
        from ..networks import ExportedPart

        model = None if self.network is None else self.network.keras_model()
        if self.kernel_model is None or self.view is None:
            return ExportedPart(self.name, weights, model)
        kernel_model = self.kernel_model
        numbers = {name: getattr(kernel_model, name) for name in _NUMBERS}
        if kernel_model.points is not None:
            numbers["points"] = kernel_model.points
        kernel = kernel_model.kernel
        return ExportedPart(self.name, weights, model, self.view.layer_settings(), kernel.name, kernel.gamma, numbers)


def offsets(layout: Columns, columns: np.ndarray) -> np.ndarray:
    """Return the columns that a residual network is added to: those of regressions, and 0 for classes."""
    regression = np.array([task.kind == "regression" for task in layout.tasks])
    return np.where(regression[layout.task_of_column], columns, 0.0)


@dataclass(frozen=True, eq=False)
class FittedBlend:
    """Parts and their weights, (n_parts, n_tasks).

    ``held`` are out-of-fold predictions, (n_rows, n_columns), of the training rows ``rows``. Columns are clipped to lie
    between ``lower`` and ``upper``, (n_columns,), since parts may extrapolate far beyond all labels. ``shifted`` is the
    blend for shifted rows, if there is one; predictions mix the two by each row's shift probability.
    """

    layout: Columns
    parts: tuple[BlendPart, ...]
    weights: np.ndarray
    rows: np.ndarray
    held: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    shifted: ShiftedBlend | None = None

    def quantities(self, X: Any, shift: np.ndarray) -> list[np.ndarray]:
        """Return per task the predictions (n,) of a regression or class probabilities (n, n_classes).

        ``shift`` is the ``shift_probability`` of the rows, here and below; it is passed since it is slow to compute.
        """
        columns = self._columns(X)
        if self.shifted is not None:
            some = np.flatnonzero(shift > NEVER)
            if len(some):
                share = shift[some, None]
                columns[some] = (1.0 - share) * columns[some] + share * self.shifted.blend._columns(X[some])
        return self.layout.to_quantities(columns)

    def weights_table(self, tasks: Sequence[str]) -> pd.DataFrame:
        """Return the weights as a table with one row per part and one column per task."""
        return pd.DataFrame(self.weights, index=[part.name for part in self.parts], columns=list(tasks))

    def shift_probability(self, X: Any) -> np.ndarray:
        """Return the probability that rows come from another time or group, (n_samples,)."""
        return np.zeros(X.shape[0]) if self.shifted is None else self.shifted.probability(X)

    def member_variances(self, X: Any, shift: np.ndarray) -> np.ndarray:
        """Return the variance of the blend that comes from the members of the first network, (n_samples, n_tasks)."""
        own = self.own_member_variances(X)
        if self.shifted is None:
            return own
        share = shift[:, None]
        return (1.0 - share) ** 2 * own + share**2 * self.shifted.blend.own_member_variances(X)

    def own_member_variances(self, X: Any) -> np.ndarray:
        """Return the same for rows that are all like the training rows."""
        network = next(part.network for part in self.parts if part.network is not None)
        weight = self.weights[0]
        with np.errstate(invalid="ignore", over="ignore"):
            return np.where(weight > 0, weight**2 * network.member_variances(X), 0.0)

    def held_quantities(self) -> list[np.ndarray]:
        """Return the out-of-fold predictions of the training rows ``rows``, in the form of ``quantities``."""
        return self.layout.to_quantities(self.held)

    def encoders(self) -> list[FeatureEncoder]:
        """Return the feature encoders of all parts."""
        parts = self.parts if self.shifted is None else (*self.parts, *self.shifted.blend.parts)
        networks = [part.network.features for part in parts if part.network is not None]
        return [*networks, *(part.view for part in parts if part.view is not None)]

    def keras_model(self) -> Any:
        """Return a Keras model that takes the caller's columns and predicts in the caller's units."""
        check_backend()
        from ..networks import export_blend

        network = next(part.network for part in self.parts if part.network is not None)
        return export_blend(
            self.layout.tasks,
            self.layout.widths,
            self.layout.scaling,
            LEAST_PROBABILITY,
            self._exported(),
            network.features.n_features,
            None if self.shifted is None else self.shifted.exported(),
        )

    def _exported(self) -> ExportedParts:
        from ..networks import ExportedParts

        weights = self.weights[:, self.layout.task_of_column]
        parts = [part.exported(own) for part, own in zip(self.parts, weights, strict=True) if own.any()]
        return ExportedParts(parts, (self.lower, self.upper))

    def _columns(self, X: Any) -> np.ndarray:
        weights = self.weights[:, self.layout.task_of_column]
        used = [number for number in range(len(self.parts)) if weights[number].any()]
        mixed = sum(weights[number] * self.parts[number].columns(self.layout, X) for number in used)
        return np.clip(mixed, self.lower, self.upper)


@dataclass(frozen=True, eq=False)
class ShiftedBlend:
    """A blend for shifted rows, and the detector of such rows, which works on features encoded by ``view``."""

    detector: ShiftDetector
    view: FeatureEncoder
    blend: FittedBlend

    def probability(self, X: Any) -> np.ndarray:
        """Return the probability that rows come from another time or group, (n_samples,)."""
        return self.detector.probability(self.view.transform(X, dtype=np.float64))

    def exported(self) -> ExportedShift:
        """Return the record that Keras layers are built from."""
        from ..networks import ExportedShift

        numbers = {one.name: np.asarray(getattr(self.detector, one.name)) for one in fields(self.detector)}
        return ExportedShift(self.view.layer_settings(), numbers, self.blend._exported())
