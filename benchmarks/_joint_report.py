"""The page results/joint.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _report import markdown

PEERS = ("ExtraTrees", "HistGradientBoosting", "CatBoost")
PATTERNS = ("all", "half", "one")


def report(table: pd.DataFrame, facts: dict[str, Any], rows: int) -> list[str]:
    """Return the parts of the page; ``facts`` are date and versions of the run."""
    versions = ", ".join(f"{name} {facts[name]}" for name in ("skmtl", "scikit-learn", "tensorflow") if name in facts)
    return [
        "# Conditional predictions, joint regions and joint draws",
        f"`python benchmarks/joint.py`, {facts['date']}, {versions}: the default estimators (`random_state=0`) on "
        f"regression and mixed sets with at most {rows:,} rows, of which two thirds are training rows. `random`: "
        "random folds (three, on large sets two). `later`: the last third of the rows in time order is predicted. "
        "`groups`: unseen patients are predicted.",
        _conditional(table),
        _regions(table),
        _draws(table),
        _times(table),
    ]


def _conditional(table: pd.DataFrame) -> str:
    errors = table[table["what"] == "error"].copy()
    errors["known"] = errors["known"].fillna("none").replace("", "none")
    keys = ["data", "folds", "fold", "task"]
    plain = errors[errors["known"] == "none"].set_index(keys)["value"].rename("plain")
    errors = errors[errors["known"] != "none"].join(plain, on=keys)
    errors["ratio"] = errors["value"] / errors["plain"]
    means = errors.groupby(["data", "folds", "known", "who"])["ratio"].mean().unstack("who")
    lines = [
        "## Errors given known targets\n",
        "Root mean squared error of the first three targets (for classes, of their probabilities), given the labels of "
        "all other targets, of half of them or of one, divided by the error of `predict` without known targets: 1 is "
        "no gain. The tree ensembles are trained anew for each pattern, on X and the known targets (CatBoost with 200 "
        "trees, on sets of up to 100 columns); skmtl is fitted once.\n",
        "| data set | folds | all others known: skmtl | "
        + " | ".join(PEERS)
        + " | half known: skmtl | best tree ensemble | one known: skmtl | best tree ensemble |",
        "|---|---|---" + "|---" * len(PEERS) + "|---|---|---|---|",
    ]
    for (data, folds), part in means.groupby(level=["data", "folds"]):
        part = part.droplevel(["data", "folds"])
        cells = [_cell(part.loc["all", who]) for who in ("skmtl", *PEERS)]
        for pattern in PATTERNS[1:]:
            there = pattern in part.index
            cells += [_cell(part.loc[pattern, "skmtl"]) if there else ""]
            cells += [_cell(part.loc[pattern, list(PEERS)].min()) if there else ""]
        lines.append(f"| {data} | {folds} | " + " | ".join(cells) + " |")
    whole = means.xs("all", level="known")
    own, best = whole["skmtl"], whole[list(PEERS)].min(axis=1)
    shown = " | ".join(_cell(whole[who].mean()) for who in ("skmtl", *PEERS))
    lines.append(f"| **mean** | | {shown} | | | | |")
    worse = [f"{data} ({folds}): {ratio:.2f}" for (data, folds), ratio in own.items() if ratio > 1.01]
    lines.append(
        f"\nGiven all other targets, skmtl's error is {own.mean():.2f} times that of `predict` on average, and above "
        + (f"1.01 times on {', '.join(worse)}" if worse else "1.01 times on no set")
        + f". It is lower than that of the best tree ensemble in {(own < best).sum()} of {len(own)} cases, and lower "
        + "than that of "
        + ", ".join(f"{who} in {(own < whole[who]).sum()} of {whole[who].notna().sum()}" for who in PEERS)
        + "."
    )
    return "\n".join(lines)


def _regions(table: pd.DataFrame) -> str:
    found = table[table["what"].isin(["covered", "width"])]
    whos = ("box", "ellipsoid", "Bonferroni", "independent")
    covered = found[found["what"] == "covered"].groupby(["data", "folds", "who"])["value"].mean().unstack("who")
    width = found[found["what"] == "width"].groupby(["data", "folds", "fold", "who"])["value"].mean().unstack("who")
    tasks = found.groupby(["data", "folds"])["n_tasks"].first().astype(int)
    relative = width[["box", "ellipsoid"]].div(width["Bonferroni"], axis=0)
    relative = relative.where(np.isfinite(width["Bonferroni"])).groupby(level=["data", "folds"]).mean()
    lines = [
        "## Regions for all targets\n",
        "Joint coverage, the share of rows with all labels inside the region: 90 % boxes and ellipsoids, one interval "
        "per task at 1 - 0.1 / tasks (Bonferroni), and one per task at 90 % (independent). Widths per task (geometric "
        "mean) are relative to Bonferroni's. `marginal coverage` is the share of labels inside their own 90 % "
        "interval. An empty cell: some tasks are classifications, or there are too few rows for Bonferroni's "
        "intervals.\n",
        "| data set | tasks | folds | box | ellipsoid | Bonferroni | independent | box width | ellipsoid width | "
        "marginal coverage |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for key in covered.index:
        cells = [_cell(covered.loc[key, who]) for who in whos]
        cells += [_cell(relative.loc[key, who]) if key in relative.index else "" for who in ("box", "ellipsoid")]
        cells.append(_cell(covered.loc[key].get("each interval", np.nan)))
        lines.append(f"| {key[0]} | {tasks[key]} | {key[1]} | " + " | ".join(cells) + " |")
    random = covered.xs("random", level="folds")
    shifted = covered[covered.index.get_level_values("folds") != "random"]
    many = relative.join(tasks)
    six = many[many["n_tasks"] >= 6]
    lines.append(
        f"\nOn random folds the box covers {random['box'].mean():.1%} of the rows on average (minimum "
        f"{random['box'].min():.1%}), the ellipsoid {random['ellipsoid'].mean():.1%} (minimum "
        f"{random['ellipsoid'].min():.1%}). The box is {relative['box'].mean():.2f} times as wide as Bonferroni's "
        f"intervals. With six or more tasks the box is {six['box'].mean():.2f} times as wide and the ellipsoid "
        f"{six['ellipsoid'].mean():.2f} times."
    )
    if len(shifted):
        lines.append(
            f"On unseen patients and later times the box covers {shifted['box'].mean():.1%} of the rows, the ellipsoid "
            f"{shifted['ellipsoid'].mean():.1%}, and 90 % intervals cover {shifted['each interval'].mean():.1%} of the "
            "labels: coverage is not guaranteed for rows that differ from the training rows."
        )
    return "\n".join(lines)


def _draws(table: pd.DataFrame) -> str:
    found = table[table["what"].isin(["energy", "variogram"])]
    values = found.groupby(["data", "folds", "what", "who"])["value"].mean().unstack(["what", "who"])
    lines = [
        "## Joint draws\n",
        "Energy and variogram scores (lower is better; in standard deviations of the training labels) of 100 joint "
        "draws per row, and of the same draws permuted independently for each task.\n",
        "| data set | folds | energy, joint | energy, permuted | variogram, joint | variogram, permuted |",
        "|---|---|---|---|---|---|",
    ]
    order = [(what, who) for what in ("energy", "variogram") for who in ("joint", "apart")]
    for (data, folds), row in values.iterrows():
        lines.append(f"| {data} | {folds} | " + " | ".join(f"{row[key]:.4f}" for key in order) + " |")
    better = {what: (values[what]["joint"] < values[what]["apart"]).sum() for what in ("energy", "variogram")}
    lines.append(
        f"\nJoint draws have the better energy score in {better['energy']} of {len(values)} cases and the better "
        f"variogram score in {better['variogram']}."
    )
    return "\n".join(lines)


def _times(table: pd.DataFrame) -> str:
    seconds = table[table["what"] == "seconds"].pivot_table(
        index=["data", "folds", "fold"], columns="who", values="value"
    )
    share = seconds["joint"] / (seconds["fit"] - seconds["joint"])
    lines = [
        "## Time\n",
        f"The joint model adds {share.median():.1%} to the time of a default fit (median; at most {share.max():.1%}, "
        f"on {share.idxmax()[0]}, where the fit takes {seconds.loc[share.idxmax(), 'fit']:.1f} s).",
    ]
    calls = table[table["what"] == "call"]
    if len(calls):
        rows = [[row["who"], f"{row['value']:.1f}"] for _, row in calls.iterrows()]
        lines += ["", markdown(["one call on 1,000 rows and 16 tasks", "ms"], rows)]
    return "\n".join(lines)


def _cell(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.2f}"
