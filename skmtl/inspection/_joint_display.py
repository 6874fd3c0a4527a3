"""Plot joint predictions of several targets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..estimators import JointRegion
from ._estimators import last_step
from ._plotting import BLUE, GREY, VERMILLION, panel_grid, plain, shorten

_MOST_TASKS, _MOST_ROWS = 6, 4
# Shape and lightness of the marks distinguish the rows without colour.
_ROWS = ((BLUE, "o"), (VERMILLION, "^"), ("black", "s"), (GREY, "D"))
_LINES: dict[str, Any] = {"box": "-", "ellipsoid": (0, (4, 2))}
_CURVE_POINTS = 181


class JointPredictionDisplay:
    """Joint draws and prediction regions of up to four rows, with a panel for every pair of targets.

    Make it with ``from_estimator``. A region covers all plotted tasks at once, so more draws than its coverage lie
    inside the outline of a single panel. A panel shows the projection of an ellipsoid, which hides how much smaller
    than the box it is in all dimensions together.

    Parameters
    ----------
    draws : ndarray of shape (n_rows, n_tasks, n_draws)
        Joint draws of regressions.
    prediction : ndarray of shape (n_rows, n_tasks)
        Their predictions.
    regions : list of JointRegion
        Regions of these tasks: boxes, ellipsoids, or both.
    truth : ndarray of shape (n_rows, n_tasks), default=None
        Labels; NaN for a missing one.
    row_names : list of str, default=None
        Names of the rows; by default "row 0" and so on.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, (n_tasks - 1, n_tasks - 1)
        The panels, set by ``plot``; those above the diagonal are empty.
    ax_ : matplotlib Axes
        The first panel.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ResidualCorrelationDisplay : Plots the correlations between the errors of all tasks.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import JointPredictionDisplay
    >>> X, y = make_related_tasks(100, 5, 3, random_state=0)
    >>> model = MultiTaskKerasRegressor(epochs=5, random_state=0).fit(X, y)
    >>> display = JointPredictionDisplay.from_estimator(model, X[:1], y[:1], random_state=0)
    >>> display.axes_.shape
    (2, 2)
    """

    def __init__(
        self,
        draws: np.ndarray,
        prediction: np.ndarray,
        regions: Sequence[JointRegion],
        *,
        truth: np.ndarray | None = None,
        row_names: Sequence[str] | None = None,
    ) -> None:
        self.draws = draws
        self.prediction = prediction
        self.regions = regions
        self.truth = truth
        self.row_names = row_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        tasks: Sequence[Any] | None = None,
        coverage: float = 0.9,
        n_draws: int = 300,
        random_state: Any = None,
        ax: Any = None,
    ) -> JointPredictionDisplay:
        """Predict rows jointly and plot the result.

        Parameters
        ----------
        estimator : estimator
            One of skmtl's estimators, fitted, or a fitted pipeline or search that ends in one.
        X : {array-like, DataFrame} of shape (n_rows, n_features)
            Features of up to four rows.
        y : {array-like, DataFrame} of shape (n_rows, n_tasks), default=None
            Labels of all tasks of ``fit``, to mark the truth; NaN for a missing one.
        tasks : list of str or int, default=None
            Two to six regressions, by name or position; None means all regressions, up to the first six.
        coverage : float, default=0.9
            Probability that all these tasks lie inside the region at once.
        n_draws : int, default=300
            Number of draws per row.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.

        Returns
        -------
        display : JointPredictionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If X has more than four rows, or ``tasks`` are not two to six regressions.
        """
        model, rows = last_step(estimator, X, f"{cls.__name__}.from_estimator")
        selected = _regressions(model, tasks)
        regions = [model.predict_region(rows, coverage, shape=shape, tasks=selected) for shape in ("box", "ellipsoid")]
        n_rows = len(regions[0].intervals)
        if n_rows > _MOST_ROWS:
            raise ValueError(f"X has {n_rows} rows: choose up to {_MOST_ROWS}, more would be hard to distinguish.")
        draws = model.sample_y(rows, n_draws, random_state=random_state)[:, selected].astype(np.float64)
        prediction = np.asarray(model.predict(rows))[:, selected].astype(np.float64)
        truth = None if y is None else regions[0].labels(y)
        return cls(draws, prediction, regions, truth=truth, row_names=_names_of_rows(X, n_rows)).plot(ax=ax)

    @property
    def task_names(self) -> list[str]:
        """Names of the plotted tasks."""
        return self.regions[0].task_names

    def frame(self, values: Literal["regions", "draws"] = "regions") -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Parameters
        ----------
        values : {"regions", "draws"}, default="regions"
            Whether to return the regions or the draws.

        Returns
        -------
        frame : DataFrame
            For regions, one line per row and task, with "prediction", "box_lower", "box_upper", "ellipsoid_lower",
            "ellipsoid_upper" and, if labels are given, "truth". For draws, one line per row and draw, and one column
            per task.
        """
        names = self._row_names()
        if values == "draws":
            index = pd.MultiIndex.from_product([names, range(self.draws.shape[2])], names=["row", "draw"])
            flat = self.draws.transpose(0, 2, 1).reshape(-1, len(self.task_names))
            return pd.DataFrame(flat, index=index, columns=list(self.task_names))
        if values != "regions":
            raise ValueError(f"values should be 'regions' or 'draws', got {values!r}.")
        index = pd.MultiIndex.from_product([names, self.task_names], names=["row", "task"])
        table = pd.DataFrame({"prediction": self.prediction.ravel()}, index=index)
        for region in self.regions:
            for place, end in enumerate(("lower", "upper")):
                table[f"{region.shape}_{end}"] = region.intervals[..., place].ravel()
        if self.truth is not None:
            table["truth"] = self.truth.ravel()
        return table

    def plot(self, *, ax: Any = None, alpha: float = 0.35) -> JointPredictionDisplay:
        """Plot a panel for every pair of tasks.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.
        alpha : float, default=0.35
            Opacity of the draws.

        Returns
        -------
        self : JointPredictionDisplay
            With ``axes_``, ``ax_`` and ``figure_``.
        """
        side = len(self.task_names) - 1
        inches = {1: 4.6, 2: 3.2, 3: 2.6}.get(side, 2.2)
        size = (inches * side + (1.9 if side == 1 else 0.6), inches * side + 0.5)
        self.figure_, self.axes_ = panel_grid(ax, side, side, size, type(self).__name__, sharex="col", sharey="row")
        self.ax_ = self.axes_[0, 0]
        for panel in self.axes_[np.triu_indices(side, 1)]:
            panel.set_axis_off()
        for first, second in combinations(range(side + 1), 2):
            self._draw(self.axes_[second - 1, first], first, second, alpha)
        for place, name in enumerate(self.task_names):
            if place < side:
                self.axes_[-1, place].set_xlabel(shorten(name, 24))
            if place > 0:
                self.axes_[place - 1, 0].set_ylabel(shorten(name, 24))
        self._legend()
        return self

    def _draw(self, panel: Any, first: int, second: int, alpha: float) -> None:
        for row, (colour, mark) in zip(range(len(self.prediction)), _ROWS, strict=False):
            x, y = self.draws[row, first], self.draws[row, second]
            panel.scatter(x, y, s=10, marker=mark, color=colour, alpha=alpha, linewidths=0, zorder=1)
            for region in self.regions:
                curve = _outline(region, row, first, second)
                if np.isfinite(curve).all():
                    panel.plot(*curve, color=colour, linestyle=_LINES[region.shape], linewidth=1.5, zorder=2)
            place = self.prediction[row, [first, second]]
            panel.plot(*place, mark, color=colour, markeredgecolor="white", markersize=9, zorder=3)
            if self.truth is not None and np.isfinite(self.truth[row, [first, second]]).all():
                self._mark_truth(panel, row, first, second, colour, mark)
        panel.ticklabel_format(axis="both", useOffset=False, style="sci", scilimits=(-3, 5))
        panel.grid(color="0.92")
        panel.set_axisbelow(True)
        plain(panel)

    def _mark_truth(self, panel: Any, row: int, first: int, second: int, colour: str, mark: str) -> None:
        """Draw a hollow mark in the row's shape; its white rim keeps it visible on the draws."""
        assert self.truth is not None  # noqa: S101 - for the type checker
        place = self.truth[row, [first, second]]
        panel.plot(*place, mark, markersize=11, markeredgewidth=4.0, color="none", markeredgecolor="white", zorder=4)
        panel.plot(*place, mark, markersize=11, markeredgewidth=1.8, color="none", markeredgecolor=colour, zorder=5)

    def _legend(self) -> None:
        from matplotlib.lines import Line2D

        colour, mark = _ROWS[0] if len(self.prediction) == 1 else ("0.35", "o")
        none: dict[str, Any] = {"linestyle": "none", "color": colour, "marker": mark}
        lines = [
            Line2D([], [], **none, markersize=3, alpha=0.6, label="draw"),
            Line2D([], [], **none, markersize=8, markeredgecolor="white", label="prediction"),
        ]
        if self.truth is not None:
            hollow = {**none, "color": "none", "markeredgecolor": colour}
            lines.append(Line2D([], [], **hollow, markersize=9, markeredgewidth=1.8, label="truth"))
        for region in self.regions:
            label = f"{region.shape}, {region.coverage:.0%}"
            lines.append(Line2D([], [], color=colour, linestyle=_LINES[region.shape], linewidth=1.5, label=label))
        if len(self.prediction) > 1:
            for name, (shade, shape) in zip(self._row_names(), _ROWS, strict=False):
                lines.append(Line2D([], [], linestyle="none", color=shade, marker=shape, label=shorten(name, 24)))
        side = len(self.axes_)
        if side == 1:
            self.ax_.legend(handles=lines, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        else:
            self.axes_[0, 1].legend(handles=lines, loc="lower left", frameon=False, fontsize=9)

    def _row_names(self) -> list[str]:
        return [f"row {row}" for row in range(len(self.prediction))] if self.row_names is None else [*self.row_names]


def _regressions(model: Any, tasks: Sequence[Any] | None) -> list[int]:
    """Return the positions of the tasks to plot."""
    classes = model.network_.targets.classes
    if tasks is None:
        selected = [place for place, labels in enumerate(classes) if labels is None][:_MOST_TASKS]
    else:
        selected = model._chosen_tasks(tasks)
    classified = [model.task_names_[place] for place in selected if classes[place] is not None]
    if classified or not 2 <= len(selected) <= _MOST_TASKS:
        names = [model.task_names_[place] for place in selected]
        raise ValueError(f"tasks should be two to {_MOST_TASKS} regressions, got {names}.")
    return selected


def _names_of_rows(X: Any, n_rows: int) -> list[str]:
    index = X.index if isinstance(X, pd.DataFrame) else range(n_rows)
    return [f"row {name}" for name in index]


def _outline(region: JointRegion, row: int, first: int, second: int) -> np.ndarray:
    """Return the outline of a region's projection on the plane of two tasks, (2, n_points)."""
    if region.matrix is None:
        (left, right), (low, high) = region.intervals[row, first], region.intervals[row, second]
        return np.array([[left, right, right, left, left], [low, low, high, high, low]])
    both = [first, second]
    # The projection of an ellipsoid on two coordinates is the ellipse of that block of its matrix.
    values, vectors = np.linalg.eigh(region.matrix[row][np.ix_(both, both)])
    angle = np.linspace(0, 2 * np.pi, _CURVE_POINTS)
    circle = np.array([np.cos(angle), np.sin(angle)])
    return region.center[row, both][:, None] + vectors @ (np.sqrt(np.maximum(values, 0.0))[:, None] * circle)
