"""Compute the partial dependence of every task on single features."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats.mstats import mquantiles
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed

from ._columns import as_table, column, feature_names, feature_positions, with_column
from ._responses import TaskResponses

_KINDS = ("average", "individual", "both")


def task_partial_dependence(
    estimator: Any,
    X: Any,
    features: Any = None,
    *,
    kind: Literal["average", "individual", "both"] = "average",
    grid_resolution: int = 50,
    percentiles: tuple[float, float] = (0.05, 0.95),
    n_jobs: int | None = None,
) -> Bunch:
    """Compute the partial dependence of each task on each feature.

    Partial dependence is the average prediction over the rows of X as one feature varies. scikit-learn's
    ``partial_dependence`` supports neither multi-output classifiers nor estimators with mixed outputs.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of one or several tasks. The response of a regression is its prediction; those of a
        classification are the class probabilities, for two classes only that of the second.
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        Rows over which to average.
    features : str, int or list of them, default=None
        Features to vary one at a time, by name or position; None means all.
    kind : {"average", "individual", "both"}, default="average"
        Whether to return averages, the curves of single rows (ICE), or both.
    grid_resolution : int, default=50
        Number of equally spaced values of a feature. A feature that is not numeric, or has no more distinct values
        than this, takes its own values.
    percentiles : tuple of float, default=(0.05, 0.95)
        Lower and upper quantile of the feature, between which the values lie.
    n_jobs : int, default=None
        Number of features computed in parallel; -1 means all processors. It does not affect the result.

    Returns
    -------
    result : Bunch
        With the attributes

        features : list of str
            Names of the features.
        responses : list of Response
            Meaning of each column of the curves: ``response.task``, and ``response.label`` for the class, None for a
            regression.
        grid_values : list of ndarray of shape (n_values,)
            Values of each feature.
        average : list of ndarray of shape (n_values, n_responses), float64
            Averages, one array per feature. Missing if ``kind`` is "individual".
        individual : list of ndarray of shape (n_samples, n_values, n_responses), float64
            Curves of the rows, one array per feature. Missing if ``kind`` is "average".
        spread : ndarray of shape (n_responses,), float64
            Standard deviation of each response over the unchanged rows of X.

    See Also
    --------
    TaskPartialDependenceDisplay : Plots the result.

    Notes
    -----
    Partial dependence is defined in [1]_, the curves of single rows in [2]_. Both are computed by brute force: all
    rows are predicted with the feature set to one value. If features are correlated, this includes unrealistic rows.
    The cost is one prediction of X per feature and value, for all tasks together.

    References
    ----------
    .. [1] J. H. Friedman (2001). Greedy function approximation: a gradient boosting machine. Annals of
       Statistics 29.
    .. [2] A. Goldstein, A. Kapelner, J. Bleich, E. Pitkin (2015). Peeking inside the black box. Journal of
       Computational and Graphical Statistics 24.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl.inspection import task_partial_dependence
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> model = LinearRegression().fit(X, np.column_stack([2 * X[:, 0], -X[:, 1]]))
    >>> result = task_partial_dependence(model, X, [0], grid_resolution=3)
    >>> bool(np.allclose(result.average[0][:, 0] - 2 * result.grid_values[0], 0))
    True
    """
    _check_options(kind, grid_resolution, percentiles)
    X = as_table(X, "task_partial_dependence")
    if not isinstance(X, pd.DataFrame) and X.dtype.kind in "iub":
        # The grid may need values between integers.
        X = X.astype(np.float64)
    positions, names = feature_positions(features, X), feature_names(X)
    responses = TaskResponses(estimator, X)
    grids = [_grid(names[position], column(X, position), int(grid_resolution), percentiles) for position in positions]
    curves = Parallel(n_jobs=n_jobs)(
        delayed(_curves)(responses, X, position, grid, kind) for position, grid in zip(positions, grids, strict=True)
    )
    result = Bunch(
        features=[names[position] for position in positions],
        responses=responses.columns,
        grid_values=[grid.values for grid in grids],
        spread=responses.read(X).std(axis=0),
    )
    if kind != "individual":
        result["average"] = [average for average, _ in curves]
    if kind != "average":
        result["individual"] = [individual for _, individual in curves]
    return result


class _Grid:
    """Values of a feature; ``rows`` are rows of X that hold them, None for an equally spaced grid."""

    def __init__(self, values: np.ndarray, rows: np.ndarray | None) -> None:
        self.values = values
        self.rows = rows

    def filled(self, values: Any, number: int) -> Any:
        """Return a column that repeats one value, of the same type as ``values``."""
        if self.rows is None:
            return np.full(len(values), self.values[number])
        rows = np.full(len(values), self.rows[number])
        return values.iloc[rows] if isinstance(values, pd.Series) else values[rows]


def _check_options(kind: Any, grid_resolution: Any, percentiles: Any) -> None:
    if kind not in _KINDS:
        raise ValueError(f"kind should be one of {', '.join(map(repr, _KINDS))}, got {kind!r}.")
    if isinstance(grid_resolution, bool) or not isinstance(grid_resolution, Integral) or grid_resolution < 2:
        raise ValueError(f"grid_resolution should be an integer of at least 2, got {grid_resolution!r}.")
    if len(percentiles) != 2 or not 0 <= percentiles[0] < percentiles[1] <= 1:
        raise ValueError(f"percentiles should be two increasing numbers from 0 to 1, got {percentiles!r}.")


def _grid(name: str, given: Any, resolution: int, percentiles: tuple[float, float]) -> _Grid:
    series = pd.Series(given).infer_objects()
    codes, values = pd.factorize(series, sort=True)
    if len(values) == 0:
        raise ValueError(f"The column {name!r} has no value at all, so it cannot be varied.")
    numeric = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if not numeric or len(values) <= resolution:
        return _Grid(np.asarray(values), np.array([np.flatnonzero(codes == code)[0] for code in range(len(values))]))
    # The quantiles of scikit-learn, for the same grid.
    low, high = mquantiles(series.dropna().to_numpy(dtype=np.float64), prob=percentiles)
    if low == high:
        raise ValueError(
            f"The column {name!r} has the same value at both percentiles {percentiles}; choose a wider range."
        )
    return _Grid(np.linspace(low, high, resolution), None)


def _curves(responses: TaskResponses, X: Any, position: int, grid: _Grid, kind: str) -> tuple[np.ndarray, Any]:
    """Return averages (n_values, n_responses) and, if needed, curves of rows (n_samples, n_values, n_responses)."""
    values, averages, rows = column(X, position), [], []
    for number in range(len(grid.values)):
        predicted = responses.read(with_column(X, position, grid.filled(values, number)))
        averages.append(predicted.mean(axis=0))
        if kind != "average":
            rows.append(predicted)
    return np.stack(averages), np.stack(rows, axis=1) if rows else None
