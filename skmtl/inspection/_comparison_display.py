"""A comparison with single-task twins, drawn."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from ._compare import compare_with_single_task
from ._comparison import MULTI, SINGLE, SingleTaskComparison
from ._plotting import BLUE, GREY, VERMILLION, label_size, plain, shorten, single_axes
from ._statistics import HELPED, HURT, SAME, UNKNOWN

# Told apart without colour: by the form of the mark, and by whether it is filled.
_MARKS = {
    HELPED: (">", BLUE, BLUE),
    SAME: ("o", "white", GREY),
    HURT: ("<", VERMILLION, VERMILLION),
    UNKNOWN: ("x", GREY, GREY),
}


class SingleTaskComparisonDisplay:
    """By how much each task is better or worse for being learnt with the others.

    Make it with ``from_estimator`` or ``from_comparison``.

    Parameters
    ----------
    comparison : SingleTaskComparison
        What `compare_with_single_task` gave.
    against : str, default="single_task"
        Name of the estimator that the multi-task one is compared with.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, once ``plot`` was called.
    figure_ : matplotlib Figure
        Their figure.

    See Also
    --------
    compare_with_single_task : The numbers.

    Examples
    --------
    >>> from sklearn.linear_model import MultiTaskElasticNet
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import SingleTaskComparisonDisplay
    >>> X, y = make_related_tasks(100, 10, 3, random_state=0)
    >>> display = SingleTaskComparisonDisplay.from_estimator(MultiTaskElasticNet(), X, y, cv=3)
    >>> display.ax_.get_xlabel()
    'gain in r2 over single-task twins (right of 0: sharing helps)'
    """

    def __init__(self, comparison: SingleTaskComparison, *, against: str = SINGLE) -> None:
        self.comparison = comparison
        self.against = against

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any
    ) -> SingleTaskComparisonDisplay:
        """Compare and draw.

        Parameters
        ----------
        estimator, X, y : object
            As for `compare_with_single_task`.
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
        """Draw a comparison that was made before.

        Parameters
        ----------
        comparison : SingleTaskComparison
            What `compare_with_single_task` gave.
        against : str, default="single_task"
            Name of the estimator that the multi-task one is compared with.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : SingleTaskComparisonDisplay
            The drawn display.
        """
        return cls(comparison, against=against).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Numbers behind the plot.

        Returns
        -------
        frame : DataFrame
            That of ``SingleTaskComparison.frame``.
        """
        return self.comparison.frame(self.against)

    def plot(
        self,
        *,
        ax: Any = None,
        quantity: Literal["auto", "difference", "relative_gain"] = "auto",
        sort: bool = True,
    ) -> SingleTaskComparisonDisplay:
        """Draw the gain of every task with its confidence interval.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        quantity : {"auto", "difference", "relative_gain"}, default="auto"
            What to draw: the difference of the scores, or the relative reduction of the loss in per cent.
            "auto" is the former where all tasks have the same metric.
        sort : bool, default=True
            Whether the task that gains most comes first, instead of the order of y's columns.

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
            # It is the difference in another unit, and so are the ends of its interval.
            units = [self.comparison._percent(task, MULTI, self.against) for task in table.index]
            drawn = drawn.mul(units, axis=0)
        drawn["verdict"] = table["verdict"]
        if sort:
            drawn = drawn.sort_values("difference", ascending=False, na_position="last", kind="stable")
        self.figure_, self.ax_ = single_axes(ax, (8.5, 1.6 + 0.24 * len(drawn)), type(self).__name__)
        self._draw(drawn)
        # Beside the axes nothing is hidden; in the caller's figure there may be other axes.
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if ax is None else {"loc": "best"}
        self.ax_.legend(framealpha=0.9, edgecolor="none", **beside)
        self._label(table, quantity)
        return self

    def _draw(self, drawn: pd.DataFrame) -> None:
        ax, places = self.ax_, np.arange(len(drawn))
        ax.axvline(0.0, color="black", linewidth=0.8)
        for verdict, (mark, face, edge) in _MARKS.items():
            own = (drawn["verdict"] == verdict).to_numpy()
            if not own.any():
                continue
            part = drawn[own]
            ax.hlines(places[own], part["ci_low"], part["ci_high"], color=edge, linewidth=1.6)
            ax.plot(
                part["difference"],
                places[own],
                mark,
                markerfacecolor=face,
                markeredgecolor=edge,
                markersize=7,
                linestyle="none",
                label=f"{verdict} ({own.sum()})",
            )
        ax.set_yticks(places, [shorten(str(name)) for name in drawn.index], fontsize=label_size(len(drawn)))
        ax.set_ylim(len(drawn) - 0.4, -0.6)
        ax.grid(axis="x", color="0.9")
        ax.set_axisbelow(True)
        plain(ax)

    def _label(self, table: pd.DataFrame, quantity: str) -> None:
        baselines = self.against == SINGLE
        other = "single-task twins" if baselines else self.against
        if quantity == "difference":
            what = f"gain in {table['metric'].iloc[0]} over {other}"
        else:
            what = f"loss saved, in % of that of {other}"
        self.ax_.set_xlabel(f"{what} (right of 0: {'sharing helps' if baselines else 'better'})")
        title = "Learnt together, against alone" if baselines else f"Multi-task, against {other}"
        if baselines:
            total = self.comparison.summary().loc[MULTI]
            title += f": delta-m {total['delta_m']:+.1f} % [{total['ci_low']:+.1f}, {total['ci_high']:+.1f}]"
        level = f"{self.comparison.confidence_level:.0%} intervals, {self.comparison.n_folds} folds"
        self.ax_.set_title(f"{title}\n{level}", fontsize=11)
