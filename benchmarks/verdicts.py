"""How often `compare_with_single_task` gives the right verdict on synthetic tasks, where the truth is known.

    python benchmarks/verdicts.py                              # all settings, then the report
    python benchmarks/verdicts.py --seeds 2 --setting related  # these, printed only
    python benchmarks/verdicts.py --report                     # only the report, from results/verdicts.csv

Three settings, in which the truth follows from the construction:

- related: all tasks are the same function up to noise, each with few labels. Sharing helps.
- separate: unrelated tasks and a network in which every layer belongs to one task. Nothing is shared, so sharing makes
  no difference.
- crowded: unrelated tasks compete for two hidden units; each single-task network has two to itself. Sharing hurts.

The gain to be found is measured on 20,000 fresh rows, for networks fitted to all other rows. Writes
results/verdicts.csv (one row per seed and task) and results/verdicts.md (the rates).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from _harness import RESULTS, record_run, report_parser
from _report import markdown, write_page
from sklearn.metrics import r2_score

from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.inspection import compare_with_single_task

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
    """Return rows to compare on, some of whose labels are missing, and fresh rows with all labels."""
    table = dict(table)
    n_samples, missing = table.pop("n_samples"), table.pop("missing", 0.0)
    X, y = make_related_tasks(n_samples + FRESH, n_tasks=5, n_waves=1, noise=0.5, random_state=seed, **table)
    own = y[:n_samples].copy()
    own[np.random.default_rng(seed).random(own.shape) < missing] = np.nan
    return X[:n_samples], own, X[n_samples:], y[n_samples:]


def true_gain(model: Any, X: np.ndarray, y: np.ndarray, fresh_X: np.ndarray, fresh_y: np.ndarray) -> np.ndarray:
    """Return the gain in R2 of every task on the fresh rows, for networks fitted to all other rows."""
    together = r2_score(fresh_y, model.fit(X, y).predict(fresh_X), multioutput="raw_values")
    gains = []
    for task in range(y.shape[1]):
        known = ~np.isnan(y[:, task])
        gains.append(together[task] - r2_score(fresh_y[:, task], model.fit(X[known], y[known, task]).predict(fresh_X)))
    return np.array(gains)


def run_seed(setting: str, seed: int) -> pd.DataFrame:
    """Return the verdicts on each task of one seed and on all tasks together."""
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
    """Count right verdicts and false alarms per setting."""
    rows = []
    for setting, own in table.groupby("setting", sort=False):
        whole, single = own[own["task"] == "all"], own[own["task"] != "all"]
        false = {"helped": "hurt", "hurt": "helped"}.get(own["truth"].iloc[0])
        # If nothing is shared, any verdict but "no difference" is false; otherwise only the opposite verdict is.
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


def report(found: pd.DataFrame) -> list[str]:
    """Return the parts of the page."""
    rows = [[f"{cell:.3f}" if isinstance(cell, float) else cell for cell in row] for row in found.to_numpy().tolist()]
    return [
        "# Reliability of the comparison with single-task networks",
        "`python benchmarks/verdicts.py`: five synthetic tasks per seed with known relatedness, compared on 5 folds "
        "with one repeat and 95 % intervals. Gains are differences of R2. `right overall` counts the seeds whose "
        "verdict on delta-m is true. A false alarm is any verdict but `no difference` if nothing is shared, and the "
        "opposite verdict otherwise.",
        markdown(list(found.columns), rows),
    ]


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--setting", choices=list(SETTINGS), action="append")
    arguments = parser.parse_args()
    path = RESULTS / "verdicts.csv"
    if not arguments.report:
        tables = []
        for setting in arguments.setting or SETTINGS:
            start = time.perf_counter()
            tables += [run_seed(setting, seed) for seed in range(arguments.seeds)]
            print(f"{setting}: {(time.perf_counter() - start) / arguments.seeds:.1f} s per seed", flush=True)
        table = pd.concat(tables, ignore_index=True)
        if arguments.setting or arguments.seeds != parser.get_default("seeds"):
            print(rates(table).to_string(index=False, float_format="{:.3f}".format))
            return
        table.to_csv(path, index=False, float_format="%.6g")
        record_run("verdicts")
    print(write_page("verdicts", *report(rates(pd.read_csv(path)))))


if __name__ == "__main__":
    main()
