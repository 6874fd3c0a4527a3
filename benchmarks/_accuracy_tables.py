"""What is kept of the runs, as DataFrames: a row a fold, a task, a data set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from _accuracy_runs import Run, read

METRICS = {"arrmse": True, "log_loss": True, "auc": False, "balanced_accuracy": False}  # whether less is better


def task_folds(data: list[str], contestants: list[str], folds: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of (data set, contestant, fold, task) with their scores, and of (data set, contestant, fold) with times."""
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


def by_task(scored: pd.DataFrame) -> pd.DataFrame:
    """Folds put together: squared errors and log losses added up over folds, AUC and balanced accuracy averaged."""
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
    """Means over tasks; only where all folds are there and none failed."""
    means = tasks.groupby(["data", "contestant"], sort=False)[[*METRICS, "log_loss_prior"]].mean()
    done = runs[runs["error"].isna()].groupby(["data", "contestant"])
    complete = done.size()
    means = means.loc[[key for key in means.index if complete.get(key, 0) == n_folds]]
    return means.join(done[["fit_time", "predict_time"]].median()).join(done["peak_memory_mb"].max())


def by_fold(scored: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Means over the tasks of each fold, with times and memory."""
    scored = scored.assign(arrmse=scored["rrmse"], log_loss=scored["nll"] / scored["n"])
    means = scored.groupby(["data", "contestant", "fold"], sort=False)[list(METRICS)].mean()
    return runs.set_index(["data", "contestant", "fold"]).join(means).reset_index()


def wide(sets: pd.DataFrame, metric: str, order: list[str]) -> pd.DataFrame:
    """Data sets by contestants of one metric."""
    if sets.empty:
        return pd.DataFrame()
    table = sets[metric].unstack("contestant").dropna(how="all")
    table = table.reindex([d for d in dict.fromkeys(sets.index.get_level_values("data")) if d in table.index])
    return table[[c for c in order if c in table and table[c].notna().any()]]
