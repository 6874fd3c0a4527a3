"""The page of the accuracy benchmark, from results/NAME.csv and NAME_tasks.csv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _accuracy_figures import LABELS, draw_error_and_time, draw_ranks
from _accuracy_tables import METRICS, by_set, read_stored, wide
from _harness import recorded_run
from _published_arrmse import SOURCE, compare_with_published
from _ranks import against, common, friedman, summary
from _report import markdown, versions, write_page

TITLES = {
    "arrmse": "Regression: aRRMSE (lower is better; 1 is a constant prediction)",
    "log_loss": "Classification: mean log loss (lower is better)",
    "auc": "Classification: mean AUC, one-vs-rest (higher is better)",
    "balanced_accuracy": "Classification: mean balanced accuracy (higher is better)",
}

# skmtl with other settings, left out of the ranks.
VARIANTS = {
    "skmtl_splitter": "skmtl with `validation_split=GroupKFold(4)` on sets with groups and `KFold(4)` on sets in time "
    "order",
    "skmtl_sharing_auto": 'skmtl with `sharing="auto"`',
    "skmtl_single_task": "the single-task baseline, skmtl fitted on each task alone",
}

FOLDS = """\
Rows of one group (patients, copies of a row) stay on one side of a split. Sets in time order are split into blocks of \
time, and training rows next to a test block are left out. All other splits are stratified by class and task."""
PEERS = ("forest", "hgb", "catboost")  # named in the caption of error against time
RANDOM_FOLDS = "Rows are split at random, including sets whose rows come in groups or in time."

SETUP = """\
`python benchmarks/accuracy.py` runs every contestant at its own defaults, on the same folds, behind the preprocessing \
it needs: medians, missing-value indicators, unit variance and one-hot columns for linear models and networks; one-hot \
columns for forests; none for the others. A contestant that takes no missing labels gets one model per task, fitted on \
the rows that have its label. On sets whose tasks have separate rows (school, landmine) peers get the task as a \
nominal feature. All contestants are scored task by task."""

SCORES = {
    "arrmse": "- **aRRMSE**: root of the squared error divided by that of the training mean, both summed over folds; "
    "averaged over tasks.",
    "log_loss": "- **Log loss**: probabilities are clipped from below at 0.0001.",
    "auc": "- **AUC, balanced accuracy**: mean over folds, then over tasks.",
}

TUNING = """\
**Which sets influenced the defaults.** The settings of skmtl were chosen on two folds each of slump, edm, enb, scpf, \
atp1d and bike, and the parts of the blend on these and on jura, sf1 and oes10. Column relevance, its limits and the \
task weights were chosen on most regression sets; their effect on qm8, wine, abalone, ames and all classification sets \
was looked at only once they were fixed. The blend for shifted rows was chosen on three folds each of rf1, parkinsons, \
airquality and bike (2,000 rows) and of atp1d and andro, and on random folds of these and of edm and enb."""

TIMES = """\
**Times** were taken one after another on a machine that was also doing other work: read them as orders of magnitude."""
REALMLP = "RealMLP was timed with 16 fits at once on another machine, partly on a GPU."


def write_report(name: str) -> None:
    """Write results/NAME.md and, with enough contestants, the figures NAME.png (ranks) and error_and_time.png."""
    tasks, runs = read_stored(name)
    order = [contestant for contestant in LABELS if contestant in set(runs["contestant"])]
    sets = by_set(tasks, runs, runs["fold"].nunique())
    tables = {metric: wide(sets, metric, order) for metric in METRICS}
    tables = {metric: table for metric, table in tables.items() if not table.empty}
    random = all(key.endswith("random") for key in runs["data"])
    run = recorded_run(name)
    write_page(
        name,
        f"# {'Accuracy on random folds, compared with published results' if random else 'Accuracy of the defaults'}",
        versions(run),
        f"{SETUP} {RANDOM_FOLDS if random else FOLDS}",
        "\n".join(text for metric, text in SCORES.items() if metric in tables),
        _variants(order, run),
        TUNING,
        f"{TIMES} {REALMLP}" if "realmlp" in order else TIMES,
        _rows_used(runs, run),
        _figures(name, tables, wide(sets, "fit_time", order), runs),
        *(_section(metric, tables) for metric in tables),
        _published_section(tables),
        _sharing_section(tasks, sets),
        _cost_section(sets, order),
        _failures(runs),
    )


def _variants(order: list[str], run: dict[str, Any]) -> str:
    shown = [f"- **{LABELS[name]}**: {text}." for name, text in VARIANTS.items() if name in order]
    if not shown:
        return ""
    remark = f" {run['remark']}" if "remark" in run else ""
    return "\n".join(
        ["Other settings of skmtl, shown but not ranked:\n", *shown, f"\nAn empty cell was not run.{remark}"]
    )


def _rows_used(runs: pd.DataFrame, run: dict[str, Any]) -> str:
    capped = [key.split("-")[:2] for key in dict.fromkeys(runs["data"]) if "rows" in key]
    known = run.get("options", {}).get("source_rows", {})
    shown = [f"{data} {int(rows.removesuffix('rows')):,} of {known[data]:,}" for data, rows in capped]
    return f"**Capped sets**: {', '.join(shown)} rows." if shown else ""


def _ranked_sets(metric: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sets a metric is summarised over: sets of mixed tasks count as classifications."""
    table = tables[metric]
    mixed = tables["log_loss"].index if metric == "arrmse" and "log_loss" in tables else []
    return table[~table.index.isin(mixed)]


def _ranked(metric: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the same without the variants of skmtl."""
    return _ranked_sets(metric, tables).drop(columns=list(VARIANTS), errors="ignore")


def _figures(name: str, tables: dict[str, pd.DataFrame], times: pd.DataFrame, runs: pd.DataFrame) -> str:
    shown = {m: common(_ranked(m, tables)) for m in ("arrmse", "log_loss", "auc") if m in tables}
    shown = {m: t for m, t in shown.items() if len(t) > 1 and t.shape[1] > 2}
    if not shown:
        return ""
    draw_ranks(name, {m: (table, METRICS[m], TITLES[m].split(" (")[0].replace(":", ",")) for m, table in shown.items()})
    figure = name.replace("accuracy", "error_and_time")
    panels = {m: (shown[m], times.loc[shown[m].index, shown[m].columns]) for m in shown if m != "auc"}
    draw_error_and_time(figure, panels)
    return (
        f"## Error against fit time\n\n![Error relative to the best on each set, against fit time]({figure}.png)\n\n"
        f"{_caption(panels, runs)}\n\n## Ranks\n\n![Critical-difference diagrams of mean ranks]({name}.png)\n\n"
        "Mean ranks over the sets that all of these contestants have. Bars join contestants whose ranks do not differ "
        "significantly (Nemenyi test at 5 %)."
    )


def _caption(panels: dict[str, tuple[pd.DataFrame, pd.DataFrame]], runs: pd.DataFrame) -> str:
    """Say what the figure of error and time shows and how it was measured."""
    dates = sorted(set(runs["date"]))
    when = f"on {dates[0]}" if len(dates) == 1 else f"from {dates[0]} to {dates[-1]}, contestants on different days"
    caption = (
        "Each point is a geometric mean over the sets of its panel, which all contestants shown have run: the error "
        "divided by the lowest error on the same set, and the median fit time of the folds. The dashed line is the "
        f"Pareto front. Measured {when}, on a machine that was also doing other work"
        + (", large sets capped at 4,000 rows." if runs["data"].str.contains("-4000rows").any() else ".")
        + (" RealMLP (hollow) was timed on another machine." if "realmlp" in set(runs["contestant"]) else "")
    )
    if any(np.log(errors).mean().idxmin() != "skmtl" for errors, _ in panels.values()):
        return caption
    named = {"arrmse": "on the regression sets", "log_loss": "on the classification and mixed sets"}
    factors = []
    for metric, (_, times) in panels.items():
        mean = np.exp(np.log(times).mean())
        others = [f"{mean['skmtl'] / mean[peer]:.1f} times that of {LABELS[peer]}" for peer in PEERS if peer in mean]
        listed = " and ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)
        factors.append(f"{named[metric]} its fit time is {listed}")
    return (
        f"{caption}\n\nskmtl has the lowest error in every panel, but it is slow to fit: {'; '.join(factors)}. Its "
        "defaults were chosen with some of the regression sets in view (see above)."
    )


def _section(metric: str, tables: dict[str, pd.DataFrame]) -> str:
    table, less = tables[metric], METRICS[metric]
    best = (table.min(axis=1) if less else table.max(axis=1)) if table.shape[1] > 1 else table.max(axis=1) * np.nan
    cells = table.apply(lambda column: [_cell(v, v == b) for v, b in zip(column, best, strict=True)])
    parts = [f"## {TITLES[metric]}", _table(cells)]
    peers = _ranked(metric, tables)
    shared, whole = common(peers), peers.dropna(axis=1)
    for ranked, which in (
        (shared, "with results for all of these contestants"),
        (whole, "for the contestants with results on all of them"),
    ):
        if len(ranked) > 1 and ranked.shape[1] > 2 and (ranked is shared or len(whole) > len(shared)):
            parts.append(f"Summary over the {len(ranked)} sets {which} (Friedman p = {friedman(ranked):.2g}):")
            shown = summary(ranked, less)
            parts.append(_table(shown.map(lambda v: f"{v:.3f}").assign(wins=shown["wins"].map("{:.0f}".format))))
    scored = _ranked_sets(metric, tables)
    if "skmtl" in scored:
        versus = against(scored, "skmtl", less)
        if not versus.empty:
            parts += ["skmtl against each contestant, on the sets that both have:", _table(versus.map(_significant))]
    return "\n\n".join(parts)


def _significant(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3g}"


def _published_section(tables: dict[str, pd.DataFrame]) -> str:
    if "skmtl" not in tables.get("arrmse", ()):
        return ""
    compared = compare_with_published(tables["arrmse"]["skmtl"])
    if compared.empty:
        return ""
    better = int(compared["gain"].str.startswith("+").sum())
    head = f"## Comparison with published aRRMSE: better on {better} of {len(compared)} sets"
    return f"{head}\n\naRRMSE over 10 random folds. {SOURCE}\n\n{_table(compared)}"


def _sharing_section(tasks: pd.DataFrame, sets: pd.DataFrame) -> str:
    """Compare skmtl with its single-task baseline, set by set."""
    done, tasks = set(sets.index), tasks.sort_index()
    rows = {}
    for key in dict.fromkeys(sets.index.get_level_values("data")):
        if not {(key, "skmtl"), (key, "skmtl_single_task")} <= done:
            continue
        shared, single = tasks.loc[(key, "skmtl")], tasks.loc[(key, "skmtl_single_task")]
        for metric, label in (("arrmse", "aRRMSE"), ("log_loss", "log loss")):
            gain = (1 - shared[metric] / single[metric]).dropna()
            if len(gain):
                rows[f"{key}, {label}"] = {
                    "skmtl": f"{shared[metric].mean():.4f}",
                    "single task": f"{single[metric].mean():.4f}",
                    "mean gain": f"{gain.mean():+.1%}",
                    "tasks improved": f"{int((gain > 0).sum())} of {len(gain)}",
                    "worst task": f"{gain.min():+.1%}",
                }
    if not rows:
        return ""
    return f"## Effect of sharing: skmtl against its single-task baseline\n\n{_table(pd.DataFrame(rows).T)}"


def _cost_section(sets: pd.DataFrame, order: list[str]) -> str:
    parts = []
    for metric, title in (
        ("fit_time", "Fit time in seconds (median over folds)"),
        ("peak_memory_mb", "Peak memory in MiB above the start of the fit (maximum over folds; a lower bound)"),
    ):
        table = wide(sets, metric, order)
        if not table.empty:
            parts.append(f"## {title}\n\n{_table(table.map(_significant))}")
    return "\n\n".join(parts)


def _failures(runs: pd.DataFrame) -> str:
    failed = runs[runs["error"].notna()]
    lines = [f"- {r.data}, {r.contestant}, fold {r.fold}: {str(r.error).splitlines()[0]}" for r in failed.itertuples()]
    return "## Failed runs\n\n" + "\n".join(lines) if lines else ""


def _cell(value: float, best: bool) -> str:
    if np.isnan(value):
        return ""
    return f"**{value:.4f}**" if best else f"{value:.4f}"


def _table(table: pd.DataFrame) -> str:
    """Return a Markdown table with contestants under their display names."""
    named = table.rename(index=LABELS, columns=LABELS)
    return markdown(
        ["", *named.columns], ([index, *row] for index, row in zip(named.index, named.to_numpy(), strict=True))
    )
