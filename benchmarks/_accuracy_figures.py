"""Figures of the accuracy benchmark: error against fit time, and critical differences of ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _harness import RESULTS
from _ranks import draw
from _report import BLUE, GREY

# Display names, in the order of the tables.
LABELS = {
    "ridge": "ridge",
    "chain": "chain of ridges",
    "forest": "random forest",
    "extra_trees": "extra trees",
    "hgb": "hist. gradient boosting",
    "catboost": "CatBoost",
    "mlp": "MLP",
    "realmlp": "RealMLP",
    "lightgbm": "LightGBM",
    "stack": "stack",
    "xrfm": "xRFM",
    "tabm": "TabM",
    "seed": "plain Keras network",
    "skmtl": "skmtl",
    "skmtl_splitter": "skmtl, splitter",
    "skmtl_sharing_auto": "skmtl, sharing auto",
    "skmtl_single_task": "skmtl, single task",
}
# Offset of a label from its point, in points, and the side of the label at the point; others stand to the right.
OFFSETS: dict[str, dict[str, tuple[float, float, str]]] = {
    "arrmse": {
        "chain": (8, 4, "left"),
        "ridge": (2, -14, "center"),
        "extra_trees": (0, 12, "left"),
        "forest": (8, -3, "left"),
        "hgb": (-8, -8, "right"),
        "catboost": (9, 3, "left"),
        "realmlp": (0, 12, "center"),
    },
    "log_loss": {
        "ridge": (0, 13, "center"),
        "forest": (0, -14, "center"),
        "realmlp": (0, 12, "center"),
        "catboost": (0, 12, "center"),
    },
}
ELSEWHERE = "realmlp"  # timed on another machine: a hollow point


def relative_error(table: pd.DataFrame) -> pd.Series:
    """Geometric mean over data sets (rows) of each contestant's error relative to the best contestant's."""
    return np.exp(np.log(table.div(table.min(axis=1), axis=0)).mean())


def pareto(points: pd.DataFrame) -> list[str]:
    """Return the rows that no other row beats in both columns, in the order of the first column."""
    best, front = np.inf, []
    for name, row in points.sort_values(list(points.columns)).iterrows():
        if row.iloc[1] < best:
            best = row.iloc[1]
            front.append(str(name))
    return front


def draw_error_and_time(name: str, panels: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> None:
    """Write results/NAME.png, one panel per metric.

    ``panels`` maps a metric to its errors and fit times, two tables of data sets by contestants.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    titles = {"arrmse": "regression sets, aRRMSE", "log_loss": "classification and mixed sets, log loss"}
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.4 * len(panels), 4.3), layout="constrained", squeeze=False, sharex=True, sharey=True
    )
    for ax, (metric, (errors, times)) in zip(axes[0], panels.items(), strict=True):
        points = pd.DataFrame({"time": np.exp(np.log(times).mean()), "error": relative_error(errors)})
        labels = {**LABELS, "ridge": "ridge" if metric == "arrmse" else "ridge, logistic"}
        _scatter(ax, points, labels, OFFSETS.get(metric, {}))
        ax.set_title(f"{len(errors)} {titles[metric]}", fontsize=11)
    _name_front(axes[0, 0])
    axes[0, 0].set_ylabel("error relative to the best on each set\n(geometric mean; lower is better)", fontsize=10.5)
    figure.supxlabel("fit time in seconds (geometric mean over the sets, log scale; left is faster)", fontsize=10.5)
    figure.savefig(RESULTS / f"{name}.png", dpi=200, facecolor="white")
    plt.close(figure)


def _scatter(
    ax: Any, points: pd.DataFrame, labels: dict[str, str], offsets: dict[str, tuple[float, float, str]]
) -> None:
    """Draw points with their names, and the Pareto front as steps."""
    from matplotlib.patheffects import withStroke

    front = points.loc[pareto(points)]
    ax.step(front["time"], front["error"], where="post", color="black", linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
    ax.set_xscale("log")
    ax.set_xlim(0.01, 70)
    ax.margins(y=0.08)
    for name, (time, error) in points.iterrows():
        own = name == "skmtl"
        fill = BLUE if own else "white" if name == ELSEWHERE else GREY
        ax.scatter(time, error, s=100 if own else 46, marker="D" if own else "o", zorder=3, linewidth=1.5,
                   edgecolor=BLUE if own else GREY, facecolor=fill)  # fmt: skip
        dx, dy, side = offsets.get(str(name), (11 if own else 8, 0, "left"))
        label = labels.get(str(name), str(name)).replace("gradient ", "gradient\n")
        ax.annotate(label, (time, error), (dx, dy), textcoords="offset points", ha=side,
                    va="center", fontsize=12 if own else 10, color=BLUE if own else "black", zorder=4,
                    fontweight="bold" if own else "normal",
                    path_effects=[withStroke(linewidth=3, foreground="white")])  # fmt: skip
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#e2e2e2", linewidth=0.6)
    ax.set_axisbelow(True)


def _name_front(ax: Any) -> None:
    """Label the Pareto front above its longest horizontal piece."""
    times, errors = ax.lines[0].get_xydata().T
    last = int(np.log(times[1:] / times[:-1]).argmax())
    middle = np.sqrt(times[last] * times[last + 1])
    ax.annotate("Pareto front", (middle, errors[last]), (0, 4), textcoords="offset points", ha="center", fontsize=9,
                fontstyle="italic")  # fmt: skip


def draw_ranks(name: str, panels: dict[str, tuple[pd.DataFrame, bool, str]]) -> None:
    """Write results/NAME.png, one critical-difference diagram per table.

    ``panels`` maps a metric to its table, whether lower is better, and the title of its diagram.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(panels), 1, figsize=(9, 3.6 * len(panels)), layout="constrained", squeeze=False)
    for ax, (table, less_is_better, title) in zip(axes[:, 0], panels.values(), strict=True):
        draw(ax, table.rename(columns=LABELS), less_is_better, title)
    figure.savefig(RESULTS / f"{name}.png", dpi=150, facecolor="white")
    plt.close(figure)
