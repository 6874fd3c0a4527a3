"""Score joint predictions of all tasks: draws and prediction regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from ..targets import TargetColumns
from ._inputs import read_targets
from ._relative import quantities_of


def energy_score(y_true: Any, y_draws: Any, *, scale: Any = None, sample_weight: Any = None) -> float:
    """Compute the mean energy score of joint draws; lower is better.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Quantities; NaN, None or pandas.NA for a missing label.
    y_draws : array-like of shape (n_samples, n_draws) or (n_samples, n_tasks, n_draws)
        Draws, as returned by ``sample_y`` of the estimators.
    scale : array-like of shape (n_tasks,), default=None
        Unit of each task, such as the standard deviation of its training labels. By default tasks keep their own units,
        and a task with large values outweighs the others.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    score : float
        Mean over rows of ``E|Y - y| - E|Y - Y'| / 2`` for draws Y, Y' and labels y, in the Euclidean norm. NaN if no
        row has a label.

    Raises
    ------
    ValueError
        If shapes do not match, labels are not numbers, or draws are not finite.

    See Also
    --------
    variogram_score : More sensitive to the dependence between tasks.

    Notes
    -----
    The score of [1]_ is proper: the true distribution has the lowest expected score. For one task it is the continuous
    ranked probability score. Tasks without a label are left out of a row's norm, and rows without any label are left
    out of the mean. Both expectations are means over draws; that over pairs includes each draw with itself. Fewer draws
    therefore give a larger score: compare scores with equal numbers of draws.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007). Strictly proper scoring rules, prediction, and estimation. Journal of
       the American Statistical Association 102.

    Examples
    --------
    >>> from skmtl.metrics import energy_score
    >>> energy_score([[0.0, 0.0]], [[[3.0, 3.0], [4.0, 4.0]]])
    5.0
    """
    truth, draws, weights = _read(y_true, y_draws, scale, sample_weight, caller="energy_score")
    return _mean((_energy(*row) for row in _rows(truth, draws)), truth, weights, least=1)


def variogram_score(
    y_true: Any, y_draws: Any, *, p: float = 0.5, scale: Any = None, sample_weight: Any = None
) -> float:
    """Compute the mean variogram score of joint draws; lower is better.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks)
        Quantities; NaN, None or pandas.NA for a missing label.
    y_draws : array-like of shape (n_samples, n_tasks, n_draws)
        Draws, as returned by ``sample_y`` of the estimators.
    p : float, default=0.5
        Order of the differences.
    scale : array-like of shape (n_tasks,), default=None
        Unit of each task, such as the standard deviation of its training labels. By default tasks keep their own units,
        and differences between tasks with different units mean little.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    score : float
        Mean over rows of the sum over all pairs of tasks i, j of ``(|y_i - y_j|**p - E|Y_i - Y_j|**p)**2``. NaN if no
        row has labels for two tasks.

    Raises
    ------
    ValueError
        If shapes do not match, labels are not numbers, draws are not finite, or p is not positive.

    See Also
    --------
    energy_score : Less sensitive to the dependence between tasks, but sensitive to everything else.

    Notes
    -----
    This is the score of [1]_ with equal weights and each pair in both orders. It detects a wrong dependence between
    tasks, but not a constant that is added to all tasks: check `energy_score` as well. Pairs without both labels are
    left out.

    References
    ----------
    .. [1] M. Scheuerer, T. M. Hamill (2015). Variogram-based proper scoring rules for probabilistic forecasts of
       multivariate quantities. Monthly Weather Review 143.

    Examples
    --------
    >>> from skmtl.metrics import variogram_score
    >>> variogram_score([[0.0, 4.0]], [[[0.0, 0.0], [1.0, 1.0]]])
    2.0
    """
    if not p > 0:
        raise ValueError(f"p should be positive, got {p!r}.")
    truth, draws, weights = _read(y_true, y_draws, scale, sample_weight, caller="variogram_score")
    return _mean((_variogram(*row, p) for row in _rows(truth, draws)), truth, weights, least=2)


def joint_coverage(y_true: Any, region: Any, *, sample_weight: Any = None) -> float:
    """Compute the share of rows with all labels inside the region.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Labels; NaN, None or pandas.NA for a missing one.
    region : JointRegion, or array-like of shape (n_samples, 2) or (n_samples, n_tasks, 2)
        Result of ``predict_region``, or lower and upper bounds as returned by ``predict_interval``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    share : float
        Share between 0 and 1. A row counts by the tasks that have a label; rows without any label are left out. NaN if
        no row is left.

    Raises
    ------
    ValueError
        If shapes do not match.

    See Also
    --------
    mean_region_width : Measures the size of regions; large enough regions always cover.

    Examples
    --------
    >>> from skmtl.metrics import joint_coverage
    >>> joint_coverage([[0.0, 0.0], [0.0, 9.0]], [[[-1, 1], [-1, 1]], [[-1, 1], [-1, 1]]])
    0.5
    """
    targets = read_targets(y_true, caller="joint_coverage")
    weights = _row_weights(sample_weight, targets.n_samples)
    observed = np.column_stack(targets.observed)
    if hasattr(region, "contains"):
        inside = region.contains(y_true)
        observed = observed[:, list(region.tasks)] if observed.shape[1] > len(region.tasks) else observed
    else:
        ends, truth = _intervals(region), _numbers(targets)
        if ends.shape[:2] != truth.shape:
            raise ValueError(
                f"region has bounds for {ends.shape[0]} rows and {ends.shape[1]} tasks, y_true has {truth.shape}."
            )
        inside = (~observed | ((ends[..., 0] <= truth) & (truth <= ends[..., 1]))).all(axis=1)
    return _weighted(inside.astype(float), weights * observed.any(axis=1))


def mean_region_width(region: Any, *, sample_weight: Any = None) -> float:
    """Compute the mean width of regions per task.

    The width of a region is its volume to the power of ``1 / n_tasks``.

    Parameters
    ----------
    region : JointRegion, or array-like of shape (n_samples, 2) or (n_samples, n_tasks, 2)
        Result of ``predict_region``, or lower and upper bounds as returned by ``predict_interval``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    width : float
        Mean width over rows, infinite if a region is. For intervals, the width of a row is the geometric mean of their
        widths. Use it to compare regions of the same tasks: with tasks in different units, it has no unit of its own.

    Raises
    ------
    ValueError
        If shapes do not match.

    See Also
    --------
    joint_coverage : Measures how often labels lie inside.

    Examples
    --------
    >>> from skmtl.metrics import mean_region_width
    >>> round(mean_region_width([[[0.0, 1.0], [0.0, 4.0]]]), 6)
    2.0
    """
    if hasattr(region, "mean_width"):
        widths = region.mean_width()
    else:
        ends = _intervals(region)
        with np.errstate(divide="ignore"):
            widths = np.exp(np.log(ends[..., 1] - ends[..., 0]).mean(axis=1))
    return _weighted(widths, _row_weights(sample_weight, len(widths)))


def _read(
    y_true: Any, y_draws: Any, scale: Any, sample_weight: Any, *, caller: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels (n_samples, n_tasks) with NaN if missing, draws (n_samples, n_tasks, n_draws), row weights."""
    truth = _numbers(read_targets(y_true, caller=caller))
    draws = _as_numbers(y_draws, "y_draws")
    if draws.ndim == 2 and truth.shape[1] == 1:
        draws = draws[:, None]
    if draws.ndim != 3 or draws.shape[:2] != truth.shape or draws.shape[2] == 0:
        raise ValueError(
            f"y_draws should have the shape {(*truth.shape, 'n_draws')}, as returned by sample_y, got {draws.shape}."
        )
    if not np.isfinite(draws).all():
        raise ValueError("y_draws should be finite.")
    if scale is not None:
        units = _as_numbers(scale, "scale")
        if units.shape != truth.shape[1:] or not (np.isfinite(units).all() and (units > 0).all()):
            raise ValueError(f"scale should hold {truth.shape[1]} positive numbers, one per task, got {scale!r}.")
        truth, draws = truth / units, draws / units[:, None]
    return truth, draws, _row_weights(sample_weight, len(truth))


def _numbers(targets: TargetColumns) -> np.ndarray:
    out = np.full((targets.n_samples, len(targets.names)), np.nan)
    for task, observed in enumerate(targets.observed):
        out[observed, task] = quantities_of(targets, task, np.flatnonzero(observed))
    return out


def _as_numbers(values: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} should hold numbers: {error}.") from error


def _intervals(region: Any) -> np.ndarray:
    ends = _as_numbers(region, "region")
    ends = ends[:, None] if ends.ndim == 2 else ends
    if ends.ndim != 3 or ends.shape[2] != 2:
        raise ValueError(
            f"region should be a JointRegion, or bounds of shape (n_samples, n_tasks, 2), got {ends.shape}."
        )
    return ends


def _row_weights(sample_weight: Any, n_samples: int) -> np.ndarray:
    if sample_weight is None:
        return np.ones(n_samples)
    weights = _as_numbers(sample_weight, "sample_weight")
    if weights.shape != (n_samples,) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"sample_weight should hold {n_samples} finite numbers that are not negative, one per row, since all "
            f"labels of a row count together. Got an array of shape {weights.shape}."
        )
    return weights


def _rows(truth: np.ndarray, draws: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield labels and draws (n_draws, n_tasks) of each row, for the tasks that have a label."""
    for labels, drawn in zip(truth, draws, strict=True):
        seen = ~np.isnan(labels)
        yield labels[seen], drawn[seen].T


def _energy(labels: np.ndarray, drawn: np.ndarray) -> float:
    spread = pdist(drawn).sum() / len(drawn) ** 2 if drawn.size else 0.0
    return float(np.linalg.norm(drawn - labels, axis=1).mean() - spread)


def _variogram(labels: np.ndarray, drawn: np.ndarray, p: float) -> float:
    true = np.abs(labels[:, None] - labels) ** p
    expected = np.array([np.mean(np.abs(drawn[:, [task]] - drawn) ** p, axis=0) for task in range(len(labels))])
    return float(((true - expected.reshape(true.shape)) ** 2).sum())


def _mean(scores: Iterator[float], truth: np.ndarray, weights: np.ndarray, *, least: int) -> float:
    """Return the mean over rows with at least ``least`` labels."""
    enough = (~np.isnan(truth)).sum(axis=1) >= least
    return _weighted(np.fromiter(scores, dtype=np.float64, count=len(truth)), weights * enough)


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    counted = weights > 0
    return float(np.average(values[counted], weights=weights[counted])) if counted.any() else np.nan
