"""Compute delta-m, the mean relative gain of multi-task learning over a baseline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from .._arrays import unmasked
from .._names import proposal
from ._inputs import shown


def delta_m(
    scores: Any,
    baseline: Any,
    *,
    greater_is_better: bool | Mapping[str, bool] = True,
    atol: float = 1e-8,
) -> float:
    """Compute the mean relative gain over a baseline in per cent (Δm); positive is better than the baseline.

    Parameters
    ----------
    scores : array-like, Series or DataFrame of shape (n_tasks,) or (n_tasks, n_metrics)
        Scores of the model, as returned by `task_scores`. NaN if a metric does not apply to a task.
    baseline : like ``scores``
        Scores of the baseline, usually single-task models. Two tables are matched by their labels.
    greater_is_better : bool or dict of str to bool, default=True
        Direction of all scores, or a dict with the direction of each column of a table (for a Series, of each task).
    atol : float, default=1e-8
        Baseline scores with an absolute value up to this have no relative gain.

    Returns
    -------
    gain : float
        Gain in per cent; NaN if no score has a relative gain.

    Raises
    ------
    ValueError
        If shapes or labels differ, or a direction is missing.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        Once, naming the tasks with scores that are left out because their baseline is 0 or undefined.

    Notes
    -----
    ``Δm = 100 / T · Σ_t 1/M_t Σ_m (−1)^l (S_tm − B_tm) / |B_tm|`` over tasks t and their metrics m, with l = 1
    if lower is better, else 0 [1]_. **The sign is that of [1]_, positive for a gain**; part of the literature,
    including the papers on Nash-MTL and FAMO, reports the negative. The absolute value in the denominator gives scores
    that are negative by convention (``neg_mean_squared_error``) the right sign.

    A relative gain means little if the baseline is near 0, such as R² on a task that is hard to predict. Use errors
    instead, or the relative error of `relative_error_scores`.

    References
    ----------
    .. [1] K.-K. Maninis, I. Radosavovic, I. Kokkinos (2019). Attentive single-tasking of multiple tasks.
       CVPR.

    Examples
    --------
    >>> from skmtl.metrics import delta_m
    >>> round(delta_m([0.9, 1.0], [1.0, 1.0], greater_is_better=False), 6)
    5.0
    """
    ours, theirs = _table(scores), _table(baseline)
    if ours.shape != theirs.shape:
        raise ValueError(f"scores have the shape {ours.shape}, the baseline has {theirs.shape}.")
    if _labelled(scores) and _labelled(baseline):
        if set(ours.index) != set(theirs.index) or set(ours.columns) != set(theirs.columns):
            raise ValueError("scores and baseline name different tasks or metrics.")
        theirs = theirs.reindex(index=ours.index, columns=ours.columns)
    sign = _signs(ours, greater_is_better, by_task=not isinstance(scores, pd.DataFrame))
    usable = theirs.abs() > atol
    _warn_of_unusable(ours, theirs, usable)
    gain = (sign * (ours - theirs) / theirs.abs()).where(usable)
    # Average over the metrics of a task first, so that a task with many metrics counts no more than others.
    return float(100.0 * gain.mean(axis=1).mean())


def _table(scores: Any) -> pd.DataFrame:
    if isinstance(scores, Mapping):
        raise TypeError("Scores are a dict: pass pd.Series(scores), with one score per task.")
    if isinstance(scores, pd.DataFrame):
        table = scores
    elif isinstance(scores, pd.Series):
        table = scores.to_frame("score")
    else:
        array = np.asarray(unmasked(scores))
        if array.ndim not in (1, 2):
            raise ValueError(f"Scores should be 1-D or 2-D, got an array of shape {array.shape}.")
        array = array.reshape(len(array), -1)
        table = pd.DataFrame(array, index=[f"y{i}" for i in range(len(array))])
    return table.astype(np.float64)


def _labelled(scores: Any) -> bool:
    return isinstance(scores, pd.DataFrame | pd.Series)


def _signs(table: pd.DataFrame, greater_is_better: bool | Mapping[str, bool], *, by_task: bool) -> np.ndarray:
    """Return +1 or −1 for every score, broadcastable to the table."""
    if not isinstance(greater_is_better, Mapping):
        if not isinstance(greater_is_better, bool | np.bool_):
            raise TypeError(f"greater_is_better should be True, False or a dict, got {greater_is_better!r}.")
        return np.ones((1, 1)) if greater_is_better else -np.ones((1, 1))
    labels = list(table.index if by_task else table.columns)
    missing = [label for label in labels if label not in greater_is_better]
    wrong = [str(label) for label in greater_is_better if label not in labels]
    if missing or wrong:
        raise ValueError(
            f"greater_is_better should name every {'task' if by_task else 'metric'}; {missing} are missing and "
            f"{wrong} are unknown.{proposal(wrong[0], map(str, labels)) if wrong else ''}"
        )
    signs = np.array([1.0 if greater_is_better[label] else -1.0 for label in labels])
    return signs[:, None] if by_task else signs[None, :]


def _warn_of_unusable(ours: pd.DataFrame, theirs: pd.DataFrame, usable: pd.DataFrame) -> None:
    # A pair without a score in both tables was not requested.
    left_out = ~usable & ~(ours.isna() & theirs.isna())
    tasks = [str(task) for task in ours.index[left_out.any(axis=1)]]
    if tasks:
        warnings.warn(
            f"No relative gain for {shown(tasks)}: the baseline's score is 0 or undefined.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
