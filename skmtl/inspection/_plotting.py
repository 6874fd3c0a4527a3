"""Plotting helpers of the displays: lazy matplotlib, grids of panels, heat maps, labels that fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

# Blue and vermillion of Okabe and Ito: distinguishable for the colour-blind, and in grey.
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#767676"
# Evenly increasing lightness, which keeps its meaning in grey.
SEQUENTIAL = "cividis"


def pyplot(caller: str) -> Any:
    """Import matplotlib.pyplot."""
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    return plt


def single_axes(ax: Any, size: tuple[float, float], caller: str) -> tuple[Any, Any]:
    """Return the caller's figure and axes, or new ones of the given size in inches."""
    plt = pyplot(caller)
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")
    return ax.figure, ax


def panel_grid(
    ax: Any,
    n_rows: int,
    n_columns: int,
    size: tuple[float, float],
    caller: str,
    *,
    heights: Sequence[float] | None = None,
    **share: Any,
) -> tuple[Any, Any]:
    """Return a figure and (n_rows, n_columns) axes, in a new figure or in place of the caller's axes."""
    plt = pyplot(caller)
    if ax is None:
        figure = plt.figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns, height_ratios=heights)
        return figure, grid.subplots(squeeze=False, **share)
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError(
            "ax should be axes that plt.subplots or add_subplot created, since they are divided into panels."
        )
    ax.set_axis_off()
    grid = spec.subgridspec(n_rows, n_columns, height_ratios=heights)
    return ax.figure, grid.subplots(squeeze=False, **share)


def heat_map(
    ax: Any,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str] | None,
    label: str | None,
    *,
    bar: bool = True,
    **options: Any,
) -> None:
    """Draw (n_rows, n_columns) values as colours, with a colour bar if ``bar``; NaN stays white."""
    image = ax.imshow(values, aspect="auto", interpolation="nearest", cmap=SEQUENTIAL, **options)
    ax.set_yticks(range(len(rows)), [shorten(name) for name in rows], fontsize=label_size(len(rows)))
    if columns is not None:
        turned = len(columns) > 6
        ax.set_xticks(
            range(len(columns)),
            [shorten(name) for name in columns],
            rotation=90 if turned else 0,
            fontsize=label_size(len(columns)),
        )
    ax.tick_params(length=0)
    if bar:
        ax.figure.colorbar(image, ax=ax, label=label, pad=0.01).outline.set_visible(False)


def label_size(count: int) -> float:
    """Return the font size for ``count`` labels along one side."""
    return 10.0 if count <= 16 else 8.0 if count <= 40 else 7.0


def shorten(name: str, limit: int = 30) -> str:
    """Cut the middle out of a name that does not fit beside a panel."""
    half = (limit - 1) // 2
    return name if len(name) <= limit else f"{name[:half]}…{name[-half:]}"


def columns_of(count: int) -> int:
    """Return the number of columns of a nearly square grid of panels, with few empty places."""
    if count <= 3:
        return count
    square = int(np.ceil(np.sqrt(count)))
    return min((square, square + 1), key=lambda columns: -count % columns)


def over_members(series: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, minimum and maximum of (epochs, members) per epoch; NaN if no member has a value."""
    known = ~np.isnan(series)
    some = known.any(axis=1)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(some, np.where(known, series, 0.0).sum(axis=1) / count, np.nan)
    low = np.where(some, np.where(known, series, np.inf).min(axis=1), np.nan)
    high = np.where(some, np.where(known, series, -np.inf).max(axis=1), np.nan)
    return mean, low, high


def plain(ax: Any) -> None:
    """Remove the top and right spines."""
    ax.spines[["top", "right"]].set_visible(False)


def matrix_side(count: int, most_numbers: int) -> float:
    """Return the side of a task matrix in inches; cells have room for numbers up to ``most_numbers`` tasks."""
    side = 0.62 * count if count <= most_numbers else 3.0 + 0.3 * min(count, 16) + 0.13 * max(count - 16, 0)
    return max(side, 2.4)


def readable(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """Return a readable text colour per cell: black on light, white on dark; colours reach from ``low`` to ``high``."""
    low = float(np.nanmin(values)) if low is None else low
    high = float(np.nanmax(values)) if high is None else high
    return np.where((high > low) & (values - low > 0.55 * (high - low)), "black", "white")
