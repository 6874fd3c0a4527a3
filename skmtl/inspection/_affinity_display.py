"""Affinities of tasks, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from ._affinity import task_affinity
from ._affinity_result import OPPOSED, RELATED, TaskAffinity
from ._plotting import heat_map, single_axes

_LABELS = {
    "gradient_cosine": "mean cosine of the gradients",
    "tag": "relative fall of the loss (TAG)",
    "label_correlation": "absolute correlation of the labels",
}
_SIGNS = {RELATED: "+", OPPOSED: "−"}
# Up to so many tasks the numbers fit into the cells.
_MOST_NUMBERS = 10


class TaskAffinityDisplay:
    """Heat map of the affinities of every two tasks, close tasks beside one another.

    Make it with ``from_estimator`` or ``from_affinity``.

    Parameters
    ----------
    affinity : TaskAffinity
        What `task_affinity` gave.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes, once ``plot`` was called.
    figure_ : matplotlib Figure
        Their figure.
    order_ : list of str
        The tasks in the order drawn.

    See Also
    --------
    task_affinity : The numbers.
    suggest_task_groups : Groups of tasks to learn together.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.datasets import make_related_tasks
    >>> from skmtl.inspection import TaskAffinityDisplay
    >>> X, y = make_related_tasks(200, 10, 4, task_groups=[0, 1, 0, 1], random_state=0)
    >>> display = TaskAffinityDisplay.from_estimator(
    ...     MultiTaskKerasRegressor(), X, y, method="label_correlation", random_state=0
    ... )
    >>> display.order_
    ['y0', 'y2', 'y1', 'y3']
    """

    def __init__(self, affinity: TaskAffinity) -> None:
        self.affinity = affinity

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> TaskAffinityDisplay:
        """Measure and draw.

        Parameters
        ----------
        estimator, X, y : object
            As for `task_affinity`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        **options : dict
            Other arguments of `task_affinity`.

        Returns
        -------
        display : TaskAffinityDisplay
            The drawn display.
        """
        return cls.from_affinity(task_affinity(estimator, X, y, **options), ax=ax)

    @classmethod
    def from_affinity(cls, affinity: TaskAffinity, *, ax: Any = None) -> TaskAffinityDisplay:
        """Draw affinities that were measured before.

        Parameters
        ----------
        affinity : TaskAffinity
            What `task_affinity` gave.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : TaskAffinityDisplay
            The drawn display.
        """
        return cls(affinity).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Numbers behind the plot.

        Returns
        -------
        frame : DataFrame
            That of ``TaskAffinity.frame``.
        """
        return self.affinity.frame()

    def plot(self, *, ax: Any = None, cluster: bool = True) -> TaskAffinityDisplay:
        """Draw the matrix; the diagonal, which says nothing of two tasks, stays white.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.
        cluster : bool, default=True
            Whether close tasks stand beside one another (by average linkage), instead of in the order of y's columns.

        Returns
        -------
        self : TaskAffinityDisplay
            With ``ax_``, ``figure_`` and ``order_``.
        """
        values = self.affinity.matrix.to_numpy(copy=True)
        np.fill_diagonal(values, np.nan)
        order = _clustered(values) if cluster else np.arange(len(values))
        names = self.affinity.task_names
        self.order_ = [names[task] for task in order]
        side = 2.8 + 0.30 * min(len(order), 16) + 0.13 * max(len(order) - 16, 0)
        self.figure_, self.ax_ = single_axes(ax, (side + 1.4, side), type(self).__name__)
        values = values[np.ix_(order, order)]
        heat_map(self.ax_, values, self.order_, self.order_, _LABELS[self.affinity.method])
        self.ax_.set_aspect("equal")
        verdicts = self.affinity.verdicts().to_numpy()[np.ix_(order, order)]
        signs = [[_SIGNS.get(verdict, "") for verdict in row] for row in verdicts]
        self._write(values, signs)
        self._label(verdicts)
        return self

    def _write(self, values: np.ndarray, signs: Sequence[Sequence[str]]) -> None:
        """Signs of what is beyond chance, and numbers where they fit, dark on light and light on dark."""
        count = len(values)
        low, high = np.nanmin(values), np.nanmax(values)
        digits = int(np.clip(1 - np.floor(np.log10(max(abs(low), abs(high), 1e-8))), 1, 4))
        size = 9 if count <= _MOST_NUMBERS else max(4.5, 150 / count)
        for row, column in np.argwhere(~np.isnan(values)):
            value, sign = values[row, column], signs[row][column]
            text = f"{value:.{digits}f}\n{sign}" if count <= _MOST_NUMBERS and sign else sign
            if count <= _MOST_NUMBERS and not sign:
                text = f"{value:.{digits}f}"
            if text:
                light = high > low and (value - low) / (high - low) > 0.55
                colour = "black" if light else "white"
                self.ax_.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)

    def _label(self, verdicts: np.ndarray) -> None:
        if not self.affinity.symmetric:
            self.ax_.set_xlabel("… changes the loss of")
            self.ax_.set_ylabel("a step for …")
        title = f"Affinity of {len(verdicts)} tasks"
        if self.affinity.n_permutations:
            title += (
                f"\n+ above, − below what permuted labels give ({self.affinity.level:.0%} level, all pairs together)"
            )
        self.ax_.set_title(title, fontsize=10)


def _clustered(values: np.ndarray) -> np.ndarray:
    """Order of the tasks in which the neighbours are close."""
    if len(values) < 3:
        return np.arange(len(values))
    close = np.where(np.isnan(values), np.nanmin(values), values)
    close = (close + close.T) / 2
    distance = close.max() - close
    np.fill_diagonal(distance, 0.0)
    flat = squareform(distance, checks=False)
    return leaves_list(optimal_leaf_ordering(linkage(flat, "average"), flat))
