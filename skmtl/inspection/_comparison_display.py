"""Plot a comparison with single-task baselines."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from ._compare import compare_with_single_task
from ._comparison import MULTI, SINGLE, SingleTaskComparison
from ._plotting import BLUE, GREY, VERMILLION, label_size, plain, shorten, single_axes
from ._statistics import HELPED, HURT, SAME, UNKNOWN

# The shapes and fills distinguish the marks without colour.
_MARKS = {
    HELPED: (">", BLUE, BLUE),
    SAME: ("o", "white", GREY),
    HURT: ("<", VERMILLION, VERMILLION),
    UNKNOWN: ("x", GREY, GREY),
}


class SingleTaskComparisonDisplay:
    """Gain of each task from sharing, with its confidence interval.

    Make it with ``from_estimator`` or ``from_comparison``.

    Parameters
    ----------
    comparison : SingleTaskComparison
        Result of `compare_with_single_task`.
    against : str, default="single_task"
        Name of the estimator to compare the multi-task estimator with.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, set by ``plot``.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    compare_with_single_task : Computes the comparison.

    Examples
    --------
    >>> from sklearn.linear_model import MultiTaskElasticNet
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import SingleTaskComparisonDisplay
    >>> X, y = make_related_tasks(100, 10, 3, random_state=0)
    >>> display = SingleTaskComparisonDisplay.from_estimator(MultiTaskElasticNet(), X, y, cv=3)
    >>> display.ax_.get_xlabel()
    'gain in r2 over single-task baselines (right of 0: sharing helps)'
    """

    def __init__(self, comparison: SingleTaskComparison, *, against: str = SINGLE) -> None:
        self.comparison = comparison
        self.against = against

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> SingleTaskComparisonDisplay:
        """Run the comparison and plot it.

        Parameters
        ----------
        estimator, X, y : object
            As in `compare_with_single_task`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        **options : dict
            Other arguments of `compare_with_single_task`.

        Returns
        -------
        display : SingleTaskComparisonDisplay
            The drawn display.
        """
        return cls.from_comparison(compare_with_single_task(estimator, X, y, **options), ax=ax)

    @classmethod
    def from_comparison(
        cls, comparison: SingleTaskComparison, *, against: str = SINGLE, ax: Any = None
    ) -> SingleTaskComparisonDisplay:
        """Plot a finished comparison.

        Parameters
        ----------
        comparison : SingleTaskComparison
            Result of `compare_with_single_task`.
        against : str, default="single_task"
            Name of the estimator to compare the multi-task estimator with.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : SingleTaskComparisonDisplay
            The drawn display.
        """
        return cls(comparison, against=against).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Returns
        -------
        frame : DataFrame
            The table of ``SingleTaskComparison.frame``.
        """
        return self.comparison.frame(self.against)

    def plot(
        self,
        *,
        ax: Any = None,
        quantity: Literal["auto", "difference", "relative_gain"] = "auto",
        sort: bool = True,
    ) -> SingleTaskComparisonDisplay:
        """Plot the gain of every task with its confidence interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None creates a figure.
        quantity : {"auto", "difference", "relative_gain"}, default="auto"
            What to plot: the score difference, or the relative loss reduction in per cent. "auto" plots the score
            difference if all tasks have the same metric.
        sort : bool, default=True
            Whether to sort tasks by their gain, largest first, instead of keeping the order of y's columns.

        Returns
        -------
        self : SingleTaskComparisonDisplay
            With ``ax_`` and ``figure_``.
        """
        if quantity not in ("auto", "difference", "relative_gain"):
            raise ValueError(f"quantity should be 'auto', 'difference' or 'relative_gain', got {quantity!r}.")
        table = self.frame()
        if quantity == "auto":
            quantity = "difference" if table["metric"].nunique() == 1 else "relative_gain"
        drawn = table[["difference", "ci_low", "ci_high"]].copy()
        if quantity == "relative_gain":
            # The difference and its interval, in another unit.
            units = [self.comparison._percent(task, MULTI, self.against) for task in table.index]
            drawn = drawn.mul(units, axis=0)
        drawn["verdict"] = table["verdict"]
        if sort:
            drawn = drawn.sort_values("difference", ascending=False, na_position="last", kind="stable")
        self.figure_, self.ax_ = single_axes(ax, (8.5, 1.6 + 0.24 * len(drawn)), type(self).__name__)
        self._draw(drawn)
        # Outside the axes the legend hides nothing, but the caller's figure may have other axes there.
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if ax is None else {"loc": "best"}
        self.ax_.legend(framealpha=0.9, edgecolor="none", **beside)
        self._label(table, quantity)
        return self

    def _draw(self, drawn: pd.DataFrame) -> None:
        ax, places = self.ax_, np.arange(len(drawn))
        ax.axvline(0.0, color="black", linewidth=0.8)
        for verdict, (mark, face, edge) in _MARKS.items():
            selected = (drawn["verdict"] == verdict).to_numpy()
            if not selected.any():
                continue
            part = drawn[selected]
            ax.hlines(places[selected], part["ci_low"], part["ci_high"], color=edge, linewidth=1.6)
            ax.plot(
                part["difference"],
                places[selected],
                mark,
                markerfacecolor=face,
                markeredgecolor=edge,
                markersize=7,
                linestyle="none",
                label=f"{verdict} ({selected.sum()})",
            )
        ax.set_yticks(places, [shorten(str(name)) for name in drawn.index], fontsize=label_size(len(drawn)))
        ax.set_ylim(len(drawn) - 0.4, -0.6)
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        plain(ax)

    def _label(self, table: pd.DataFrame, quantity: str) -> None:
        baselines = self.against == SINGLE
        other = "single-task baselines" if baselines else self.against
        if quantity == "difference":
            what = f"gain in {table['metric'].iloc[0]} over {other}"
        else:
            what = f"loss reduction relative to {other}, in %"
        self.ax_.set_xlabel(f"{what} (right of 0: {'sharing helps' if baselines else 'better'})")
        title = "Multi-task against single-task" if baselines else f"Multi-task against {other}"
        if baselines:
            total = self.comparison.summary().loc[MULTI]
            title += f": delta-m {total['delta_m']:+.1f} % [{total['ci_low']:+.1f}, {total['ci_high']:+.1f}]"
        level = f"{self.comparison.confidence_level:.0%} intervals, {self.comparison.n_folds} folds"
        self.ax_.set_title(f"{title}\n{level}", fontsize=11)
