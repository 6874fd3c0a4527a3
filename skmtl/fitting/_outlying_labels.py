"""Replacement of outlying labels that the features do not explain, such as typing errors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge

from .._blas import single_threaded_blas
from .._records import EncodedTargets
from ..features import FeatureEncoder
from ._input import FitInput

# Share of the labels on either side that is ignored when their range is measured.
_TAIL = 0.005
# A label is outlying beyond this multiple of the range, and plausible if its row is predicted at this share of that.
_OUTLYING, _PLAUSIBLE = 3.0, 0.5
# With fewer labels, none counts as outlying.
_FEWEST = 20
# The forest that predicts outlying rows: other rows that it is fitted to, trees, and columns tried in a split.
_ROWS, _TREES, _COLUMNS_PER_ROOT = 2000, 100, 4
# Labels that a warning lists.
_LISTED = 3


class _OutlyingRows(NamedTuple):
    """The rows of a regression with outlying labels, and the median and half the range of all its labels."""

    task: int
    center: float
    extent: float
    rows: np.ndarray

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Return labels as distances from the median in units of the extent, clipped to -1 and 1."""
        low, high = self.center - self.extent, self.center + self.extent
        return np.clip(values, low, high) / self.extent - self.center / self.extent


class _Plausibility(NamedTuple):
    """Scaled predictions of the forest for outlying rows, and whether their labels are plausible."""

    predicted: np.ndarray
    plausible: np.ndarray


def replace_outlying_labels(data: FitInput, seed: int) -> FitInput:
    """Return the data with predictions in place of outlying labels that the features do not explain; warn of these.

    With squared errors, a few such labels would dominate training. An outlying label is plausible if a random forest
    that has not seen it, or a linear model of the other labels, predicts half of its distance from the median.
    Otherwise the forest's prediction replaces it.
    """
    tasks = range(len(data.encoder.tasks))
    outlying = [rows for task in tasks if (rows := _outlying_rows(data, task)) is not None]
    if not outlying:
        return data
    values = data.targets.values.copy()
    with single_threaded_blas:
        checked = _plausibility(data, outlying, seed)
    for own, result in zip(outlying, checked, strict=True):
        implausible = ~result.plausible
        if implausible.any():
            _warn(data, own, own.rows[implausible])
            values[own.rows[implausible], own.task] = own.center + own.extent * result.predicted[implausible]
    return replace(data, targets=EncodedTargets(values, data.targets.weights))


def _outlying_rows(data: FitInput, task: int) -> _OutlyingRows | None:
    if data.encoder.tasks[task].kind != "regression":
        return None
    rows = np.flatnonzero(data.targets.observed[:, task])
    if len(rows) < _FEWEST:
        return None
    labels = data.targets.values[rows, task]
    tail = max(1, int(np.ceil(_TAIL * len(labels))))
    ordered = np.sort(labels)
    center = float(np.median(labels))
    extent = float(max(center - ordered[tail], ordered[-1 - tail] - center))
    # Nearly all labels are the same: there is no range to compare with.
    if extent <= 1e-9 * abs(center):
        return None
    beyond = np.flatnonzero(np.abs(labels / _OUTLYING - center / _OUTLYING) > extent)
    return _OutlyingRows(task, center, extent, rows[beyond]) if len(beyond) else None


def _plausibility(data: FitInput, outlying: Sequence[_OutlyingRows], seed: int) -> list[_Plausibility]:
    """Predict the outlying rows of each task from models of these rows and a sample of the others."""
    rng = np.random.default_rng(seed)
    suspects = np.unique(np.concatenate([own.rows for own in outlying]))
    others = np.setdiff1d(np.arange(data.n_train), suspects)
    sample = np.sort(np.concatenate([suspects, rng.choice(others, min(_ROWS, len(others)), replace=False)]))
    encoder = FeatureEncoder.fit(data.X[sample], scaling="standard", levels=data.levels)
    rows = encoder.transform(data.X[sample], dtype=np.float64)
    observed = data.targets.observed[sample][:, [own.task for own in outlying]]
    labels = np.column_stack([own.scaled(data.targets.values[sample, own.task]) for own in outlying])
    labels = np.where(observed, labels, 0.0)
    forest = _forest_predictions(rows, labels, seed)
    results = []
    for number, own in enumerate(outlying):
        places = np.searchsorted(sample, own.rows)
        known = np.setdiff1d(np.flatnonzero(observed[:, number]), places)
        side, predicted = np.sign(labels[places, number]), forest[places, number]
        linear = Ridge().fit(rows[known], labels[known, number]).predict(rows[places])
        distance = data.targets.values[own.rows, own.task] / own.extent - own.center / own.extent
        by_forest = predicted * side >= _PLAUSIBLE * _OUTLYING
        by_linear = linear * side >= _PLAUSIBLE * np.abs(distance)
        results.append(_Plausibility(predicted, by_forest | by_linear))
    return results


def _forest_predictions(rows: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Return out-of-bag predictions of a random forest, (n_rows, n_tasks)."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        _TREES,
        min_samples_leaf=2,
        max_features=max(1, min(rows.shape[1], round(_COLUMNS_PER_ROOT * np.sqrt(rows.shape[1])))),
        oob_score=True,
        random_state=seed % 2**31,
    )
    with warnings.catch_warnings():
        # The few rows that every tree has seen are predicted 0.
        warnings.simplefilter("ignore", UserWarning)
        forest.fit(rows, labels.squeeze())
    return forest.oob_prediction_.reshape(labels.shape)


def _warn(data: FitInput, own: _OutlyingRows, rows: np.ndarray) -> None:
    listed = ", ".join(f"{data.targets.values[row, own.task]:.6g} in row {data.kept[row]}" for row in rows[:_LISTED])
    warnings.warn(
        f"Task {data.encoder.tasks[own.task].name!r} has {len(rows)} outlying label{'s' * (len(rows) > 1)} that the "
        f"features do not explain ({listed}{', ...' if len(rows) > _LISTED else ''}): fit uses predictions of a random "
        "forest instead. Correct wrong labels, or set them to NaN.",
        UserWarning,
        stacklevel=2,
    )
