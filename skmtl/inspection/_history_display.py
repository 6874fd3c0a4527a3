"""Plot the training history: losses and task weights per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from .._names import proposal
from ._estimators import fitted_network
from ._plotting import BLUE, GREY, VERMILLION, columns_of, heat_map, over_members, panel_grid, plain, shorten
from ._weight_panels import MOST_LINES, weight_lines, weight_map

_TOTAL = "all tasks"
# More panels than this are too small to read: the plot is then a heat map.
_MOST_PANELS = 24
_PARTS = {"training": "", "validation": "val_"}


class TrainingHistoryDisplay:
    """Training and validation losses per epoch, of all tasks together and of each task.

    If a balancing method weighted the tasks, their weights are plotted below or beside the losses. Make it with
    ``from_estimator``.

    Parameters
    ----------
    history : dict of str to ndarray of shape (n_epochs, n_members)
        Losses and weights by name as in ``history_``, one column per member of the ensemble.
    task_names : sequence of str
        Names of the tasks.
    best_epochs : array-like of shape (n_members,)
        Epoch whose weights each member kept, counted from 1.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of all tasks together, set by ``plot``.
    axes_ : ndarray of matplotlib Axes
        All panels of losses.
    weights_ax_ : matplotlib Axes or None
        The panel of weights; None if no method weighted the tasks.
    figure_ : matplotlib Figure
        The figure.

    Notes
    -----
    Losses are relative to the loss of the best constant prediction: a task at 1 has learnt nothing. Lines are means
    over the members of an ensemble, and bands reach from the lowest member to the highest. A member that has stopped
    improving keeps its best weights, but trains on until the last member of its group has stopped; its losses
    therefore continue after its best epoch. Equally weighted tasks have the weight 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.inspection import TrainingHistoryDisplay
    >>> falling = np.array([[1.0, 0.9], [0.5, 0.6], [0.4, 0.5]])
    >>> history = {"loss": falling, "size_loss": falling, "weight_loss": falling}
    >>> display = TrainingHistoryDisplay(history, task_names=["size", "weight"], best_epochs=[3, 3]).plot()
    >>> display.axes_.shape
    (1, 3)
    >>> display.frame().columns.tolist()
    ['task', 'rows', 'epoch', 'mean', 'low', 'high']
    """

    def __init__(
        self, history: Mapping[str, np.ndarray], *, task_names: Sequence[str], best_epochs: Sequence[int] | np.ndarray
    ) -> None:
        self.history = history
        self.task_names = task_names
        self.best_epochs = best_epochs

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, tasks: Sequence[str] | None = None, kind: str = "auto", ax: Any = None
    ) -> TrainingHistoryDisplay:
        """Plot the history of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            One of skmtl's estimators, fitted, or a fitted pipeline or search that ends in one.
        tasks : sequence of str, default=None
            Names of the tasks to plot; None means all.
        kind : {"auto", "panels", "heatmap"}, default="auto"
            As in ``plot``.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.

        Returns
        -------
        display : TrainingHistoryDisplay
            The drawn display.
        """
        network = fitted_network(estimator, f"{cls.__name__}.from_estimator")
        check_is_fitted(network)
        display = cls(
            network.member_history_,
            task_names=list(network.task_names_),
            best_epochs=np.atleast_1d(network.best_epoch_),
        )
        return display.plot(tasks=tasks, kind=kind, ax=ax)

    def frame(self, values: Literal["loss", "weight"] | str = "loss") -> pd.DataFrame:
        """Return the plotted numbers as a table.

        Parameters
        ----------
        values : {"loss", "weight"}, default="loss"
            Losses, or the task weights of the balancing method.

        Returns
        -------
        frame : DataFrame
            One row per task, epoch and, for losses, kind of rows. Its columns are "task" ("all tasks" for their
            weighted mean), "rows" ("training" or "validation"; losses only), "epoch" (from 1), and "mean", "low" and
            "high" over members. The table of weights is empty if no method weighted the tasks.
        """
        if values == "weight":
            none = _table(np.empty((0, 1)), task="")
            tables = [_table(series, task=task) for task, series in self._weights(self.task_names).items()]
            return pd.concat(tables or [none], ignore_index=True)
        if values != "loss":
            raise ValueError(f"values should be 'loss' or 'weight', got {values!r}.")
        parts = [(task, rows, self._series(task, rows)) for task in (_TOTAL, *self.task_names) for rows in _PARTS]
        tables = [_table(series, task=task, rows=rows) for task, rows, series in parts if series is not None]
        return pd.concat(tables, ignore_index=True)

    def plot(
        self,
        *,
        tasks: Sequence[str] | None = None,
        kind: Literal["auto", "panels", "heatmap"] | str = "auto",
        yscale: Literal["linear", "log"] = "linear",
        ax: Any = None,
    ) -> TrainingHistoryDisplay:
        """Plot the losses, and the task weights if there are any.

        Parameters
        ----------
        tasks : sequence of str, default=None
            Names of the tasks to plot; None means all.
        kind : {"auto", "panels", "heatmap"}, default="auto"
            "panels" has one panel per task. "heatmap" has one row per task, coloured by the validation loss, or by
            the training loss if no rows were held out. "auto" plots a heat map from 25 tasks on.
        yscale : {"linear", "log"}, default="linear"
            Scale of the losses in panels.
        ax : matplotlib Axes, default=None
            Axes to divide into panels; None creates a figure.

        Returns
        -------
        self : TrainingHistoryDisplay
            With ``ax_``, ``axes_``, ``weights_ax_`` and ``figure_``.
        """
        if kind not in ("auto", "panels", "heatmap"):
            raise ValueError(f"kind should be 'auto', 'panels' or 'heatmap', got {kind!r}.")
        names = self._selected(tasks)
        if kind == "panels" or (kind == "auto" and len(names) <= _MOST_PANELS):
            self._plot_panels(names, yscale, ax)
        else:
            self._plot_map(names, yscale, ax)
        self.ax_ = self.axes_.flat[0]
        return self

    def _selected(self, tasks: Sequence[str] | None) -> list[str]:
        if tasks is None:
            return list(self.task_names)
        for task in tasks:
            if task not in self.task_names:
                raise ValueError(f"There is no task {task!r}.{proposal(str(task), self.task_names)}")
        return list(tasks)

    def _series(self, task: str, rows: str) -> np.ndarray | None:
        """Return losses (epochs, members), or None if there are none."""
        name = "loss" if task == _TOTAL else f"{task}_loss"
        series = self.history.get(f"{_PARTS[rows]}{name}")
        return None if series is None or np.isnan(series).all() else np.asarray(series)

    def _weights(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Return weights (epochs, members) by task; empty if there are none."""
        weights = {task: self.history.get(f"{task}_weight") for task in names}
        return {task: np.asarray(s) for task, s in weights.items() if s is not None and not np.isnan(s).all()}

    def _plot_panels(self, names: list[str], yscale: str, ax: Any) -> None:
        shown, weights, caller = [_TOTAL, *names], self._weights(names), type(self).__name__
        n_columns = columns_of(len(shown))
        n_rows = -(-len(shown) // n_columns)
        size = (max(5.0, 1.1 + 2.6 * n_columns), 1.1 + 2.0 * n_rows)
        place, self.weights_ax_ = ax, None
        if weights:
            lines = len(weights) <= MOST_LINES
            heights = [size[1], 2.4 if lines else 1.0 + 0.22 * len(weights)]
            total = (size[0], sum(heights))
            _, both = panel_grid(ax, 2, 1, total, caller, heights=heights)
            place, self.weights_ax_ = both[:, 0]
            (weight_lines if lines else weight_map)(self.weights_ax_, weights)
        self.figure_, self.axes_ = panel_grid(place, n_rows, n_columns, size, caller, sharex=True)
        for panel, task in zip(self.axes_.flat, shown, strict=False):
            self._draw(panel, task, yscale)
        for panel in self.axes_.flat[len(shown) :]:
            panel.set_visible(False)
        self._label_outer(len(shown))
        handles, labels = self.axes_.flat[0].get_legend_handles_labels()
        if ax is None:
            self.figure_.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        else:
            self.axes_.flat[0].legend(handles, labels, loc="best", frameon=False, fontsize=8)

    def _label_outer(self, shown: int) -> None:
        n_columns = self.axes_.shape[1]
        for place, panel in enumerate(self.axes_.flat):
            # The last panel of a column may be one above the last row.
            if place + n_columns >= shown:
                panel.set_xlabel("epoch")
                panel.tick_params(labelbottom=True)
            if place % n_columns == 0:
                panel.set_ylabel("loss")

    def _plot_map(self, names: list[str], yscale: str, ax: Any) -> None:
        validated = any(self._series(task, "validation") is not None for task in names)
        rows = "validation" if validated else "training"
        means = np.array([self._mean(task, rows) for task in names])
        order = np.argsort(np.nan_to_num(_last(means), nan=np.inf), kind="stable")
        weights, caller = self._weights([names[i] for i in order]), type(self).__name__
        size = (13.0 if weights else 9.0, 3.2 + 0.16 * len(names))
        shares = [2.2, 1.0 + 0.16 * len(names)]
        self.figure_, self.axes_ = panel_grid(ax, 2, 1, size, caller, heights=shares, sharex=not weights)
        self.weights_ax_ = None
        if weights:
            _, beside = panel_grid(self.axes_[1, 0], 1, 2, size, caller)
            self.axes_[1, 0], self.weights_ax_ = beside[0]
            weight_map(self.weights_ax_, weights)
        top, bottom = self.axes_[:, 0]
        self._draw(top, _TOTAL, yscale)
        top.set_ylabel("loss")
        top.legend(loc="best", ncols=2, framealpha=0.9, edgecolor="none", fontsize=8)
        extent = (0.5, means.shape[1] + 0.5, len(names) - 0.5, -0.5)
        label = f"{rows} loss (constant prediction = 1)"
        # Without this limit, one task far worse than a constant would leave no colours for the others.
        most = min(1.2, float(np.nanmax(means)))
        heat_map(bottom, means[order], [names[i] for i in order], None, label, vmin=0.0, vmax=most, extent=extent)
        bottom.set_xlabel("epoch")
        if weights:
            bottom.set_title(f"{rows} losses", fontsize=10, fontweight="bold")

    def _mean(self, task: str, rows: str) -> np.ndarray:
        series = self._series(task, rows)
        return np.full(len(self.history["loss"]), np.nan) if series is None else over_members(series)[0]

    def _draw(self, panel: Any, task: str, yscale: str) -> None:
        styles = {"training": (GREY, "--", 1.2), "validation": (BLUE, "-", 1.8)}
        for rows, (colour, line, width) in styles.items():
            series = self._series(task, rows)
            if series is None:
                continue
            mean, low, high = over_members(series)
            epochs = np.arange(1, len(series) + 1)
            panel.plot(epochs, mean, line, color=colour, linewidth=width, label=rows)
            if series.shape[1] > 1:
                panel.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
        panel.axhline(1.0, color="black", linewidth=0.8, linestyle=":", label="constant prediction")
        best = np.asarray(self.best_epochs)
        # A full line for a single network, but short ones for many: they would hide the curves.
        height = 1.0 if len(best) == 1 else 0.12
        across = panel.get_xaxis_transform()
        panel.vlines(best, 0.0, height, transform=across, color=VERMILLION, linewidth=1.4, label="best epoch")
        panel.set_title(shorten(task), fontsize=10, fontweight="bold" if task == _TOTAL else None)
        panel.set_yscale(yscale)
        plain(panel)


def _table(series: np.ndarray, **where: str) -> pd.DataFrame:
    """Return one row per epoch of a series (epochs, members)."""
    mean, low, high = over_members(series)
    return pd.DataFrame({**where, "epoch": np.arange(1, len(series) + 1), "mean": mean, "low": low, "high": high})


def _last(means: np.ndarray) -> np.ndarray:
    """Return the last known value of every row."""
    known = ~np.isnan(means)
    places = means.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    return np.where(known.any(axis=1), means[np.arange(len(means)), places], np.nan)
