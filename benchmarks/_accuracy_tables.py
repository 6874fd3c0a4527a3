"""Tables of the accuracy runs, one row per fold, per task or per data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _accuracy_runs import Run, read
from _datasets import facts_of_all
from _harness import RESULTS, record_run

METRICS = {"arrmse": True, "log_loss": True, "auc": False, "balanced_accuracy": False}  # whether lower is better


def task_folds(data: list[str], contestants: list[str], folds: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores by (data set, contestant, fold, task), and the times by (data set, contestant, fold)."""
    scores: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for run in (Run(d, c, f) for d in data for c in contestants for f in folds):
        kept = read(run)
        if kept is None:
            continue
        key = {"data": run.data, "contestant": run.contestant, "fold": run.fold}
        facts = {name: kept.get(name) for name in ("fit_time", "predict_time", "peak_memory_mb", "error", "rows")}
        runs.append({**key, **facts, **{f"{k}": v for k, v in kept["machine"].items() if k == "date"}})
        scores += [{**key, "task": task, **values} for task, values in kept.get("tasks", {}).items()]
    columns = ["data", "contestant", "fold", "task", "n", "sse", "sse_mean", "rrmse", "nll", "nll_prior"]
    scored = pd.DataFrame(scores, columns=[*columns, "balanced_accuracy", "auc"])
    numeric = scored.columns.difference(["data", "contestant", "fold", "task"])
    scored[numeric] = scored[numeric].astype(float)
    return scored, pd.DataFrame(runs)


def store(name: str, data: list[str], contestants: list[str], folds: list[int]) -> bool:
    """Write results/NAME.csv (one row per fold) and NAME_tasks.csv (one row per task) from the cached runs."""
    scored, runs = task_folds(data, contestants, folds)
    if runs.empty:
        return False
    RESULTS.mkdir(exist_ok=True)
    by_fold(scored, runs).to_csv(RESULTS / f"{name}.csv", index=False, float_format="%.8g")
    by_task(scored).to_csv(RESULTS / f"{name}_tasks.csv", float_format="%.8g")
    capped = [key.split("-")[0] for key in data if "rows" in key]
    record_run(name, source_rows={source: facts_of_all()[source]["n_rows"] for source in capped})
    return True


def read_stored(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the two tables that `store` wrote: tasks and runs."""
    runs = pd.read_csv(RESULTS / f"{name}.csv")
    return pd.read_csv(RESULTS / f"{name}_tasks.csv").set_index(["data", "contestant", "task"]), runs


def by_task(scored: pd.DataFrame) -> pd.DataFrame:
    """Pool the folds: squared errors and log losses are summed, AUC and balanced accuracy averaged."""
    grouped = scored.groupby(["data", "contestant", "task"], sort=False)
    sums = grouped[["n", "sse", "sse_mean", "nll", "nll_prior"]].sum(min_count=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        tasks = pd.DataFrame(
            {
                "n": sums["n"],
                "arrmse": np.sqrt(sums["sse"] / sums["sse_mean"].where(sums["sse_mean"] > 0)),
                "log_loss": sums["nll"] / sums["n"],
                "log_loss_prior": sums["nll_prior"] / sums["n"],
            }
        )
    return tasks.join(grouped[["auc", "balanced_accuracy"]].mean())


def by_set(tasks: pd.DataFrame, runs: pd.DataFrame, n_folds: int) -> pd.DataFrame:
    """Average over tasks, for contestants that completed all folds of a data set."""
    means = tasks.groupby(["data", "contestant"], sort=False)[[*METRICS, "log_loss_prior"]].mean()
    done = runs[runs["error"].isna()].groupby(["data", "contestant"])
    complete = done.size()
    means = means.loc[[key for key in means.index if complete.get(key, 0) == n_folds]]
    return means.join(done[["fit_time", "predict_time"]].median()).join(done["peak_memory_mb"].max())


def by_fold(scored: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Average over the tasks of each fold, with times and memory."""
    scored = scored.assign(arrmse=scored["rrmse"], log_loss=scored["nll"] / scored["n"])
    means = scored.groupby(["data", "contestant", "fold"], sort=False)[list(METRICS)].mean()
    return runs.set_index(["data", "contestant", "fold"]).join(means).reset_index()


def wide(sets: pd.DataFrame, metric: str, order: list[str]) -> pd.DataFrame:
    """Return one metric as a table of data sets by contestants."""
    if sets.empty:
        return pd.DataFrame()
    table = sets[metric].unstack("contestant").dropna(how="all")
    table = table.reindex([d for d in dict.fromkeys(sets.index.get_level_values("data")) if d in table.index])
    return table[[c for c in order if c in table and table[c].notna().any()]]
