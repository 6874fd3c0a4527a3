"""Multi-task against baseline, in per cent: the figure that papers on multi-task learning report."""

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
    """Mean relative gain over a baseline in per cent (Δm); positive is better than the baseline.

    Parameters
    ----------
    scores : array-like, Series or DataFrame of shape (n_tasks,) or (n_tasks, n_metrics)
        Scores of the model, as `task_scores` gives them. NaN where a metric does not apply to a task.
    baseline : like ``scores``
        Scores of the baseline, usually the single-task twins. Two tables are matched by their labels.
    greater_is_better : bool or dict of str to bool, default=True
        Direction of the scores: for all, or by column of a table (for a Series, by task).
    atol : float, default=1e-8
        Baseline scores no further than this from 0 have no relative gain.

    Returns
    -------
    gain : float
        Per cent; NaN where no score has a relative gain.

    Raises
    ------
    ValueError
        Where shapes or labels differ, or a direction is missing.

    Warns
    -----
    sklearn.exceptions.UndefinedMetricWarning
        Once, naming the scores that are left out because their baseline is 0 or not defined.

    Notes
    -----
    ``Δm = 100 / T · Σ_t 1/M_t Σ_m (−1)^l (S_tm − B_tm) / |B_tm|`` over tasks t and their metrics m, with l = 1
    where less is better [1]_. **The sign is that of [1]_, positive for a gain**; part of the literature,
    among it the papers on Nash-MTL and FAMO, reports the negative. The absolute value in the denominator
    makes scores that are negative by convention (``neg_mean_squared_error``) count the right way round.

    A relative gain means little where the baseline is near 0, as R² of a task that is hard to predict. Use
    errors, or the relative error of `relative_error_scores`, there.

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
        raise ValueError(f"scores have the shape {ours.shape}, those of the baseline {theirs.shape}.")
    if _labelled(scores) and _labelled(baseline):
        if set(ours.index) != set(theirs.index) or set(ours.columns) != set(theirs.columns):
            raise ValueError("scores and baseline name different tasks or metrics.")
        theirs = theirs.reindex(index=ours.index, columns=ours.columns)
    sign = _signs(ours, greater_is_better, by_task=not isinstance(scores, pd.DataFrame))
    usable = theirs.abs() > atol
    _warn_of_unusable(ours, theirs, usable)
    gain = (sign * (ours - theirs) / theirs.abs()).where(usable)
    # First over the metrics of a task, then over tasks: a task with many metrics counts no more than others.
    return float(100.0 * gain.mean(axis=1).mean())


def _table(scores: Any) -> pd.DataFrame:
    if isinstance(scores, Mapping):
        raise TypeError("Scores are a dict: pass pd.Series(scores), which names one score a task.")
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
    """+1 or −1 for every score, broadcastable to the table."""
    if not isinstance(greater_is_better, Mapping):
        if not isinstance(greater_is_better, bool | np.bool_):
            raise TypeError(f"greater_is_better should be True, False or a dict, got {greater_is_better!r}.")
        return np.ones((1, 1)) if greater_is_better else -np.ones((1, 1))
    labels = list(table.index if by_task else table.columns)
    missing = [label for label in labels if label not in greater_is_better]
    wrong = [str(label) for label in greater_is_better if label not in labels]
    if missing or wrong:
        raise ValueError(
            f"greater_is_better should name every {'task' if by_task else 'metric'}; it lacks {missing} and "
            f"names {wrong} besides.{proposal(wrong[0], map(str, labels)) if wrong else ''}"
        )
    signs = np.array([1.0 if greater_is_better[label] else -1.0 for label in labels])
    return signs[:, None] if by_task else signs[None, :]


def _warn_of_unusable(ours: pd.DataFrame, theirs: pd.DataFrame, usable: pd.DataFrame) -> None:
    # A pair that neither table scores was not asked for.
    left_out = ~usable & ~(ours.isna() & theirs.isna())
    tasks = [str(task) for task in ours.index[left_out.any(axis=1)]]
    if tasks:
        warnings.warn(
            f"No relative gain for {shown(tasks)}: the baseline's score is 0 or not defined.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
