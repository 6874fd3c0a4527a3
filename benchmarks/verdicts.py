"""How often the comparison with single-task twins says what is true, on tasks whose relatedness is known.

Three settings, with the truth by construction:

- related: all tasks are the same function up to noise, each with few labels. Sharing helps.
- separate: unrelated tasks, and a network in which every layer belongs to one task. Sharing cannot matter, since
  nothing is shared: the twins are the same networks with other neighbours.
- crowded: unrelated tasks that compete for two hidden units, of which each twin has two to itself. Sharing hurts.

Beside each verdict stands what it should find: the gain on 20,000 fresh rows, for networks fitted to all rows.
Writes results/verdicts.csv, one row per seed and task, and results/verdicts.md, the rates.

    python benchmarks/verdicts.py [--seeds 20] [--setting related]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.inspection import compare_with_single_task

RESULTS = Path(__file__).parent / "results"
FRESH = 20_000

COMMON: Mapping[str, Any] = {"ensemble_size": 4, "learning_rate": 0.01, "epochs": 60}
SETTINGS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "related": (
        "helped",
        {"n_samples": 800, "n_features": 30, "relatedness": 1.0, "missing": 0.7},
        {**COMMON, "hidden_layer_sizes": (16, 8)},
    ),
    "separate": (
        "no difference",
        {"n_samples": 300, "n_features": 10, "relatedness": 0.0},
        {**COMMON, "hidden_layer_sizes": (), "head_layer_sizes": (8,), "epochs": 30, "early_stopping": False},
    ),
    "crowded": (
        "hurt",
        {"n_samples": 400, "n_features": 10, "relatedness": 0.0},
        {**COMMON, "hidden_layer_sizes": (2,)},
    ),
}


def tasks(table: Mapping[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows to compare on, with some labels missing, and fresh rows with all."""
    table = dict(table)
    n_samples, missing = table.pop("n_samples"), table.pop("missing", 0.0)
    X, y = make_related_tasks(n_samples + FRESH, n_tasks=5, n_waves=1, noise=0.5, random_state=seed, **table)
    own = y[:n_samples].copy()
    own[np.random.default_rng(seed).random(own.shape) < missing] = np.nan
    return X[:n_samples], own, X[n_samples:], y[n_samples:]


def true_gain(model: Any, X: np.ndarray, y: np.ndarray, fresh_X: np.ndarray, fresh_y: np.ndarray) -> np.ndarray:
    """Gain in R2 of every task on the fresh rows, for networks fitted to all others."""
    together = r2_score(fresh_y, model.fit(X, y).predict(fresh_X), multioutput="raw_values")
    gains = []
    for task in range(y.shape[1]):
        known = ~np.isnan(y[:, task])
        gains.append(together[task] - r2_score(fresh_y[:, task], model.fit(X[known], y[known, task]).predict(fresh_X)))
    return np.array(gains)


def run_seed(setting: str, seed: int) -> pd.DataFrame:
    """Verdicts on the tasks of one seed, and on all of them together."""
    truth, table, network = SETTINGS[setting]
    X, y, fresh_X, fresh_y = tasks(table, seed)
    model = MultiTaskKerasRegressor(**network, random_state=seed)
    comparison = compare_with_single_task(model, X, y, random_state=seed)
    frame = comparison.frame()[
        ["multi_task", "single_task", "difference", "ci_low", "ci_high", "verdict"]
    ].reset_index()
    frame["true_gain"] = true_gain(model, X, y, fresh_X, fresh_y)
    total = comparison.summary().loc["multi_task"]
    whole = {"task": "all", "difference": total["delta_m"], "ci_low": total["ci_low"], "ci_high": total["ci_high"]}
    frame = pd.concat([frame, pd.DataFrame([{**whole, "verdict": total["verdict"]}])], ignore_index=True)
    frame.insert(0, "setting", setting)
    frame.insert(1, "truth", truth)
    frame.insert(2, "seed", seed)
    return frame


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Per setting: seeds and tasks of which the truth is said, and those of which something false is."""
    rows = []
    for setting, own in table.groupby("setting", sort=False):
        whole, single = own[own["task"] == "all"], own[own["task"] != "all"]
        false = {"helped": "hurt", "hurt": "helped"}.get(own["truth"].iloc[0])
        # Where nothing is shared, any verdict is false; elsewhere the opposite one is.
        wrong = single["verdict"] == false if false else single["verdict"] != "no difference"
        rows.append(
            {
                "setting": setting,
                "truth": own["truth"].iloc[0],
                "seeds": len(whole),
                "right overall": (whole["verdict"] == whole["truth"]).sum(),
                "right per task": f"{(single['verdict'] == single['truth']).sum()} of {len(single)}",
                "false alarms per task": f"{wrong.sum()} of {len(single)}",
                "mean gain found": single["difference"].mean(),
                "mean gain on fresh rows": single["true_gain"].mean(),
            }
        )
    return pd.DataFrame(rows)


def report(found: pd.DataFrame) -> str:
    """The rates as a page."""
    rows = [
        [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in found.to_numpy().tolist()
    ]
    lines = ["| " + " | ".join(row) + " |" for row in [list(found.columns), ["---"] * found.shape[1], *rows]]
    head = "# What the comparison with single-task twins says of tasks whose relatedness is known\n\n"
    told = (
        'Five tasks a seed, 5 folds, one repeat, 95 % intervals; gains are differences of R2. "Right overall" '
        "counts the seeds in which the verdict on delta-m is the truth; a false alarm is any verdict where nothing "
        "is shared, and the opposite one elsewhere. `python benchmarks/verdicts.py` measures this anew; "
        "verdicts.csv has every task.\n\n"
    )
    return head + told + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--setting", choices=list(SETTINGS), action="append")
    arguments = parser.parse_args()
    tables = []
    for setting in arguments.setting or SETTINGS:
        start = time.perf_counter()
        tables += [run_seed(setting, seed) for seed in range(arguments.seeds)]
        print(f"{setting}: {(time.perf_counter() - start) / arguments.seeds:.1f} s a seed", flush=True)
    table = pd.concat(tables, ignore_index=True)
    found = rates(table)
    if not arguments.setting:
        RESULTS.mkdir(exist_ok=True)
        table.round(4).to_csv(RESULTS / "verdicts.csv", index=False)
        (RESULTS / "verdicts.md").write_text(report(found))
    print(found.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
