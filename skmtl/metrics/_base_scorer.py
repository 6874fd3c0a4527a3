"""Base of the scorers: the call, averages over tasks, and routing of sample weights."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from .._names import proposal
from ..targets import TargetColumns
from ._inputs import read_weights
from ._metric import Metric
from ._responses import Responses
from ._table import score_table

Average = Literal["mean", "median", "min", "max"]

_AVERAGES: dict[str, Callable[[np.ndarray], Any]] = {
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "max": np.max,
}


class BaseTaskScorer(BaseEstimator, metaclass=ABCMeta):
    """Base of both scorers: the call, and routing of sample weights.

    BaseEstimator provides parameters, clone, repr and ``set_score_request`` for the method ``score``.
    """

    # `score` takes the estimator, as scikit-learn's scorers do; it is not metadata to route.
    __metadata_request__score = {"estimator": UNUSED}

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Score a fitted estimator; the same as ``score``."""
        return self.score(estimator, X, y, sample_weight=sample_weight)

    @abstractmethod
    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Score a fitted estimator."""

    @abstractmethod
    def _plan(self, names: tuple[str, ...]) -> dict[int, list[Metric]]:
        """Return the metrics of each task by position."""

    def _table(
        self,
        estimator: Any,
        X: Any,
        targets: TargetColumns,
        plan: dict[int, list[Metric]],
        sample_weight: Any,
        *,
        stacklevel: int,
    ) -> pd.DataFrame:
        """Return scores for which higher is better, negating metrics for which lower is better."""
        responses = Responses.of_estimator(estimator, X, targets)
        weights = read_weights(sample_weight, targets)
        table = score_table(targets, responses, plan, weights, stacklevel=stacklevel)
        for row, metrics in enumerate(plan.values()):
            for metric in metrics:
                if not metric.greater_is_better:
                    table.iat[row, table.columns.get_loc(metric.name)] *= -1.0
        return table


def check_average(average: str) -> None:
    """Refuse an unknown average."""
    if average not in _AVERAGES:
        raise ValueError(f"average={average!r}.{proposal(str(average), _AVERAGES)}")


def average_of(scores: Iterable[float], average: str) -> float:
    """Return the average of the defined scores, NaN if there are none."""
    check_average(average)
    values = np.array([score for score in scores if not np.isnan(score)])
    return float(_AVERAGES[average](values)) if len(values) else np.nan


def check_direction(metric: Metric) -> Metric:
    """Refuse a metric of unknown direction, since a scorer must return scores for which higher is better."""
    if metric.greater_is_better is None:
        raise ValueError(
            f"It is unknown whether a higher {metric.name} is better: pass greater_is_better, or give the "
            "function a name that ends in _score, _error, _loss or _deviance."
        )
    return metric
