"""Partial dependence of every task on single features."""

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
    """What an estimator predicts for each task as one feature varies, on average over the rows of X.

    scikit-learn's ``partial_dependence`` refuses classifiers of several outputs, and estimators of mixed ones.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator of one or several tasks. Regressions answer with their prediction,
        classifications with the probability of each class, of two classes with that of the second.
    X : {array-like, DataFrame} of shape (n_samples, n_features)
        Rows over which to average.
    features : str, int or list of them, default=None
        Features to vary, each by itself, by name or position; None is all.
    kind : {"average", "individual", "both"}, default="average"
        Whether to return averages, the curve of each row (ICE), or both.
    grid_resolution : int, default=50
        Number of values of a feature, equally spaced. A feature that has no more different values, or
        that is not numeric, takes those it has.
    percentiles : tuple of float, default=(0.05, 0.95)
        Quantiles of the feature between which the values lie.
    n_jobs : int, default=None
        Number of features at a time; -1 is all processors. It has no influence on the result.

    Returns
    -------
    result : Bunch
        With the attributes

        features : list of str
            Names of the features.
        responses : list of Response
            What each column of the curves is: ``response.task`` and ``response.label``, the class, None
            for a regression.
        grid_values : list of ndarray of shape (n_values,)
            Values of each feature.
        average : list of ndarray of shape (n_values, n_responses), float64
            Averages, one array a feature. Not where ``kind="individual"``.
        individual : list of ndarray of shape (n_samples, n_values, n_responses), float64
            Curves of the rows, one array a feature. Only where ``kind`` is not "average".
        spread : ndarray of shape (n_responses,), float64
            Standard deviation of each response over the rows of X as they are.

    See Also
    --------
    TaskPartialDependenceDisplay : The result as a plot.

    Notes
    -----
    Partial dependence is that of [1]_, the curves of single rows are those of [2]_. Both are computed by
    prediction, with the feature set to the same value in all rows; where features are correlated, rows
    whose values do not go together are among them. One prediction serves all tasks.

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
        # Values between whole numbers have to fit in.
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
    """Values of a feature; ``rows`` are where X has them, None for numbers in between."""

    def __init__(self, values: np.ndarray, rows: np.ndarray | None) -> None:
        self.values = values
        self.rows = rows

    def filled(self, own: Any, number: int) -> Any:
        """One of the values in all rows, as a column of the same type as ``own``."""
        if self.rows is None:
            return np.full(len(own), self.values[number])
        where = np.full(len(own), self.rows[number])
        return own.iloc[where] if isinstance(own, pd.Series) else own[where]


def _check_options(kind: Any, grid_resolution: Any, percentiles: Any) -> None:
    if kind not in _KINDS:
        raise ValueError(f"kind should be one of {', '.join(map(repr, _KINDS))}, got {kind!r}.")
    if isinstance(grid_resolution, bool) or not isinstance(grid_resolution, Integral) or grid_resolution < 2:
        raise ValueError(f"grid_resolution should be an integer of at least 2, got {grid_resolution!r}.")
    if len(percentiles) != 2 or not 0 <= percentiles[0] < percentiles[1] <= 1:
        raise ValueError(f"percentiles should be two rising numbers from 0 to 1, got {percentiles!r}.")


def _grid(name: str, own: Any, resolution: int, percentiles: tuple[float, float]) -> _Grid:
    series = pd.Series(own).infer_objects()
    codes, values = pd.factorize(series, sort=True)
    if len(values) == 0:
        raise ValueError(f"The column {name!r} has no value at all, so that there is nothing to vary.")
    numeric = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)
    if not numeric or len(values) <= resolution:
        return _Grid(np.asarray(values), np.array([np.flatnonzero(codes == code)[0] for code in range(len(values))]))
    # scikit-learn's quantiles, so that both have the same grid.
    low, high = mquantiles(series.dropna().to_numpy(dtype=np.float64), prob=percentiles)
    if low == high:
        raise ValueError(
            f"The column {name!r} has the same value at both percentiles {percentiles}; take them further apart."
        )
    return _Grid(np.linspace(low, high, resolution), None)


def _curves(responses: TaskResponses, X: Any, position: int, grid: _Grid, kind: str) -> tuple[np.ndarray, Any]:
    """Averages (n_values, n_responses), and the rows' own curves (n_samples, n_values, n_responses) where asked for."""
    own, averages, rows = column(X, position), [], []
    for number in range(len(grid.values)):
        predicted = responses.read(with_column(X, position, grid.filled(own, number)))
        averages.append(predicted.mean(axis=0))
        if kind != "average":
            rows.append(predicted)
    return np.stack(averages), np.stack(rows, axis=1) if rows else None
