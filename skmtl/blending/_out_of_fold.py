"""Predictions of training rows by the members that held them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score

from .._records import Task
from ..fitting._input import FitInput
from ..inference._fitted import FittedNetwork
from ..targets._scores import r_squared


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions of the training rows, with their residuals and scores.

    Attributes
    ----------
    quantities : list of ndarray
        Per task, for every row that the caller passed: (n_samples,) or (n_samples, n_classes); NaN for a row that
        no member held out.
    residuals : ndarray of shape (n_samples, n_tasks)
        Label minus prediction of a regression; NaN if either is missing, and for classifications.
    scores : ndarray of shape (n_tasks,)
        R2 of a regression, accuracy of a classification, over rows with a label; NaN without one.
    """

    quantities: list[np.ndarray]
    residuals: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, tasks: tuple[Task, ...], data: FitInput, rows: np.ndarray, quantities: list[np.ndarray]) -> OutOfFold:
        """Build the record from predictions of the rows ``rows`` of the data."""
        everywhere = []
        residuals, scores = np.full((data.n_given, len(tasks)), np.nan), np.full(len(tasks), np.nan)
        for i, predicted in enumerate(quantities):
            full = np.full((data.n_given, *predicted.shape[1:]), np.nan)
            full[data.kept[rows]] = predicted
            everywhere.append(full)
            known = data.targets.observed[rows, i]
            label, own = data.targets.values[rows[known], i], predicted[known]
            if tasks[i].kind == "regression":
                residuals[data.kept[rows[known]], i] = label - own
                scores[i] = r_squared(label, own) if len(label) > 1 else np.nan
            elif len(label):
                scores[i] = accuracy_score(label, own.argmax(axis=1))
        return cls(everywhere, residuals, scores)


def held_out_quantities(network: FittedNetwork, X: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows that members held out, and these members' predictions, averaged if several held a row out.

    Returns
    -------
    rows : ndarray of shape (n_rows,)
        Row numbers, sorted.
    quantities : list of ndarray
        Per task, (n_rows,) of a regression, (n_rows, n_classes) of a classification.
    """
    held = [np.asarray(rows) for rows in network.held_out]
    rows = np.unique(np.concatenate(held)) if held else np.array([], dtype=np.intp)
    totals: list[np.ndarray] = []
    count = np.zeros(len(rows))
    for member, own in enumerate(held):
        if len(own) == 0:
            continue
        place = np.searchsorted(rows, own)
        predicted = network.member(member).quantities(X[own])
        if not totals:
            totals = [np.zeros((len(rows), *values.shape[1:])) for values in predicted]
        for total, values in zip(totals, predicted, strict=True):
            total[place] += values
        count[place] += 1
    return rows, [total / count.reshape(-1, *[1] * (total.ndim - 1)) for total in totals]
