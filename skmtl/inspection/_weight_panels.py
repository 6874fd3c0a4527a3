"""Plot task weights over the epochs, as lines or as a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._plotting import SEQUENTIAL, heat_map, over_members, plain, shorten

# More lines than this in one panel are indistinguishable.
MOST_LINES = 6
_STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
_TITLE = "task weights"


def weight_lines(ax: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Draw mean weights (epochs, members) by task as lines; the legend has the order in which the lines end."""
    import matplotlib as mpl

    means = {task: over_members(series) for task, series in weights.items()}
    last = {task: mean[~np.isnan(mean)][-1] for task, (mean, _, _) in means.items()}
    # Lightness and dashes distinguish the lines in grey as well. Yellow is too light for a line.
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
    """Draw weights (epochs, members) by task as a heat map, one row per task."""
    means = np.array([over_members(series)[0] for series in weights.values()])
    extent = (0.5, means.shape[1] + 0.5, len(means) - 0.5, -0.5)
    heat_map(ax, means, list(weights), None, "weight", extent=extent)
    ax.set_title(_TITLE, fontsize=10, fontweight="bold")
    ax.set_xlabel("epoch")
