"""The page results/methods.md: gains over single-task networks, in words, as a table and as a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _harness import RESULTS, recorded_run
from _report import markdown, write_page
from scipy import stats

BASELINE = "single task"
REACH = 20.0  # per cent at which the colours of the figure saturate


def write_report(settings: dict[str, Any]) -> None:
    """Write results/methods.md and methods.png from results/methods.csv."""
    table, run = pd.read_csv(RESULTS / "methods.csv"), recorded_run("methods")
    found = intervals(table[table["method"] != BASELINE])
    _plot(found)
    write_page("methods", *_head(table, run, settings), _reading(table, found), _delta_table(found), _scores(table))


def intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Return delta-m by data set and method: mean over seeds, half its 95 % confidence interval, and a verdict."""
    per_seed = table.groupby(["data", "method", "seed"], sort=False)["gain"].mean()
    found = per_seed.groupby(["data", "method"], sort=False).agg(["mean", "std", "count"])
    found["half"] = stats.t.ppf(0.975, found["count"] - 1) * found["std"] / np.sqrt(found["count"])
    found["verdict"] = np.select(
        [found["mean"] > found["half"], found["mean"] < -found["half"]], ["helped", "hurt"], "noise"
    )
    return found


def _head(table: pd.DataFrame, run: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    seeds, tasks = table.groupby("data", sort=False)["seed"].nunique(), run["options"]["tasks"]
    shown = ", ".join(f"{name} ({tasks[name]} tasks, {seeds[name]} seeds)" for name in seeds.index)
    return [
        "# Sharing schemes and balancing methods compared with single-task networks",
        f"`python benchmarks/methods.py`, {run['date']}; skmtl {run['skmtl']}, tensorflow {run['tensorflow']}.",
        "Delta-m is the reduction of the error (root mean squared error or log loss) in per cent of the single-task "
        "networks' error, averaged over tasks. It is positive if a method is better than networks trained on each task "
        f"alone with the same settings ({', '.join(f'{k} {v}' for k, v in settings.items())}; early stopping as by "
        "default). Sharing schemes use equal weights; balancing methods use a shared bottom.",
        f"Each seed draws {run['options']['rows']} rows of larger data sets; of school and landmine it draws whole "
        "tasks up to that number of rows. Three quarters are training rows. The split is random, except for rf1, which "
        f"is split in time because neighbouring rows share labels. Data sets: {shown}.",
        "![Delta-m of every method on every data set](methods.png)",
    ]


def _delta_table(found: pd.DataFrame) -> str:
    data_sets = list(dict.fromkeys(found.index.get_level_values("data")))
    rows = [
        [method, *(_cell(found.loc[(data, method)]) for data in data_sets)]
        for method in dict.fromkeys(found.index.get_level_values("method"))
    ]
    return (
        "## Delta-m in per cent\n\nMean over seeds ± half the 95 % confidence interval of the mean; bold if the "
        f"interval excludes 0.\n\n{markdown(['method', *data_sets], rows, numeric=True)}"
    )


def _cell(row: pd.Series) -> str:
    text = f"{row['mean']:+.1f} ± {row['half']:.1f}"
    return text if row["verdict"] == "noise" else f"**{text}**"


def _reading(table: pd.DataFrame, found: pd.DataFrame) -> str:
    """Put the intervals into words, and compare all methods with the shared bottom and with random weights."""
    lines = ["## Summary", ""]
    for data, own in found.groupby("data", sort=False):
        named = own.droplevel("data")
        lines.append(f"- **{data}**: " + "; ".join(_verdicts(named)) + ".")
    for reference in ("shared_bottom", "balancing random"):
        better, worse, pairs = _against(table, reference)
        lines.append(
            f"- Compared with {reference} on the same seeds: of {pairs} pairs of method and data set, {better} are "
            f"significantly better and {worse} significantly worse; chance alone would give about {0.025 * pairs:.0f} "
            "of each."
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
        parts.append(
            f"no significant difference for {'all' if noise == len(named) else f'{noise} of'} {len(named)} methods"
        )
    return parts


def _against(table: pd.DataFrame, reference: str) -> tuple[int, int, int]:
    """Count the pairs of method and data set significantly better and worse than the reference, and all pairs."""
    per_seed = table[table["method"] != BASELINE].groupby(["data", "method", "seed"])["gain"].mean().unstack("method")
    differences = per_seed.sub(per_seed[reference], axis=0).drop(columns=reference)
    means, spread = differences.groupby("data").mean(), differences.groupby("data").std()
    count = differences.groupby("data").count()
    half = stats.t.ppf(0.975, count - 1) * spread / np.sqrt(count)
    return int((means > half).sum().sum()), int((means < -half).sum().sum()), means.size


def _scores(table: pd.DataFrame) -> str:
    """Return a table of R2, AUC or accuracy, averaged over tasks and seeds, and of fit times."""
    data_sets = list(dict.fromkeys(table["data"]))
    sums = table.assign(total=table["score"] * table["scored"]).groupby(["method", "data"], sort=False)
    scores = (sums["total"].sum() / sums["scored"].sum()).unstack()[data_sets]
    seconds = table.groupby("method", sort=False)["seconds"].median()
    rows = [[method, *(f"{value:.3f}" for value in row), f"{seconds[method]:.2f}"] for method, row in scores.iterrows()]
    return (
        "## Scores\n\nR2, AUC or accuracy, averaged over tasks and seeds, and the median fit time in seconds (of all "
        f"single-task networks together).\n\n{markdown(['method', *data_sets, 'fit time'], rows, numeric=True)}"
    )


def _plot(found: pd.DataFrame) -> None:
    """Draw delta-m as a table of colours; means whose interval includes 0 stay white."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    means = found["mean"].unstack("data")[list(dict.fromkeys(found.index.get_level_values("data")))]
    means = means.loc[list(dict.fromkeys(found.index.get_level_values("method")))]
    verdicts = found["verdict"].unstack("data").reindex(index=means.index, columns=means.columns)
    shown = means.where(verdicts != "noise", 0.0).clip(-REACH, REACH)
    figure, ax = plt.subplots(figsize=(9.5, 0.29 * len(means) + 1.6), layout="constrained")
    ax.imshow(shown.to_numpy(), cmap="PuOr", vmin=-1.6 * REACH, vmax=1.6 * REACH, aspect="auto")
    for (row, column), mean in np.ndenumerate(means.to_numpy()):
        clear = verdicts.iloc[row, column] != "noise"
        ax.text(column, row, f"{mean:+.0f}", ha="center", va="center", fontsize=8.5,
                color="black" if clear else "#6b6b6b", fontweight="bold" if clear else "normal")  # fmt: skip
    ax.set_xticks(range(means.shape[1]), means.columns, rotation=35, ha="left", rotation_mode="anchor", fontsize=9)
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(means)), means.index, fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(
        "Error reduction over single-task networks (delta-m), per cent: higher is better.\n"
        "Coloured and bold: the 95 % confidence interval excludes 0.", fontsize=9.5,
    )  # fmt: skip
    figure.savefig(RESULTS / "methods.png", dpi=120, facecolor="white")
    plt.close(figure)
