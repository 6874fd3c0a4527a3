"""Comparison of contestants over data sets: ranks, normalised scores, wins, critical differences (Demšar, 2006)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

MOSTLY = 0.6  # a contestant run on fewer of the sets is left out of the summary


def common(table: pd.DataFrame) -> pd.DataFrame:
    """Drop contestants run on few sets, then sets that any of the others lacks."""
    if table.empty:
        return table
    kept = table.columns[table.notna().mean() >= MOSTLY]
    return table[kept].dropna()


def summary(table: pd.DataFrame, less_is_better: bool) -> pd.DataFrame:
    """Return ranks, means and wins of a table without gaps; the geometric mean keeps one hard set from dominating."""
    errors = table if less_is_better else -table
    ranks = errors.rank(axis=1)
    frame = {
        "mean rank": ranks.mean(),
        "mean score": table.mean(),
        "geometric mean": np.exp(np.log(table.clip(lower=1e-12)).mean()),
        "mean normalised score": normalised(errors).mean(),
        "wins": (ranks == 1).sum(),
    }
    return pd.DataFrame(frame).sort_values("mean rank")


def normalised(errors: pd.DataFrame) -> pd.DataFrame:
    """Scale scores to 1 for the best of a set and 0 for the worst tenth, linear between (Grinsztajn et al., 2022)."""
    best, low = errors.min(axis=1), errors.quantile(0.9, axis=1)
    span = (low - best).where(low > best, 1.0)
    return (1 - errors.sub(best, axis=0).div(span, axis=0)).clip(lower=0)


def against(table: pd.DataFrame, name: str, less_is_better: bool) -> pd.DataFrame:
    """Compare one contestant with each other one, on the sets that both have."""
    rows = {}
    for other in table.columns.drop(name):
        both = table[[name, other]].dropna()
        if both.empty:
            continue
        difference = (both[other] - both[name]) * (1 if less_is_better else -1)
        nonzero = difference[difference != 0]
        rows[other] = {
            "sets": len(both),
            f"{name} better": int((difference > 0).sum()),
            f"{name} worse": int((difference < 0).sum()),
            "mean relative gain": float((difference / both[other].abs()).mean()),
            "p (Wilcoxon)": float(stats.wilcoxon(nonzero).pvalue) if len(nonzero) > 5 else np.nan,
        }
    return pd.DataFrame(rows).T


def critical_difference(n_contestants: int, n_sets: int, level: float = 0.05) -> float:
    """Return the Nemenyi test's critical difference: mean ranks that lie further apart differ."""
    q = stats.studentized_range.ppf(1 - level, n_contestants, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_contestants * (n_contestants + 1) / (6 * n_sets)))


def friedman(table: pd.DataFrame) -> float:
    """Return the p value of the hypothesis that all contestants are alike."""
    return float(stats.friedmanchisquare(*[table[c] for c in table]).pvalue)


def draw(ax: Any, table: pd.DataFrame, less_is_better: bool, title: str) -> None:
    """Draw a critical-difference diagram: best on the left; bars join contestants whose ranks do not differ."""
    errors = table if less_is_better else -table
    ranks = errors.rank(axis=1).mean().sort_values()
    k, distance = len(ranks), critical_difference(len(ranks), len(table))
    ax.set_xlim(0.5, k + 0.5)
    half = (k + 1) // 2
    groups = _groups(ranks.to_numpy(), distance)
    below = 0.35 * len(groups) + 0.6
    ax.set_ylim(-(below + 0.6 * half + 0.3), 1.6)
    ax.hlines(0, 1, k, color="black")
    for tick in range(1, k + 1):
        ax.vlines(tick, 0, 0.12, color="black")
        ax.text(tick, 0.2, str(tick), ha="center", va="bottom", fontsize=8)
    ax.hlines(1.0, 1, 1 + distance, color="black", linewidth=2)
    ax.text(1 + distance / 2, 1.1, f"critical difference {distance:.2f}", ha="center", va="bottom", fontsize=9)
    for i, (name, rank) in enumerate(ranks.items()):
        left = i < half
        y = -(below + 0.6 * (i if left else k - 1 - i))
        edge = 0.95 if left else k + 0.05
        ax.plot([rank, rank, edge], [0, y, y], color="#1f4e8c" if name == "skmtl" else "black", linewidth=1)
        ax.text(edge, y, f" {name} {rank:.2f} ", ha="right" if left else "left", va="center", fontsize=10.5,
                fontweight="bold" if name == "skmtl" else "normal")  # fmt: skip
    for i, (first, last) in enumerate(groups):
        ax.hlines(-0.35 * (i + 1), first - 0.04, last + 0.04, color="black", linewidth=3)
    ax.set_title(f"{title} (mean ranks over {len(table)} data sets)", fontsize=11)
    ax.axis("off")


def _groups(ranks: np.ndarray, distance: float) -> list[tuple[float, float]]:
    """Return the longest runs of sorted ranks that lie within the critical difference."""
    found: list[tuple[float, float]] = []
    for i, rank in enumerate(ranks):
        last = ranks[np.searchsorted(ranks, rank + distance, side="right") - 1]
        if last > rank and not (found and found[-1][1] >= last) and i < len(ranks):
            found.append((float(rank), float(last)))
    return found
