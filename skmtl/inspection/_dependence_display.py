"""Plot the partial dependence of the tasks on features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from .._names import proposal
from ._dependence import task_partial_dependence
from ._plotting import BLUE, GREY, heat_map, panel_grid, plain, shorten

# More rows of panels than this do not fit on a page: the plot then has one heat map per feature.
_MOST_ROWS = 8
# More curves of single rows than this would hide one another.
_MOST_CURVES = 100


class TaskPartialDependenceDisplay:
    """Partial dependence plot: the prediction for each task as a feature varies.

    Make it with ``from_estimator`` or ``from_dependence``.

    Parameters
    ----------
    dependence : Bunch
        Result of `task_partial_dependence`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel, set by ``plot``.
    axes_ : ndarray of matplotlib Axes
        All panels: one row per response and one column per feature, or one heat map per feature.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    task_partial_dependence : Computes the partial dependence.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl.inspection import TaskPartialDependenceDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> model = LinearRegression().fit(X, X[:, :2] ** 2)
    >>> display = TaskPartialDependenceDisplay.from_estimator(model, X, [0, 2], grid_resolution=5)
    >>> display.axes_.shape
    (2, 2)
    >>> display.frame().columns.tolist()
    ['feature', 'value', 'task', 'label', 'average']
    """

    def __init__(self, dependence: Any) -> None:
        self.dependence = dependence

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, features: Any = None, *, ax: Any = None, **options: Any
    ) -> TaskPartialDependenceDisplay:
        """Compute the partial dependence and plot it.

        Parameters
        ----------
        estimator, X, features : object
            As in `task_partial_dependence`.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.
        **options : dict
            Other arguments of `task_partial_dependence`.

        Returns
        -------
        display : TaskPartialDependenceDisplay
            The drawn display.
        """
        return cls.from_dependence(task_partial_dependence(estimator, X, features, **options), ax=ax)

    @classmethod
    def from_dependence(cls, dependence: Any, *, ax: Any = None) -> TaskPartialDependenceDisplay:
        """Plot a partial dependence that is already computed.

        Parameters
        ----------
        dependence : Bunch
            Result of `task_partial_dependence`.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.

        Returns
        -------
        display : TaskPartialDependenceDisplay
            The drawn display.
        """
        return cls(dependence).plot(ax=ax)

    def frame(self) -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Returns
        -------
        frame : DataFrame
            One row per feature, value and response, with the columns "feature", "value", "task", "label" (the class
            whose probability is predicted; None for a regression) and "average".
        """
        parts = []
        for number, feature in enumerate(self.dependence.features):
            values, average = self.dependence.grid_values[number], self._average(number)
            for place, response in enumerate(self.dependence.responses):
                table = {"feature": feature, "value": values, "task": response.task, "label": response.label}
                parts.append(pd.DataFrame({**table, "average": average[:, place]}))
        # Features may have values of different types.
        return pd.concat([part.astype({"value": object, "label": object}) for part in parts], ignore_index=True)

    def plot(
        self,
        *,
        tasks: Sequence[str] | None = None,
        kind: Literal["auto", "curves", "heatmap"] = "auto",
        ax: Any = None,
    ) -> TaskPartialDependenceDisplay:
        """Plot the partial dependence.

        Parameters
        ----------
        tasks : sequence of str, default=None
            Names of the tasks to plot; None means all.
        kind : {"auto", "curves", "heatmap"}, default="auto"
            "curves" has a panel for every response and feature. "heatmap" has one map per feature with a row per
            response: deviations from the response's mean, in standard deviations of its predictions. "auto" plots
            heat maps from 9 responses on.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.

        Returns
        -------
        self : TaskPartialDependenceDisplay
            With ``ax_``, ``axes_`` and ``figure_``.
        """
        if kind not in ("auto", "curves", "heatmap"):
            raise ValueError(f"kind should be 'auto', 'curves' or 'heatmap', got {kind!r}.")
        places = self._places(tasks)
        if kind == "curves" or (kind == "auto" and len(places) <= _MOST_ROWS):
            self._plot_curves(places, ax)
        else:
            self._plot_maps(places, ax)
        self.ax_ = self.axes_.flat[0]
        return self

    def _average(self, number: int) -> np.ndarray:
        if "average" in self.dependence:
            return self.dependence.average[number]
        return self.dependence.individual[number].mean(axis=0)

    def _places(self, tasks: Sequence[str] | None) -> list[int]:
        known = list(dict.fromkeys(response.task for response in self.dependence.responses))
        for task in tasks or ():
            if task not in known:
                raise ValueError(f"There is no task {task!r}.{proposal(str(task), known)}")
        wanted = known if tasks is None else list(tasks)
        return [i for i, response in enumerate(self.dependence.responses) if response.task in wanted]

    def _plot_curves(self, places: list[int], ax: Any) -> None:
        features = self.dependence.features
        size = (1.2 + 2.6 * len(features), 0.8 + 1.7 * len(places))
        self.figure_, self.axes_ = panel_grid(
            ax, len(places), len(features), size, type(self).__name__, sharex="col", sharey="row"
        )
        for row, place in enumerate(places):
            for number, feature in enumerate(features):
                panel = self.axes_[row, number]
                self._draw(panel, number, place)
                if row == len(places) - 1:
                    panel.set_xlabel(shorten(feature))
            self.axes_[row, 0].set_ylabel(shorten(self.dependence.responses[place].title))

    def _draw(self, panel: Any, number: int, place: int) -> None:
        values = self.dependence.grid_values[number]
        ordered = values.dtype.kind in "fiu"
        across = values if ordered else np.arange(len(values))
        if "individual" in self.dependence:
            rows = self.dependence.individual[number][:, :, place]
            some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_CURVES)).astype(int)]
            panel.plot(across, some.T, color=GREY, linewidth=0.5, alpha=0.4)
        panel.plot(across, self._average(number)[:, place], "-" if ordered else "o", color=BLUE, linewidth=2.0)
        if not ordered:
            texts = [shorten(str(value), 12) for value in values]
            panel.set_xticks(across, texts, rotation=90 if len(values) > 4 else 0)
        panel.grid(color="0.92")
        plain(panel)

    def _plot_maps(self, places: list[int], ax: Any) -> None:
        features = self.dependence.features
        size = (3.2 + 2.8 * len(features), 1.4 + 0.18 * max(10, len(places)))
        self.figure_, self.axes_ = panel_grid(ax, 1, len(features), size, type(self).__name__, sharey=True)
        titles = [self.dependence.responses[place].title for place in places]
        spread = self.dependence.spread[places]
        maps = []
        for number in range(len(features)):
            average = self._average(number)[:, places]
            # A constant response has no unit, and nothing to show.
            maps.append(((average - average.mean(axis=0)) / np.where(spread > 0, spread, np.inf)).T)
        limit = max(1e-12, max(np.abs(part).max() for part in maps))
        for number, feature in enumerate(features):
            panel, last = self.axes_[0, number], number == len(features) - 1
            label = "deviation from mean (SD)" if last else None
            heat_map(panel, maps[number], titles, None, label, vmin=-limit, vmax=limit, bar=last)
            _label_values(panel, self.dependence.grid_values[number])
            panel.set_xlabel(shorten(feature))


def _label_values(panel: Any, values: np.ndarray) -> None:
    """Label the columns of a heat map with the feature's values: up to six values all, of more only five."""
    shown = np.arange(len(values)) if len(values) <= 6 else np.linspace(0, len(values) - 1, 5).round().astype(int)
    texts = [f"{values[i]:.3g}" if values.dtype.kind in "fiu" else shorten(str(values[i]), 12) for i in shown]
    panel.set_xticks(shown, texts)
