"""Tables and plot of what is kept of the accuracy runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from _accuracy_tables import METRICS, by_fold, by_set, by_task, task_folds, wide
from _datasets import facts_of_all
from _harness import RESULTS, machine
from _published_arrmse import SOURCE, beside_published
from _ranks import against, common, draw, friedman, summary
from _report import _machine_line

TITLES = {
    "arrmse": "Regression: aRRMSE (less is better; 1 is a constant prediction)",
    "log_loss": "Classification: mean log loss (less is better)",
    "auc": "Classification: mean AUC, one class against the rest (more is better)",
    "balanced_accuracy": "Classification: mean balanced accuracy (more is better)",
}

FOLDS = """\
Folds: the same for all. Rows of one group (patients, copies of a row) stay on one side; tables in time order are split
in blocks of time, and training rows next to a test block are left out; classes and tasks are stratified."""

# Ours with other settings, which are not ranked among the peers.
VARIANTS = ["told", "sharing_auto", "twin"]

RANDOM_FOLDS = "Folds: the same for all, of rows drawn at random, also where rows come in groups or in time."

ABOUT = """\
Every contestant is at its own defaults behind the preprocessing it needs (medians, indicators of missing values, unit
variance and one-hot for linear models and networks; one-hot for forests; nothing for the rest). A contestant that takes
no missing labels gets one model per task on the rows that have its label. Where tasks have rows of their own (school,
landmine) peers are given the task as a nominal feature; all are scored task by task.

aRRMSE: root of the squared errors over those of the training mean, both added up over the folds, averaged over tasks.
Log loss: probabilities are kept above 0.0001. AUC and balanced accuracy: mean of folds, then of tasks. `twin` is `ours`
on each task alone; `told` is `ours` with `validation_split=` where rows come in groups or in time (GroupKFold(4) with
groups, KFold(4) over rows in order); `sharing_auto` is `ours` with `sharing="auto"`; `seed` is a plain network with one
hidden layer in scikeras. An empty cell was not run; `told` and most of `sharing_auto` were run before the relevance of
columns was cross-fitted, and the latter, and `twin` on small sets, before rows far from the training rows got a blend.

The settings of `ours` were chosen on two folds each of slump, edm, enb, scpf, atp1d and bike, the parts of a blend on
these and on jura, sf1 and oes10, columns' relevance and limits and the weights of tasks on most regressions; what these
three do to qm8, wine, abalone, ames and all classifications was looked at only when they were fixed. The blend for rows
far from the training rows was chosen on three folds each of rf1, parkinsons, airquality and bike (2,000 rows) and of
atp1d and andro, and on random folds of these and of edm and enb.
Times were taken one after another on a machine that was doing other things, those of `realmlp` with 16 fits at once on
another machine, part of them on a GPU: their order of magnitude is what they say.
"""


def write_report(name: str, data: list[str], contestants: list[str], folds: list[int]) -> None:
    """Write results/NAME.md, NAME.png, NAME.csv and NAME_tasks.csv."""
    scored, runs = task_folds(data, contestants, folds)
    if runs.empty:
        print("nothing is kept yet: no report")
        return
    tasks = by_task(scored)
    sets = by_set(tasks, runs, len(folds))
    RESULTS.mkdir(exist_ok=True)
    by_fold(scored, runs).round(6).to_csv(RESULTS / f"{name}.csv", index=False)
    tasks.round(5).to_csv(RESULTS / f"{name}_tasks.csv")
    tables = {metric: wide(sets, metric, contestants) for metric in METRICS}
    tables = {metric: table for metric, table in tables.items() if not table.empty}
    text = [
        f"# Accuracy beside peers, on real data\n\n{_machine_line(machine())}\n\n{_folds(data)} {ABOUT}",
        _rows_used(data),
    ]
    text += [_section(metric, table) for metric, table in tables.items()]
    text += [_published_section(tables), _twin_section(tasks, sets), _cost_section(sets, contestants), _failures(runs)]
    (RESULTS / f"{name}.md").write_text("\n".join(part for part in text if part))
    _plot(name, tables)


def _folds(data: list[str]) -> str:
    return RANDOM_FOLDS if all(key.endswith("random") for key in data) else FOLDS


def _rows_used(data: list[str]) -> str:
    capped = [key for key in data if "rows" in key]
    if not capped:
        return ""
    lines = []
    for key in capped:
        source, rows = key.split("-")[:2]
        lines.append(f"{source} {rows.removesuffix('rows')} of {facts_of_all()[source]['n_rows']:,}")
    return f"Rows were capped: {', '.join(lines)}.\n"


def is_mixed(key: str) -> bool:
    """Whether a data set has tasks of both kinds; these are left out of the regressions' summary."""
    return facts_of_all()[key.split("-")[0]]["problem"] == "mixed"


def _judged(metric: str, table: pd.DataFrame) -> pd.DataFrame:
    """What a metric is summed up over: pure regressions; classifications and mixed sets alike."""
    return table[[not (metric == "arrmse" and is_mixed(key)) for key in table.index]]


def _peers(metric: str, table: pd.DataFrame) -> pd.DataFrame:
    """The same without ours with other settings: what is ranked."""
    return _judged(metric, table).drop(columns=VARIANTS, errors="ignore")


def _section(metric: str, table: pd.DataFrame) -> str:
    less = METRICS[metric]
    best = table.min(axis=1) if less else table.max(axis=1)
    cells = table.apply(lambda column: [_cell(v, v == b) for v, b in zip(column, best, strict=True)])
    parts = [f"## {TITLES[metric]}\n", _markdown(cells)]
    judged = _judged(metric, table)
    peers = _peers(metric, table)
    shared, whole = common(peers), peers.dropna(axis=1)
    for ranked, which in ((shared, "that all of these contestants have"), (whole, "of contestants that have all")):
        if len(ranked) > 1 and ranked.shape[1] > 2 and (ranked is shared or len(whole) > len(shared)):
            parts.append(f"\nOver the {len(ranked)} sets {which} (Friedman p {friedman(ranked):.2g}):\n")
            parts.append(_markdown(summary(ranked, less).map(lambda v: f"{v:.3f}")))
    if "ours" in judged:
        versus = against(judged, "ours", less)
        if not versus.empty:
            parts += ["\nOurs beside each, on the sets that both have:\n", _markdown(versus.map(lambda v: f"{v:.3g}"))]
    return "\n".join(parts) + "\n"


def _published_section(tables: dict[str, pd.DataFrame]) -> str:
    if "ours" not in tables.get("arrmse", ()):
        return ""
    beside = beside_published(tables["arrmse"])
    if beside.empty:
        return ""
    better = int(beside["gain"].str.startswith("+").sum())
    head = f"## Beside published figures: better on {better} of {len(beside)}\n\naRRMSE of 10 random folds. {SOURCE}"
    return f"{head}\n\n{_markdown(beside)}\n"


def _twin_section(tasks: pd.DataFrame, sets: pd.DataFrame) -> str:
    """Sharing or not, set by set."""
    done, tasks = set(sets.index), tasks.sort_index()
    rows = {}
    for key in dict.fromkeys(sets.index.get_level_values("data")):
        if not {(key, "ours"), (key, "twin")} <= done:
            continue
        ours, twin = tasks.loc[(key, "ours")], tasks.loc[(key, "twin")]
        for metric in ("arrmse", "log_loss"):
            gain = (1 - ours[metric] / twin[metric]).dropna()
            if len(gain):
                rows[f"{key}, {metric}"] = {
                    "ours": f"{ours[metric].mean():.4f}",
                    "twin": f"{twin[metric].mean():.4f}",
                    "mean gain": f"{gain.mean():+.1%}",
                    "tasks better": f"{int((gain > 0).sum())} of {len(gain)}",
                    "worst task": f"{gain.min():+.1%}",
                }
    return f"## Sharing: ours beside its single-task twin\n\n{_markdown(pd.DataFrame(rows).T)}\n" if rows else ""


def _cost_section(sets: pd.DataFrame, contestants: list[str]) -> str:
    parts = []
    for metric, title in (
        ("fit_time", "Seconds of a fit (median of folds)"),
        ("peak_memory_mb", "Memory, MiB above the start of the fit (largest of the folds, at best a lower bound)"),
    ):
        table = wide(sets, metric, contestants)
        if not table.empty:
            parts.append(f"## {title}\n\n{_markdown(table.map(lambda v: '' if np.isnan(v) else f'{v:.3g}'))}\n")
    return "\n".join(parts)


def _failures(runs: pd.DataFrame) -> str:
    failed = runs[runs["error"].notna()]
    lines = [f"- {r.data}, {r.contestant}, fold {r.fold}: {str(r.error).splitlines()[0]}" for r in failed.itertuples()]
    return "## Failed\n\n" + "\n".join(lines) + "\n" if lines else ""


def _cell(value: float, best: bool) -> str:
    if np.isnan(value):
        return ""
    return f"**{value:.4f}**" if best else f"{value:.4f}"


def _markdown(table: pd.DataFrame) -> str:
    lines = ["| | " + " | ".join(map(str, table.columns)) + " |", "|---" * (table.shape[1] + 1) + "|"]
    lines += [
        f"| {index} | " + " | ".join(map(str, row)) + " |"
        for index, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(lines)


def _plot(name: str, tables: dict[str, pd.DataFrame]) -> None:
    """Critical-difference diagrams of aRRMSE, log loss and AUC."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = {m: common(_peers(m, tables[m])) for m in ("arrmse", "log_loss", "auc") if m in tables}
    shown = {m: t for m, t in shown.items() if len(t) > 1 and t.shape[1] > 2}
    if not shown:
        return
    figure, axes = plt.subplots(len(shown), 1, figsize=(9, 3.6 * len(shown)), layout="constrained", squeeze=False)
    for ax, (metric, table) in zip(axes[:, 0], shown.items(), strict=True):
        draw(ax, table, METRICS[metric], TITLES[metric].split(" (")[0])
    figure.savefig(RESULTS / f"{name}.png", dpi=150)
    plt.close(figure)
