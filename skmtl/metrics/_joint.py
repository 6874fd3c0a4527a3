"""Scores of predictions of all tasks at once: of joint draws, and of regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from ..targets import TargetColumns
from ._inputs import read_targets
from ._relative import quantities_of


def energy_score(y_true: Any, y_draws: Any, *, scale: Any = None, sample_weight: Any = None) -> float:
    """Energy score of joint draws, the mean over rows; less is better.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Quantities; NaN, None or pandas' NA where a label is not known.
    y_draws : array-like of shape (n_samples, n_draws) or (n_samples, n_tasks, n_draws)
        Draws, as ``sample_y`` of the estimators gives them.
    scale : array-like of shape (n_tasks,), default=None
        Unit of each task, such as the standard deviation of its training labels. By default the tasks' own units, in
        which a task of large numbers outweighs the others.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    score : float
        Mean over rows of ``E|Y - y| - E|Y - Y'| / 2`` for draws Y, Y' and labels y, in Euclidean norm. NaN where no
        row has a label.

    Raises
    ------
    ValueError
        Where shapes do not match, labels are not numbers, or draws are not finite.

    See Also
    --------
    variogram_score : More sensitive to how tasks go together.

    Notes
    -----
    The score of [1]_ is proper: no other distribution than the true one has a lower expected score. Of one task it
    is the continuous ranked probability score. Tasks without a label are left out of a row's norm, rows without any
    label out of the mean. Both expectations are means over the draws (over all pairs, a draw with itself included), so
    that few draws make the score larger; compare scores of equal numbers of draws.

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
    """Variogram score of joint draws, the mean over rows; less is better.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks)
        Quantities; NaN, None or pandas' NA where a label is not known.
    y_draws : array-like of shape (n_samples, n_tasks, n_draws)
        Draws, as ``sample_y`` of the estimators gives them.
    p : float, default=0.5
        Order of the differences.
    scale : array-like of shape (n_tasks,), default=None
        Unit of each task, such as the standard deviation of its training labels. By default the tasks' own units: then
        differences between tasks of different units say little.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    score : float
        Mean over rows of the sum over all pairs of tasks i, j of ``(|y_i - y_j|**p - E|Y_i - Y_j|**p)**2``. NaN where
        no row has labels of two tasks.

    Raises
    ------
    ValueError
        Where shapes do not match, labels are not numbers, draws are not finite, or p is not positive.

    See Also
    --------
    energy_score : Less sensitive to how tasks go together, but sensitive to all else.

    Notes
    -----
    The score of [1]_, with equal weights, each pair in both orders. It tells draws whose tasks go together in a wrong
    way, and does not see a constant that is added to all tasks: look at `energy_score` as well. Pairs without both
    labels are left out.

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
    """Share of rows whose labels are all within.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples,) or (n_samples, n_tasks)
        Labels; NaN, None or pandas' NA where one is not known.
    region : JointRegion, or array-like of shape (n_samples, 2) or (n_samples, n_tasks, 2)
        What ``predict_region`` gave, or lower and upper ends, as ``predict_interval`` gives them.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    share : float
        Between 0 and 1. Tasks without a label are left out: the others decide. So are rows without any label, and NaN
        means that none is left.

    Raises
    ------
    ValueError
        Where shapes do not match.

    See Also
    --------
    mean_region_width : The other half: any region that is large enough covers.

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
                f"region has ends for {ends.shape[0]} rows and {ends.shape[1]} tasks, y_true has {truth.shape}."
            )
        inside = (~observed | ((ends[..., 0] <= truth) & (truth <= ends[..., 1]))).all(axis=1)
    return _weighted(inside.astype(float), weights * observed.any(axis=1))


def mean_region_width(region: Any, *, sample_weight: Any = None) -> float:
    """Mean over rows of a region's width a task: its volume to the power of one over the number of tasks.

    Parameters
    ----------
    region : JointRegion, or array-like of shape (n_samples, 2) or (n_samples, n_tasks, 2)
        What ``predict_region`` gave, or lower and upper ends, as ``predict_interval`` gives them.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.

    Returns
    -------
    width : float
        Of intervals it is the mean of their geometric mean widths. It has no unit of its own where tasks have
        different ones: it is for comparing regions of the same tasks. Infinite where one of them is.

    Raises
    ------
    ValueError
        Where shapes do not match.

    See Also
    --------
    joint_coverage : How often labels are within.

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
    """Labels (n_samples, n_tasks), NaN where missing, draws (n_samples, n_tasks, n_draws), and weights of rows."""
    truth = _numbers(read_targets(y_true, caller=caller))
    draws = _as_numbers(y_draws, "y_draws")
    if draws.ndim == 2 and truth.shape[1] == 1:
        draws = draws[:, None]
    if draws.ndim != 3 or draws.shape[:2] != truth.shape or draws.shape[2] == 0:
        raise ValueError(
            f"y_draws should have the shape {(*truth.shape, 'n_draws')}, as sample_y gives it, got {draws.shape}."
        )
    if not np.isfinite(draws).all():
        raise ValueError("y_draws should be finite.")
    if scale is not None:
        units = _as_numbers(scale, "scale")
        if units.shape != truth.shape[1:] or not (np.isfinite(units).all() and (units > 0).all()):
            raise ValueError(f"scale should hold {truth.shape[1]} positive numbers, one a task, got {scale!r}.")
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
        raise ValueError(f"region should be a JointRegion, or ends of shape (n_samples, n_tasks, 2), got {ends.shape}.")
    return ends


def _row_weights(sample_weight: Any, n_samples: int) -> np.ndarray:
    if sample_weight is None:
        return np.ones(n_samples)
    weights = _as_numbers(sample_weight, "sample_weight")
    if weights.shape != (n_samples,) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"sample_weight should hold {n_samples} finite numbers that are not negative, one a row: all of a row's "
            f"labels count at once. Got an array of shape {weights.shape}."
        )
    return weights


def _rows(truth: np.ndarray, draws: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Labels of each row, and draws (n_draws, n_tasks), of the tasks that it has labels of."""
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
    """Mean of the rows that have so many labels."""
    enough = (~np.isnan(truth)).sum(axis=1) >= least
    return _weighted(np.fromiter(scores, dtype=np.float64, count=len(truth)), weights * enough)


def _weighted(values: np.ndarray, weights: np.ndarray) -> float:
    counted = weights > 0
    return float(np.average(values[counted], weights=weights[counted])) if counted.any() else np.nan
