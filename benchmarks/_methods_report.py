"""Table, plot and a plain reading of the methods' gains over single-task twins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _harness import RESULTS, machine
from scipy import stats


def write_report(table: pd.DataFrame, rows: int, settings: dict[str, Any]) -> None:
    """Write results/methods.csv, methods.md and methods.png."""
    table.drop(columns=["cap", "twin_error"]).round(5).to_csv(RESULTS / "methods.csv", index=False)
    found = intervals(table[table["method"] != "single task"])
    text = "\n\n".join([_head(table, rows, settings), _reading(table, found), _delta_table(found), _errors(table)])
    (RESULTS / "methods.md").write_text(text + "\n")
    _plot(found)


def intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Delta-m of each data set and method: mean over seeds, half the 95 % interval of the mean, and what that says."""
    per_seed = table.groupby(["data", "method", "seed"], sort=False)["gain"].mean()
    found = per_seed.groupby(["data", "method"], sort=False).agg(["mean", "std", "count"])
    found["half"] = stats.t.ppf(0.975, found["count"] - 1) * found["std"] / np.sqrt(found["count"])
    found["verdict"] = np.select(
        [found["mean"] > found["half"], found["mean"] < -found["half"]], ["helped", "hurt"], "noise"
    )
    return found


def _head(table: pd.DataFrame, rows: int, settings: dict[str, Any]) -> str:
    seeds = table.groupby("data", sort=False)["seed"].nunique()
    tasks = table.groupby("data", sort=False)["task"].nunique()
    shown = ", ".join(f"{name} ({tasks[name]} tasks, {seeds[name]} seeds)" for name in seeds.index)
    about = machine()
    return (
        "# Sharing schemes and balancing methods beside single-task twins\n\n"
        f"{about['date']}; skmtl {about.get('skmtl', '')}, tensorflow {about.get('tensorflow', '')}. "
        "Gains in per cent of the twin's error (root mean squared error, or log loss), averaged over tasks: delta-m, "
        "positive where the method is better than networks trained for each task alone with the same settings "
        f"({', '.join(f'{k} {v}' for k, v in settings.items())}; early stopping as by default). Schemes with equal "
        "weights, balancings on a shared bottom.\n\n"
        f"Of larger data sets, {rows} rows are drawn anew by each seed; of school and landmine, whole tasks until "
        "there are as many rows. Three quarters are trained on; the split is random, for rf1 in time, since "
        f"neighbouring rows know each other's labels. Data sets: {shown}. Every task of every seed is in methods.csv. "
        "`python benchmarks/methods.py` measures this anew."
    )


def _delta_table(found: pd.DataFrame) -> str:
    data_sets = list(dict.fromkeys(found.index.get_level_values("data")))
    lines = [
        "## Delta-m, per cent",
        "",
        "Mean over seeds ± half the 95 % interval of the mean; bold where it is clear of 0.",
        "",
    ]
    lines += ["| method | " + " | ".join(data_sets) + " |", "|---|" + "---:|" * len(data_sets)]
    for method in dict.fromkeys(found.index.get_level_values("method")):
        cells = [_cell(found.loc[(data, method)]) for data in data_sets]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: pd.Series) -> str:
    text = f"{row['mean']:+.1f} ± {row['half']:.1f}"
    return text if row["verdict"] == "noise" else f"**{text}**"


def _reading(table: pd.DataFrame, found: pd.DataFrame) -> str:
    """What the intervals say, in words, and whether anything beats the plain shared bottom or random weights."""
    lines = ["## What it says", ""]
    for data, own in found.groupby("data", sort=False):
        named = own.droplevel("data")
        lines.append(f"- **{data}**: " + "; ".join(_verdicts(named)) + ".")
    for reference in ("shared_bottom", "balancing random"):
        better, worse, pairs = _against(table, reference)
        lines.append(
            f"- Against {reference}, in the same seeds: of {pairs} pairs of a method and a data set, {better} are "
            f"clearly better and {worse} clearly worse (by chance alone some {0.025 * pairs:.0f} of each)."
        )
    return "\n".join(lines)


def _verdicts(named: pd.DataFrame) -> list[str]:
    parts = []
    for verdict in ("helped", "hurt"):
        methods = named[named["verdict"] == verdict].sort_values("mean", ascending=verdict == "hurt")
        if len(methods) == len(named):
            parts.append(f"every method {verdict} ({methods['mean'].min():+.1f} to {methods['mean'].max():+.1f} %)")
        elif len(methods):
            shown = [f"{name} {mean:+.1f}" for name, mean in methods["mean"].head(4).items()]
            more = f" and {len(methods) - 4} more" if len(methods) > 4 else ""
            parts.append(f"{verdict}: {', '.join(shown)}{more}")
    noise = int((named["verdict"] == "noise").sum())
    if noise:
        parts.append(f"{'all' if noise == len(named) else noise} of {len(named)} methods cannot be told from the twins")
    return parts


def _against(table: pd.DataFrame, reference: str) -> tuple[int, int, int]:
    """How many methods are clearly better, clearly worse than another in the same seeds, of how many pairs."""
    per_seed = (
        table[table["method"] != "single task"].groupby(["data", "method", "seed"])["gain"].mean().unstack("method")
    )
    differences = per_seed.sub(per_seed[reference], axis=0).drop(columns=reference)
    means, spread = differences.groupby("data").mean(), differences.groupby("data").std()
    count = differences.groupby("data").count()
    half = stats.t.ppf(0.975, count - 1) * spread / np.sqrt(count)
    return int((means > half).sum().sum()), int((means < -half).sum().sum()), means.size


def _errors(table: pd.DataFrame) -> str:
    """Scores that a reader knows: R2, AUC or accuracy, mean over tasks and seeds."""
    data_sets = list(dict.fromkeys(table["data"]))
    scores = table.groupby(["method", "data"], sort=False)["score"].mean().unstack()[data_sets]
    seconds = table.drop_duplicates(["data", "method", "seed"]).groupby("method", sort=False)["seconds"].median()
    lines = [
        "## Scores",
        "",
        "R2, AUC or accuracy, mean over tasks and seeds; seconds of a fit (median; of all twins together).",
        "",
    ]
    lines += ["| method | " + " | ".join(data_sets) + " | s |", "|---|" + "---:|" * (len(data_sets) + 1)]
    for method, row in scores.iterrows():
        lines.append(f"| {method} | " + " | ".join(f"{value:.3f}" for value in row) + f" | {seconds[method]:.2f} |")
    return "\n".join(lines)


def _plot(found: pd.DataFrame) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    data_sets = list(dict.fromkeys(found.index.get_level_values("data")))
    methods = list(dict.fromkeys(found.index.get_level_values("method")))
    figure, axes = plt.subplots(
        1,
        len(data_sets),
        figsize=(1.6 * len(data_sets) + 2, 0.24 * len(methods) + 1),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    colours = {"helped": "#35618f", "hurt": "#b5651d", "noise": "#9a9a9a"}
    for ax, data in zip(axes[0], data_sets, strict=True):
        own = found.loc[data].reindex(methods)
        for place, (_, row) in enumerate(own.iterrows()):
            ax.errorbar(row["mean"], place, xerr=row["half"], fmt="o", markersize=3, color=colours[row["verdict"]])
        ax.axvline(0, color="black", linewidth=0.8)
        # An interval of few seeds may be wider than anything that is of interest.
        reach = 1.3 * max(1.0, own["mean"].abs().max())
        ax.set_xlim(-reach, reach)
        ax.set_title(data, fontsize=8)
        ax.tick_params(labelsize=7)
    axes[0][0].set_yticks(range(len(methods)), methods)
    axes[0][0].invert_yaxis()
    figure.supxlabel("delta-m over single-task twins, per cent (right of 0: better)", fontsize=8)
    figure.savefig(RESULTS / "methods.png", dpi=150)
