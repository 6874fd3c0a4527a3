"""Weights that balancing gave the tasks, over the epochs: a line a task, or a map where there are many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._plotting import SEQUENTIAL, heat_map, over_members, plain, shorten

# More lines than this in one panel cannot be told apart.
MOST_LINES = 6
_STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
_TITLE = "weights of the tasks' losses"


def weight_lines(ax: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Draw weights (epochs, members) by task: means as lines, named beside the panel in the order they end in."""
    import matplotlib as mpl

    means = {task: over_members(series) for task, series in weights.items()}
    last = {task: mean[~np.isnan(mean)][-1] for task, (mean, _, _) in means.items()}
    # Darker or lighter as well as dashed otherwise, so that they stay apart in grey; yellow is too light for a line.
    shades = mpl.colormaps[SEQUENTIAL](np.linspace(0.0, 0.8, len(means)))
    for place, task in enumerate(sorted(means, key=last.__getitem__, reverse=True)):
        mean, low, high = means[task]
        epochs, style, shade = np.arange(1, len(mean) + 1), _STYLES[place % len(_STYLES)], shades[place]
        ax.plot(epochs, mean, linestyle=style, color=shade, linewidth=1.8, label=shorten(task))
        if weights[task].shape[1] > 1:
            ax.fill_between(epochs, low, high, color=shade, alpha=0.15, linewidth=0)
    ax.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9)
    ax.set_title(_TITLE, fontsize=10, fontweight="bold")
    ax.set_xlabel("epoch")
    ax.set_ylabel("weight")
    plain(ax)


def weight_map(ax: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Draw weights (epochs, members) by task as colours, one row a task."""
    means = np.array([over_members(series)[0] for series in weights.values()])
    extent = (0.5, means.shape[1] + 0.5, len(means) - 0.5, -0.5)
    heat_map(ax, means, list(weights), None, "weight", extent=extent)
    ax.set_title(_TITLE, fontsize=10, fontweight="bold")
    ax.set_xlabel("epoch")
