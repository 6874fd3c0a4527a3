"""The page of results/joint.md."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _harness import machine

PEERS = ("ExtraTrees", "HistGradientBoosting", "CatBoost")
PATTERNS = ("all", "half", "one")


def report(table: pd.DataFrame, rows: int) -> str:
    """All figures as a page."""
    facts = machine()
    versions = ", ".join(f"{name} {facts[name]}" for name in ("skmtl", "scikit-learn", "tensorflow") if name in facts)
    parts = [
        "# All targets at once\n\n"
        f"`python benchmarks/joint.py`, {facts['date']}, {versions}: the default estimators (`random_state=0`) on "
        f"regression and mixed sets, at most {rows:,} rows, two thirds to learn from. Random folds (three; of "
        "large sets two); later: the last third of the rows in time; groups: other patients.",
        _conditional(table),
        _regions(table),
        _draws(table),
        _times(table),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
        "Root mean squared error (of classes: of their probabilities) of the first three targets, given the labels of "
        "all others, of half of them and of one, divided by that of `predict` without: 1 is no gain. Beside it the "
        "same of trees that were trained for each pattern on X and the known targets (CatBoost with 200 trees, and "
        "up to 100 columns), where skmtl is fitted once.\n",
        "| set | folds | all others known | "
        + " | ".join(PEERS)
        + " | half known | best of these peers | one known | best of these peers |",
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
    ours, best = whole["skmtl"], whole[list(PEERS)].min(axis=1)
    shown = " | ".join(_cell(whole[who].mean()) for who in ("skmtl", *PEERS))
    lines.append(f"| **mean** | | {shown} | | | | |")
    worse = [f"{data} ({folds}): {ratio:.2f}" for (data, folds), ratio in ours.items() if ratio > 1.01]
    lines.append(
        f"\nGiven all others, skmtl's error is {ours.mean():.2f} of that of `predict` on average"
        + (f", and above 1.01 of it on {', '.join(worse)}" if worse else ", and on no set above 1.01 of it")
        + f". It is below that of the best of the peers on {(ours < best).sum()} of {len(ours)} cases, and below "
        + ", ".join(f"{who}'s on {(ours < whole[who]).sum()} of {whole[who].notna().sum()}" for who in PEERS)
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
        "Share of rows with all labels inside 90 % regions, beside one interval a task at 1 - 0.1 / tasks "
        "(Bonferroni) and at 90 % (independent), and the width a task (geometric mean) in units of Bonferroni's. Last, "
        "how often each label lies in its own 90 % interval. Empty: classes among the tasks, or too few rows for "
        "Bonferroni's intervals.\n",
        "| set | tasks | folds | box | ellipsoid | Bonferroni | independent | width of the box | of the ellipsoid | "
        "each label |",
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
        f"\nOn random folds the box holds {random['box'].mean():.1%} on average (least: {random['box'].min():.1%}), "
        f"the ellipsoid {random['ellipsoid'].mean():.1%} (least: {random['ellipsoid'].min():.1%}). The box has "
        f"{relative['box'].mean():.2f} of Bonferroni's width; from six tasks on {six['box'].mean():.2f}, and "
        f"the ellipsoid {six['ellipsoid'].mean():.2f}."
    )
    if len(shifted):
        lines.append(
            f"On other patients and later times the box holds {shifted['box'].mean():.1%}, the ellipsoid "
            f"{shifted['ellipsoid'].mean():.1%}, and intervals of 90 % hold {shifted['each interval'].mean():.1%} of "
            "the labels: rows that differ from those of the fit have no promise."
        )
    return "\n".join(lines)


def _draws(table: pd.DataFrame) -> str:
    found = table[table["what"].isin(["energy", "variogram"])]
    values = found.groupby(["data", "folds", "what", "who"])["value"].mean().unstack(["what", "who"])
    lines = [
        "## Joint draws\n",
        "Energy and variogram score (less is better; units are the standard deviations of the training labels) of 100 "
        "joint draws a row, and of the same draws with each task's in an order of its own.\n",
        "| set | folds | energy, joint | each by itself | variogram, joint | each by itself |",
        "|---|---|---|---|---|---|",
    ]
    order = [(what, who) for what in ("energy", "variogram") for who in ("joint", "apart")]
    for (data, folds), row in values.iterrows():
        lines.append(f"| {data} | {folds} | " + " | ".join(f"{row[key]:.4f}" for key in order) + " |")
    better = {what: (values[what]["joint"] < values[what]["apart"]).sum() for what in ("energy", "variogram")}
    lines.append(
        f"\nJoint draws have the better energy score in {better['energy']} of {len(values)} cases, and the better "
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
        f"The joint model takes {share.median():.1%} on top of a default fit (median; at most {share.max():.1%}, on "
        f"{share.idxmax()[0]}, whose fit takes {seconds.loc[share.idxmax(), 'fit']:.1f} s).",
    ]
    calls = table[table["what"] == "call"]
    if len(calls):
        lines += ["", "| one call on 1,000 rows and 16 tasks | ms |", "|---|---|"]
        lines += [f"| {row['who']} | {row['value']:.1f} |" for _, row in calls.iterrows()]
    return "\n".join(lines)


def _cell(value: float) -> str:
    return "" if not np.isfinite(value) else f"{value:.2f}"
