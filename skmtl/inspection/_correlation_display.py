"""Plot the correlations between the errors of tasks as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ._estimators import last_step
from ._ordering import clustered
from ._plotting import heat_map, matrix_side, readable, single_axes

# With up to this many tasks, numbers fit into the cells.
_MOST_NUMBERS = 10
# Longer names would overlap below the cells, unless rotated.
_LONGEST_HORIZONTAL = 6


class ResidualCorrelationDisplay:
    """Heat map of the residual correlations of all pairs of tasks, with strongly correlated tasks adjacent.

    Make it with ``from_estimator``.

    Parameters
    ----------
    correlation : DataFrame of shape (n_tasks, n_tasks)
        The attribute ``residual_correlation_`` of a fitted estimator.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, set by ``plot``.
    figure_ : matplotlib Figure
        The figure.
    order_ : list of str
        The tasks in the order of the plot.

    See Also
    --------
    TaskAffinityDisplay : Plots the affinities of tasks in training.
    JointPredictionDisplay : Plots joint predictions of a row.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmtl.inspection import ResidualCorrelationDisplay
    >>> names = ["price", "rooms", "area"]
    >>> correlation = pd.DataFrame([[1.0, 0.1, 0.7], [0.1, 1.0, 0.3], [0.7, 0.3, 1.0]], index=names, columns=names)
    >>> ResidualCorrelationDisplay(correlation).plot().order_
    ['price', 'area', 'rooms']
    """

    def __init__(self, correlation: pd.DataFrame) -> None:
        self.correlation = correlation

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> ResidualCorrelationDisplay:
        """Plot the residual correlations of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            One of skmtl's estimators, fitted, or a fitted pipeline or search that ends in one.
        ax : matplotlib Axes, default=None
            Axes to draw on; None creates a figure.

        Returns
        -------
        display : ResidualCorrelationDisplay
            The drawn display.
        """
        model, _ = last_step(estimator, None, f"{cls.__name__}.from_estimator")
        return cls(model.residual_correlation_).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Returns
        -------
        frame : DataFrame
            One row per pair of tasks, indexed by "task" and "other", with their "correlation", the strongest first.
        """
        values, names = self.correlation.to_numpy(), np.array(self.correlation.columns, dtype=object)
        rows, columns = np.triu_indices(len(names), 1)
        index = pd.MultiIndex.from_arrays([names[rows], names[columns]], names=["task", "other"])
        table = pd.DataFrame({"correlation": values[rows, columns]}, index=index)
        return table.sort_values("correlation", key=np.abs, ascending=False, kind="stable")

    def plot(self, *, ax: Any = None, cluster: bool = True) -> ResidualCorrelationDisplay:
        """Plot the matrix, with a blank diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None creates a figure.
        cluster : bool, default=True
            Whether to place tasks with strongly correlated errors, of either sign, next to one another (average
            linkage) instead of keeping the order of y's columns.

        Returns
        -------
        self : ResidualCorrelationDisplay
            With ``ax_``, ``figure_`` and ``order_``.
        """
        values = self.correlation.to_numpy(copy=True)
        np.fill_diagonal(values, np.nan)
        count = len(values)
        order = clustered(np.abs(values)) if cluster else np.arange(count)
        self.order_ = [str(self.correlation.columns[task]) for task in order]
        side = matrix_side(count, _MOST_NUMBERS)
        self.figure_, self.ax_ = single_axes(ax, (side + 4.2, side + 3.2), type(self).__name__)
        values = values[np.ix_(order, order)]
        heat_map(self.ax_, values, self.order_, self.order_, "correlation of out-of-fold errors", vmin=-1, vmax=1)
        self.ax_.set_aspect("equal")
        if max(len(name) for name in self.order_) > _LONGEST_HORIZONTAL:
            self.ax_.tick_params(axis="x", rotation=90)
        if count <= _MOST_NUMBERS:
            colours = readable(values, -1.0, 1.0)
            for row, column in np.argwhere(~np.isnan(values)):
                text = f"{np.round(values[row, column], 2) + 0.0:.2f}".replace("-", "−")
                self.ax_.text(column, row, text, ha="center", va="center", color=colours[row, column], fontsize=9)
        self.ax_.set_title(f"Residual correlation of {count} tasks", fontsize=10)
        return self
