"""Labels far outside of all others that the features tell nothing of: typing errors, or no better to learn from."""

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

# The part of the labels on either side that does not count when it is asked how far labels reach.
_TAIL = 0.005
# A label is far out beyond so many times that reach, and believed where its row is predicted so large a part of it.
_FAR, _BELIEVED = 3.0, 0.5
# With fewer labels, none is far out.
_FEWEST = 20
# What asks the features: rows beside those that are far out, trees, and columns that a split looks at.
_ROWS, _TREES, _COLUMNS_PER_ROOT = 2000, 100, 4
# Labels that a warning names.
_NAMED = 3


class _Reach(NamedTuple):
    """A regression's median, how far labels reach from it, and which rows lie far outside."""

    task: int
    center: float
    reach: float
    rows: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values in units of the reach, none beyond it."""
        return (
            np.clip(values, self.center - self.reach, self.center + self.reach) / self.reach - self.center / self.reach
        )


class _Told(NamedTuple):
    """What trees predict for far rows in units of the reach, and whether their labels are believed."""

    trees: np.ndarray
    believed: np.ndarray


def replace_outlying_labels(data: FitInput, seed: int) -> FitInput:
    """The data with what the features tell in place of labels that nobody would believe, and a warning of these.

    Squared errors would have a few of them decide on everything. A label as far out is believed where random trees that
    have not seen it, or a line through the labels that are not, go half of the way; else what the trees say is put
    there.
    """
    found = [reach for task in range(len(data.encoder.tasks)) if (reach := _reach(data, task)) is not None]
    if not found:
        return data
    values = data.targets.values.copy()
    with single_threaded_blas:
        said = _told_by_features(data, found, seed)
    for reach, told in zip(found, said, strict=True):
        doubted = ~told.believed
        if doubted.any():
            _warn(data, reach, reach.rows[doubted])
            values[reach.rows[doubted], reach.task] = reach.center + reach.reach * told.trees[doubted]
    return replace(data, targets=EncodedTargets(values, data.targets.weights))


def _reach(data: FitInput, task: int) -> _Reach | None:
    if data.encoder.tasks[task].kind != "regression":
        return None
    rows = np.flatnonzero(data.targets.observed[:, task])
    if len(rows) < _FEWEST:
        return None
    labels = data.targets.values[rows, task]
    tail = max(1, int(np.ceil(_TAIL * len(labels))))
    ordered = np.sort(labels)
    center = float(np.median(labels))
    reach = float(max(center - ordered[tail], ordered[-1 - tail] - center))
    # Labels of which nearly all are the same reach nowhere.
    if reach <= 1e-9 * abs(center):
        return None
    far = np.flatnonzero(np.abs(labels / _FAR - center / _FAR) > reach)
    return _Reach(task, center, reach, rows[far]) if len(far) else None


def _told_by_features(data: FitInput, found: Sequence[_Reach], seed: int) -> list[_Told]:
    """What is said of the far rows of each task, from these and a sample beside them."""
    rng = np.random.default_rng(seed)
    far = np.unique(np.concatenate([reach.rows for reach in found]))
    others = np.setdiff1d(np.arange(data.n_train), far)
    sample = np.sort(np.concatenate([far, rng.choice(others, min(_ROWS, len(others)), replace=False)]))
    encoder = FeatureEncoder.fit(data.X[sample], scaling="standard", levels=data.levels)
    rows = encoder.transform(data.X[sample], dtype=np.float64)
    observed = data.targets.observed[sample][:, [reach.task for reach in found]]
    labels = np.column_stack([reach.of(data.targets.values[sample, reach.task]) for reach in found])
    labels = np.where(observed, labels, 0.0)
    trees = _by_trees(rows, labels, seed)
    told = []
    for number, reach in enumerate(found):
        own = np.searchsorted(sample, reach.rows)
        known = np.setdiff1d(np.flatnonzero(observed[:, number]), own)
        side, seen = np.sign(labels[own, number]), trees[own, number]
        line = Ridge().fit(rows[known], labels[known, number]).predict(rows[own])
        whole = data.targets.values[reach.rows, reach.task] / reach.reach - reach.center / reach.reach
        believed = (seen * side >= _BELIEVED * _FAR) | (line * side >= _BELIEVED * np.abs(whole))
        told.append(_Told(seen, believed))
    return told


def _by_trees(rows: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Predictions (n_rows, n_tasks) by those of the trees that have not seen a row."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        _TREES,
        min_samples_leaf=2,
        max_features=max(1, min(rows.shape[1], round(_COLUMNS_PER_ROOT * np.sqrt(rows.shape[1])))),
        oob_score=True,
        random_state=seed % 2**31,
    )
    with warnings.catch_warnings():
        # Of rows that every tree has seen, of which there are hardly any, it says 0.
        warnings.simplefilter("ignore", UserWarning)
        forest.fit(rows, labels.squeeze())
    return forest.oob_prediction_.reshape(labels.shape)


def _warn(data: FitInput, reach: _Reach, rows: np.ndarray) -> None:
    named = ", ".join(f"{data.targets.values[row, reach.task]:.6g} in row {data.kept[row]}" for row in rows[:_NAMED])
    warnings.warn(
        f"Task {data.encoder.tasks[reach.task].name!r} has {len(rows)} label{'s' * (len(rows) > 1)} far outside of all "
        f"others, where the features say nothing of the kind ({named}{', ...' if len(rows) > _NAMED else ''}): fit "
        "puts what random trees predict in their place. Correct what is wrong, or make it NaN.",
        UserWarning,
        stacklevel=2,
    )
