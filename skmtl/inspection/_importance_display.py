"""Plot the permutation importances of features for tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from .._names import proposal
from ._importance import task_permutation_importance
from ._plotting import BLUE, heat_map, label_size, panel_grid, plain, shorten

# More bar charts than this side by side are too narrow: the plot is then a heat map.
_MOST_PANELS = 6


class TaskImportanceDisplay:
    """Permutation importance of each feature for each task.

    Make it with ``from_estimator`` or ``from_importances``.

    Parameters
    ----------
    importances_mean, importances_std : DataFrame of shape (n_features, n_tasks)
        Importances from `task_permutation_importance`.
    metrics : Series of length n_tasks
        Names of the metrics behind the importances.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel, set by ``plot``.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    task_permutation_importance : Computes the importances.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skmtl.inspection import TaskImportanceDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> y = np.column_stack([X[:, 0], X.sum(axis=1)])
    >>> model = LinearRegression().fit(X, y)
    >>> display = TaskImportanceDisplay.from_estimator(model, X, y, random_state=0)
    >>> display.axes_.shape
    (1, 2)
    """

    def __init__(self, importances_mean: pd.DataFrame, importances_std: pd.DataFrame, *, metrics: pd.Series) -> None:
        self.importances_mean = importances_mean
        self.importances_std = importances_std
        self.metrics = metrics

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, max_features: int = 20, ax: Any = None, **options: Any
    ) -> TaskImportanceDisplay:
        """Compute the importances and plot them.

        Parameters
        ----------
        estimator, X, y : object
            As in `task_permutation_importance`.
        max_features : int, default=20
            Number of features to draw: the most important ones.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.
        **options : dict
            Other arguments of `task_permutation_importance`.

        Returns
        -------
        display : TaskImportanceDisplay
            The drawn display.
        """
        return cls.from_importances(
            task_permutation_importance(estimator, X, y, **options), max_features=max_features, ax=ax
        )

    @classmethod
    def from_importances(cls, importances: Any, *, max_features: int = 20, ax: Any = None) -> TaskImportanceDisplay:
        """Plot importances that are already computed.

        Parameters
        ----------
        importances : Bunch
            Result of `task_permutation_importance`.
        max_features : int, default=20
            Number of features to draw: the most important ones.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None makes a figure.

        Returns
        -------
        display : TaskImportanceDisplay
            The drawn display.
        """
        display = cls(importances.importances_mean, importances.importances_std, metrics=importances.metrics)
        return display.plot(max_features=max_features, ax=ax)

    def frame(self) -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Returns
        -------
        frame : DataFrame
            One row per feature and task, with the columns "feature", "task", "metric", "mean" and "std".
        """
        long = self.importances_mean.melt(ignore_index=False, var_name="task", value_name="mean").reset_index(
            names="feature"
        )
        long["std"] = self.importances_std.to_numpy().ravel(order="F")
        long.insert(2, "metric", np.repeat(self.metrics.to_numpy(), len(self.importances_mean)))
        return long

    def plot(
        self,
        *,
        max_features: int = 20,
        tasks: Sequence[str] | None = None,
        kind: Literal["auto", "bars", "heatmap"] = "auto",
        ax: Any = None,
    ) -> TaskImportanceDisplay:
        """Plot the importances.

        Parameters
        ----------
        max_features : int, default=20
            Number of features to plot: those with the largest importance for any task, relative to the largest of
            the task.
        tasks : sequence of str, default=None
            Names of the tasks to plot; None means all.
        kind : {"auto", "bars", "heatmap"}, default="auto"
            "bars" has one bar chart per task. "heatmap" has one map of features and tasks, with importances relative to
            the largest of the task. "auto" plots a heat map from 7 tasks on.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.

        Returns
        -------
        self : TaskImportanceDisplay
            With ``ax_``, ``axes_`` and ``figure_``.
        """
        if kind not in ("auto", "bars", "heatmap"):
            raise ValueError(f"kind should be 'auto', 'bars' or 'heatmap', got {kind!r}.")
        if isinstance(max_features, bool) or not isinstance(max_features, int) or max_features < 1:
            raise ValueError(f"max_features should be an integer of at least 1, got {max_features!r}.")
        names = list(self.importances_mean.columns) if tasks is None else list(tasks)
        for task in names:
            if task not in self.importances_mean.columns:
                raise ValueError(f"There is no task {task!r}.{proposal(str(task), self.importances_mean.columns)}")
        mean, std = self.importances_mean[names], self.importances_std[names]
        relative = mean / mean.max().where(lambda largest: largest > 0)
        order = np.argsort(-relative.max(axis=1).fillna(-np.inf).to_numpy(), kind="stable")[:max_features]
        if kind == "bars" or (kind == "auto" and len(names) <= _MOST_PANELS):
            self._plot_bars(mean.iloc[order], std.iloc[order], ax)
        else:
            self._plot_map(relative.iloc[order], ax)
        self.ax_ = self.axes_.flat[0]
        return self

    def _plot_bars(self, mean: pd.DataFrame, std: pd.DataFrame, ax: Any) -> None:
        size = (2.2 + 2.4 * mean.shape[1], 1.4 + 0.24 * len(mean))
        self.figure_, self.axes_ = panel_grid(ax, 1, mean.shape[1], size, type(self).__name__, sharey=True)
        places = np.arange(len(mean))
        for panel, task in zip(self.axes_[0], mean.columns, strict=True):
            panel.barh(places, mean[task], xerr=std[task], color=BLUE, ecolor="black", error_kw={"linewidth": 1.0})
            panel.axvline(0.0, color="black", linewidth=0.8)
            panel.set_title(shorten(str(task)), fontsize=10)
            panel.set_xlabel(f"importance ({self.metrics[task]})")
            plain(panel)
        first = self.axes_[0, 0]
        first.set_yticks(places, [shorten(str(name)) for name in mean.index], fontsize=label_size(len(mean)))
        first.set_ylim(len(mean) - 0.4, -0.6)

    def _plot_map(self, relative: pd.DataFrame, ax: Any) -> None:
        size = (3.6 + 0.2 * max(16, relative.shape[1]), 2.6 + 0.22 * len(relative))
        self.figure_, self.axes_ = panel_grid(ax, 1, 1, size, type(self).__name__)
        label = "importance relative to the task's largest"
        rows, columns = [str(name) for name in relative.index], [str(name) for name in relative.columns]
        heat_map(self.axes_[0, 0], relative.to_numpy(), rows, columns, label, vmin=0.0, vmax=1.0)
