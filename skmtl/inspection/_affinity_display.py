"""Plot task affinities as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ._affinity import task_affinity
from ._affinity_result import OPPOSED, RELATED, TaskAffinity
from ._ordering import clustered
from ._plotting import heat_map, matrix_side, readable, single_axes

_LABELS = {
    "gradient_cosine": "mean cosine between gradients",
    "tag": "relative loss reduction (TAG)",
    "label_correlation": "absolute label correlation",
}
_SIGNS = {RELATED: "+", OPPOSED: "−"}
_MARKERS = {RELATED: "+", OPPOSED: "_"}
# With up to this many tasks, numbers fit into the cells.
_MOST_NUMBERS = 10
# Longer names would overlap below the cells, unless rotated.
_LONGEST_HORIZONTAL = 6


class TaskAffinityDisplay:
    """Heat map of the affinities of all pairs of tasks, ordered so that similar tasks are adjacent.

    Make it with ``from_estimator`` or ``from_affinity``.

    Parameters
    ----------
    affinity : TaskAffinity
        Result of `task_affinity`.

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
    task_affinity : Measures the affinities.
    suggest_task_groups : Suggests groups of tasks to train together.

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
    ['y2', 'y0', 'y1', 'y3']
    """

    def __init__(self, affinity: TaskAffinity) -> None:
        self.affinity = affinity

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> TaskAffinityDisplay:
        """Measure the affinities and plot them.

        Parameters
        ----------
        estimator, X, y : object
            As in `task_affinity`.
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
        """Plot affinities that are already measured.

        Parameters
        ----------
        affinity : TaskAffinity
            Result of `task_affinity`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a figure.

        Returns
        -------
        display : TaskAffinityDisplay
            The drawn display.
        """
        return cls(affinity).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Returns
        -------
        frame : DataFrame
            The table of ``TaskAffinity.frame``.
        """
        return self.affinity.frame()

    def plot(self, *, ax: Any = None, cluster: bool = True) -> TaskAffinityDisplay:
        """Plot the matrix, with a blank diagonal.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None creates a figure.
        cluster : bool, default=True
            Whether to place similar tasks next to one another (average linkage) instead of keeping the order of y's
            columns.

        Returns
        -------
        self : TaskAffinityDisplay
            With ``ax_``, ``figure_`` and ``order_``.
        """
        values = self.affinity.matrix.to_numpy(copy=True)
        np.fill_diagonal(values, np.nan)
        order = clustered(values) if cluster else np.arange(len(values))
        names = self.affinity.task_names
        self.order_ = [names[task] for task in order]
        count = len(order)
        side = matrix_side(count, _MOST_NUMBERS)
        self.figure_, self.ax_ = single_axes(ax, (side + 4.2, side + 3.2), type(self).__name__)
        values = values[np.ix_(order, order)]
        heat_map(self.ax_, values, self.order_, self.order_, _LABELS[self.affinity.method])
        self.ax_.set_aspect("equal")
        if max(len(name) for name in self.order_) > _LONGEST_HORIZONTAL:
            self.ax_.tick_params(axis="x", rotation=90)
        verdicts = self.affinity.verdicts().to_numpy()[np.ix_(order, order)]
        if count <= _MOST_NUMBERS:
            self._write(values, verdicts)
        else:
            self._sign(values, verdicts)
        self._label(verdicts)
        return self

    def _write(self, values: np.ndarray, verdicts: np.ndarray) -> None:
        """Write the numbers, with the sign of a significant affinity below."""
        digits = int(np.clip(1 - np.floor(np.log10(max(np.nanmax(np.abs(values)), 1e-8))), 1, 4))
        colours = readable(values)
        for row, column in np.argwhere(~np.isnan(values)):
            # Adding 0.0 avoids "-0.00".
            text = f"{np.round(values[row, column], digits) + 0.0:.{digits}f}"
            sign = _SIGNS.get(verdicts[row, column])
            text = text if sign is None else f"{text}\n{sign}"
            self.ax_.text(column, row, text, ha="center", va="center", color=colours[row, column], fontsize=9)

    def _sign(self, values: np.ndarray, verdicts: np.ndarray) -> None:
        """Draw signs alone, since numbers do not fit."""
        colours = readable(values)
        for verdict, marker in _MARKERS.items():
            rows, columns = np.nonzero(verdicts == verdict)
            size = 40 if len(values) <= 20 else 12
            shades = colours[rows, columns].tolist()
            self.ax_.scatter(columns, rows, marker=marker, c=shades, s=size, linewidths=0.9)

    def _label(self, verdicts: np.ndarray) -> None:
        if not self.affinity.symmetric:
            self.ax_.set_xlabel("loss of")
            self.ax_.set_ylabel("step for")
        title = f"Affinity of {len(verdicts)} tasks"
        if self.affinity.n_permutations:
            title += f"\n+ above chance, − below chance ({self.affinity.level:.0%} level over all pairs)"
        self.ax_.set_title(title, fontsize=10)
