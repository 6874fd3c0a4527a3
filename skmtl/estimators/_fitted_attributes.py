"""Fitted attributes of the estimators: set in one place, some of them built at access."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from .._records import TrainingResult
from ..blending._fitted import FittedBlend
from ..blending._outcome import Outcome
from ..inference._fitted import FittedNetwork
from ._member_history import append_epochs

# Fitted attributes that only fits with out-of-fold predictions set.
_OUT_OF_FOLD = (
    "oob_prediction_",
    "oob_residuals_",
    "_oob_scores",
    "_member_variance",
    "_shifted_residuals",
    "_shifted_member_variance",
    "_joint",
    "decision_factors_",
)

# The public ones, and those derived from them.
_PUBLIC_OUT_OF_FOLD = ("blend_weights_", "shifted_blend_weights_", "oob_prediction_", "oob_residuals_", "oob_score_")


class FittedAttributes:
    """The fitted attributes of the three estimators."""

    # Everything that a fit sets. Saved files hold these attributes, with these types.
    network_: FittedNetwork
    blend_: FittedBlend | None
    history_: dict[str, list[float]]
    member_history_: dict[str, np.ndarray]
    gradient_cosines_: np.ndarray
    gradient_conflicts_: np.ndarray
    categories_: dict[Any, np.ndarray]
    n_iter_: int
    best_epoch_: int | np.ndarray
    stop_reason_: str
    task_names_: list[str]
    n_tasks_: int
    n_features_in_: int
    feature_names_in_: np.ndarray
    oob_prediction_: np.ndarray | list[np.ndarray]
    oob_residuals_: np.ndarray
    decision_factors_: list[np.ndarray | None]
    _oob_scores: np.ndarray
    _member_variance: np.ndarray
    _shifted_residuals: np.ndarray
    _shifted_member_variance: np.ndarray

    @property
    def blend_weights_(self) -> pd.DataFrame:
        """Weight of each part of the blend for each task, (n_parts, n_tasks); only with ``blend``."""
        blend = getattr(self, "blend_", None)
        if blend is None:
            raise AttributeError(f"{type(self).__name__} has no blend_weights_: it was not fitted with a blend.")
        return blend.weights_table(self.task_names_)

    @property
    def shifted_blend_weights_(self) -> pd.DataFrame:
        """The same for the blend for shifted rows; only if ``covariate_shift`` led to one."""
        blend = getattr(self, "blend_", None)
        if blend is None or blend.shifted is None:
            raise AttributeError(
                f"{type(self).__name__} has no shifted_blend_weights_: fit made no blend for shifted rows."
            )
        return blend.shifted.blend.weights_table(self.task_names_)

    @property
    def oob_score_(self) -> pd.Series:
        """Task name to score (R2, accuracy) of the out-of-fold predictions; only with ``oob_score`` or ``blend``."""
        if not hasattr(self, "_oob_scores"):
            raise AttributeError(
                f"{type(self).__name__} has no oob_score_: it was fitted with neither oob_score=True nor a blend."
            )
        return pd.Series(self._oob_scores, index=self.task_names_, name="score")

    def _adopt(self, outcome: Outcome, *, append: bool) -> None:
        """Take over the outcome of a fit: the only place that sets fitted attributes."""
        network, result = outcome.network, outcome.result
        before = self.history_ if append else {}
        self.history_ = {name: [*before.get(name, []), *values] for name, values in result.history.items()}
        series: dict[str, np.ndarray] = self.member_history_ if append else {}
        self.member_history_ = append_epochs(series, result.member_history)
        self._adopt_cosines(result.cosines, append)
        earlier = self.n_iter_ if append else 0
        best = earlier + result.best_epochs
        self.network_ = network
        self.categories_ = network.features.levels.by_name(getattr(self, "feature_names_in_", None))
        self.n_iter_ = earlier + result.n_epochs
        self.best_epoch_ = int(best[0]) if len(best) == 1 else best
        self.task_names_ = [task.name for task in network.tasks]
        self.n_tasks_ = len(network.tasks)
        self.stop_reason_ = result.stop.value
        self._adopt_blend(outcome)

    def _adopt_network(self, network: FittedNetwork, result: TrainingResult, *, append: bool) -> None:
        """Take over a network alone, without a blend or out-of-fold predictions."""
        self._adopt(Outcome(network, result), append=append)

    def _warn_of_lost_attributes(self, outcome: Outcome, *, append: bool, stacklevel: int) -> None:
        """Warn of attributes of the last fit that are lost when training continues from its network alone."""
        gone = {name for name in _PUBLIC_OUT_OF_FOLD if hasattr(self, name)}
        if outcome.out_of_fold is not None:
            gone = {name for name in gone if not name.startswith("oob_")}
        if not append or not gone or outcome.blend is not None:
            return
        blend = "" if self.blend_ is None else "drops its blend and "
        warnings.warn(
            f"Training continues from the network of the last fit. This {blend}discards its out-of-fold predictions: "
            f"{', '.join(sorted(gone))} and what depends on them (predict_interval) are gone. Fit again on all rows to "
            "get them back. To train a network further without this warning, fit with blend=None and oob_score=False.",
            UserWarning,
            stacklevel=stacklevel,
        )

    def _adopt_blend(self, outcome: Outcome) -> None:
        """Take over the blend and out-of-fold predictions of a fit, and delete those of an earlier one."""
        for name in _OUT_OF_FOLD:
            if hasattr(self, name):
                delattr(self, name)
        self.blend_ = outcome.blend
        if outcome.out_of_fold is not None:
            known = outcome.out_of_fold
            one = outcome.network.targets.one_dimensional
            self.oob_prediction_ = self._oob_form(known.quantities)
            self.oob_residuals_ = known.residuals[:, 0] if one else known.residuals
            self._oob_scores = known.scores
            if outcome.factors is not None:
                self.decision_factors_ = outcome.factors
            if outcome.joint is not None:
                self._joint = outcome.joint
            if outcome.member_variance is not None:
                self._member_variance = outcome.member_variance
                if outcome.shifted is not None:
                    self._shifted_residuals = outcome.shifted.residuals
                    self._shifted_member_variance = outcome.shifted.member_variance

    def _oob_form(self, quantities: list[np.ndarray]) -> Any:
        """Return regressions as columns of one array; with classifications, a list with one array per task."""
        if self.network_.targets.one_dimensional:
            return quantities[0]
        return np.column_stack(quantities) if self.network_.all_quantities else quantities

    def _adopt_cosines(self, cosines: Any, append: bool) -> None:
        """Take over the cosines of the tasks' gradients, and delete those of an earlier fit."""
        for name, of_fit in (("gradient_cosines_", "mean"), ("gradient_conflicts_", "conflict_share")):
            earlier = getattr(self, name, None)
            if earlier is not None:
                delattr(self, name)
            if cosines is not None:
                parts = [earlier] if append and earlier is not None else []
                setattr(self, name, np.concatenate([*parts, getattr(cosines, of_fit)]))
