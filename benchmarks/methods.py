"""Every sharing scheme and every balancing method, compared with single-task networks.

    python benchmarks/methods.py --rows 1500     # everything that is not cached yet, then the report
    python benchmarks/methods.py --quick         # two seeds of three small sets, printed only
    python benchmarks/methods.py --report        # only the report, from results/methods.csv

Sharing schemes are trained with equal weights, balancing methods on a shared bottom. The single-task baseline has the
same network and settings and is fitted on each task alone, on the rows that have its label. All see the same split of a
seed. Errors are root mean squared errors (regression) and log losses (classification). The gain of a method is its
reduction of the baseline's error in per cent; delta-m is the mean gain over tasks.

Each fit is cached in results/cache, so an interrupted run can be resumed. Writes results/methods.csv (one row per data
set, method and seed), methods.md and methods.png.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _harness import RESULTS, record_run, report_parser
from _methods_data import DATA_SETS, Split, split
from _methods_report import write_report
from sklearn.metrics import accuracy_score, log_loss, r2_score, roc_auc_score, root_mean_squared_error

from skmtl import MultiTaskKerasClassifier, MultiTaskKerasEstimator, MultiTaskKerasRegressor, balancing
from skmtl.networks import architecture_names

CACHE = RESULTS / "cache"
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (64, 32),
    "batch_size": 128,
    "learning_rate": 0.005,
    "epochs": 60,
    "ensemble_size": 1,
}
KINDS = {
    "regression": MultiTaskKerasRegressor,
    "classification": MultiTaskKerasClassifier,
    "mixed": MultiTaskKerasEstimator,
}
BASELINE = "single task"
# "static" without weights is "equal".
METHODS: dict[str, dict[str, Any]] = {
    BASELINE: {},
    **{name: {"architecture": name} for name in architecture_names()},
    **{f"balancing {name}": {"balancing": name} for name in balancing.names() if name not in ("equal", "static")},
}


def evaluate(name: str, method: str, rows: int, seed: int) -> dict[str, Any]:
    """Return the errors and scores of a method's tasks and the seconds of its training."""
    kind, data = KINDS[DATA_SETS[name][0]], split(name, rows, seed)
    start = time.perf_counter()
    if method == BASELINE:
        models = [_fit(kind, data.y[[task]], data, seed, {}) for task in data.y]
        tasks = [_score(model, data, task, 0) for model, task in zip(models, data.y, strict=True)]
    else:
        model = _fit(kind, data.y, data, seed, METHODS[method])
        tasks = [_score(model, data, task, number) for number, task in enumerate(data.y)]
    seconds = time.perf_counter() - start
    return {"data": name, "method": method, "seed": seed, "rows": len(data.X), "seconds": seconds, "tasks": tasks}


def _fit(kind: Any, y: pd.DataFrame, data: Split, seed: int, settings: dict[str, Any]) -> Any:
    known = y.notna().any(axis=1).to_numpy()
    return kind(**SETTINGS, **settings, random_state=seed).fit(data.X[known], y[known])


def _score(model: Any, data: Split, task: str, number: int) -> dict[str, Any]:
    """Return a task's error (lower is better) and score (higher is better) on the test rows that have its label."""
    known = data.test_y[task].notna().to_numpy()
    X, truth = data.test_X[known], data.test_y[task][known]
    classes = getattr(model, "classes_", None)
    classes = classes[number] if isinstance(classes, list) else classes
    if classes is None:
        predicted = np.asarray(model.predict(X))
        predicted = (predicted if predicted.ndim == 1 else predicted[:, number]).astype(float)
        error, score = root_mean_squared_error(truth, predicted), r2_score(truth, predicted)
        return {"task": str(task), "measure": "RMSE, R2", "error": error, "score": score}
    proba = model.predict_proba(X)
    proba = np.asarray(proba[number] if isinstance(proba, list) else proba, dtype=float)
    error = log_loss(truth, proba / proba.sum(axis=1, keepdims=True), labels=classes)
    if len(classes) == 2:
        return {"task": str(task), "measure": "log loss, AUC", "error": error, "score": _auc(truth, proba, classes)}
    score = accuracy_score(truth, np.asarray(classes)[proba.argmax(axis=1)])
    return {"task": str(task), "measure": "log loss, accuracy", "error": error, "score": score}


def _auc(truth: pd.Series, proba: np.ndarray, classes: Any) -> float:
    return roc_auc_score(truth == classes[1], proba[:, 1]) if truth.nunique() == 2 else float("nan")


def cached(name: str, method: str, rows: int, seed: int) -> dict[str, Any]:
    """Return the cached result of a run with the same settings, or run it now."""
    key = json.dumps([name, METHODS[method], method, rows, seed, SETTINGS], sort_keys=True)
    path = CACHE / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if not path.exists():
        found = {**evaluate(name, method, rows, seed), "cap": rows}
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(found))
        unfinished.rename(path)
    return json.loads(path.read_text())


def run(data_sets: list[str], seeds: int, rows: int) -> Iterator[dict[str, Any]]:
    """Yield the results in an order that compiles each network once for all seeds."""
    for name in data_sets:
        start = time.perf_counter()
        for method in METHODS:
            for seed in range(seeds):
                yield cached(name, method, rows, seed)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


def frame(results: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per data set, method, seed and task, with the gain over the single-task baseline."""
    table = pd.DataFrame(
        [{**{k: v for k, v in found.items() if k != "tasks"}, **task} for found in results for task in found["tasks"]]
    )
    keys = ["data", "seed", "task"]
    baseline = table[table["method"] == BASELINE].set_index(keys)["error"].rename("baseline")
    table = table.join(baseline, on=keys)
    table["gain"] = 100 * (table["baseline"] - table["error"]) / table["baseline"]
    return table.drop(columns="baseline")


def store(table: pd.DataFrame, rows: int) -> None:
    """Write results/methods.csv: mean gain and mean score over the tasks of each data set, method and seed."""
    means = table.groupby(["data", "method", "seed"], sort=False).agg(
        gain=("gain", "mean"), score=("score", "mean"), scored=("score", "count"), seconds=("seconds", "first")
    )
    means.to_csv(RESULTS / "methods.csv", float_format="%.5g")
    record_run("methods", rows=rows, tasks=table.groupby("data", sort=False)["task"].nunique().to_dict())


def complete(rows: int, most_seeds: int) -> Iterator[dict[str, Any]]:
    """Yield the cached results of the data sets and seeds for which every method has been run."""
    found = [json.loads(path.read_text()) for path in CACHE.glob("*.json")]
    found = [result for result in found if result["cap"] == rows and result["seed"] < most_seeds]
    counts = pd.Series([(r["data"], r["seed"]) for r in found]).value_counts()
    order = {name: number for number, name in enumerate(DATA_SETS)}
    whole = [result for result in found if counts[(result["data"], result["seed"])] == len(METHODS)]
    yield from sorted(whole, key=lambda r: (order[r["data"]], list(METHODS).index(r["method"]), r["seed"]))


def main() -> None:
    """Run what is asked for and write the report."""
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", choices=list(DATA_SETS), default=list(DATA_SETS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000, help="rows drawn from larger data sets, test rows included")
    parser.add_argument("--quick", action="store_true", help="two seeds of three sets with 400 rows, no report")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.quick:
        table = frame(list(run(["related 0", "related 1", "ames"], 2, 400)))
        print(table.groupby(["method", "data"], sort=False)["gain"].mean().unstack().round(1).to_string())
        return
    if not arguments.report:
        for _ in run(arguments.data, arguments.seeds, arguments.rows):
            pass
        store(frame(list(complete(arguments.rows, arguments.seeds))), arguments.rows)
    write_report(SETTINGS)


if __name__ == "__main__":
    main()
