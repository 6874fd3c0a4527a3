"""Batched searches, whose fits are trained together, compared with scikit-learn's searches of the same estimator.

    python benchmarks/batched_search.py            # all cases, then the report
    python benchmarks/batched_search.py --report   # only the report, from results/batched_search.csv

Both sides take turns, with programs compiled beforehand. Needs a machine that runs nothing else. Writes
results/batched_search.csv and .md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _harness import Case, Measurement, in_fresh_process, report_parser, run, save
from _report import write_report
from sklearn.model_selection import GridSearchCV

import skmtl
from skmtl.datasets import make_related_tasks
from skmtl.inspection import _compare, _jobs, compare_with_single_task
from skmtl.model_selection import BatchedGridSearchCV

NUMBERS = {"learning_rate": [1e-3, 3e-3, 1e-2], "weight_decay": [0.0, 1e-2], "n_iter_no_change": [5, 10]}
WIDTHS = {"hidden_layer_sizes": [(16,), (32,), (64,), (128,)], "learning_rate": [1e-3, 3e-3, 1e-2]}

_FRESH = """
import time, numpy as np
import keras, tensorflow
from scipy.stats import loguniform, uniform
from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.model_selection import BatchedRandomizedSearchCV
import skmtl.training
from sklearn.model_selection import RandomizedSearchCV
X, y = make_related_tasks(500, 20, 3, random_state=0)
model = MultiTaskKerasRegressor(hidden_layer_sizes=(64,), ensemble_size=1, random_state=0)
draws = {"learning_rate": loguniform(1e-3, 1e-1), "weight_decay": loguniform(1e-4, 1e-1), "tol": loguniform(1e-5, 1e-3),
         "dropout": uniform(0.01, 0.3), "n_iter_no_change": [5, 10, 20]}
begin = time.perf_counter()
SEARCH(model, draws, n_iter=60, random_state=0).fit(X, y)
print(time.perf_counter() - begin)
"""

_PEAK = """
import re, numpy as np
from pathlib import Path
from skmtl import MultiTaskKerasRegressor
from skmtl.datasets import make_related_tasks
from skmtl.model_selection import BatchedGridSearchCV
X, y = make_related_tasks(10_000, 50, 5, random_state=0)
model = MultiTaskKerasRegressor(hidden_layer_sizes=(128, 64), epochs=3, ensemble_size=1, random_state=0)
FIT
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) / 1024)
"""
_SIXTY = 'BatchedGridSearchCV(model, {"learning_rate": np.logspace(-4, -1, 12).tolist()}, refit=False).fit(X, y)'


def model(**settings: Any) -> skmtl.MultiTaskKerasRegressor:
    """Return a single network with some settings."""
    return skmtl.MultiTaskKerasRegressor(ensemble_size=1, random_state=0, **settings)


def searches(
    name: str, estimator: Any, grid: dict[str, Any], rows: tuple[int, int, int], target: str
) -> list[Measurement]:
    """Search one grid both ways."""
    X, y = make_related_tasks(*rows, relatedness=1.0, noise=0.5, random_state=0)
    contestants: dict[str, Callable[[], object]] = {
        kind.__name__: partial(kind(estimator, grid, cv=5).fit, X, y) for kind in (BatchedGridSearchCV, GridSearchCV)
    }
    return run(Case(name, contestants, 5, targets={"BatchedGridSearchCV": target}))


def comparison() -> list[Measurement]:
    """Compare with single-task networks, training all fits together and one at a time."""
    X, y = make_related_tasks(1000, 20, 5, relatedness=1.0, noise=0.5, random_state=0)
    together = partial(compare_with_single_task, model(), X, y, cv=5, random_state=0)

    def one_at_a_time() -> None:
        with patch.object(_compare, "run_together", lambda jobs, table: [_jobs.run(job, table) for job in jobs]):
            together()

    name = "compare_with_single_task, 5 folds, 1,000 rows x 20, 5 tasks"
    contestants: dict[str, Callable[[], object]] = {"together": together, "one at a time": one_at_a_time}
    return run(Case(name, contestants, 5, targets={"together": "at most 0.5"}))


def fresh_processes() -> list[Measurement]:
    """Time a randomized search in a new process, compilation included and imports excluded."""
    name, targets = (
        "fresh process: 60 draws of 5 numbers, 5 folds, 500 rows x 20, 3 tasks",
        {"BatchedRandomizedSearchCV": "at most 6 s"},
    )
    kinds = ("BatchedRandomizedSearchCV", "RandomizedSearchCV")
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(3):
        for kind in kinds:
            seconds[kind].append(in_fresh_process(_FRESH.replace("SEARCH", kind)))
    return [Measurement(name, kind, values, target=targets.get(kind, "")) for kind, values in seconds.items()]


def peaks() -> list[Measurement]:
    """Measure the peak memory of a process that fits once, and of one that trains sixty fits together."""
    fits = {"60 fits together": _SIXTY, "one fit": "model.fit(X, y)"}
    return [
        Measurement(
            "peak memory, 10,000 rows x 50, 5 tasks",
            name,
            [in_fresh_process(_PEAK.replace("FIT", fit))],
            unit="MiB",
            target="at most 4" if fit is _SIXTY else "",
        )
        for name, fit in fits.items()
    ]


INTRO = """\
`python benchmarks/batched_search.py`: contestants take turns, with programs compiled beforehand except in the fresh \
processes. `ratio` is a row's median divided by the median of the first row of its case; above 1, the first row is \
faster or smaller. Targets are for the first row divided by the second, and for the seconds of the fresh process."""


def main() -> None:
    parser = report_parser(__doc__)
    if not parser.parse_args().report:
        measure()
    write_report("batched_search", "Batched searches compared with scikit-learn's", INTRO)


def measure() -> None:
    """Measure all cases."""
    found = searches(
        "5 folds x 12 candidates (numbers), 500 rows x 20, 3 tasks, (64,), 100 epochs",
        model(hidden_layer_sizes=(64,), epochs=100), NUMBERS, (500, 20, 3), "at most 0.4",
    )  # fmt: skip
    found += searches(
        "the same case without early stopping",
        model(hidden_layer_sizes=(64,), epochs=100, early_stopping=False),
        {"learning_rate": [1e-3, 3e-3, 1e-2], "weight_decay": np.logspace(-4, -1, 4).tolist()}, (500, 20, 3), "",
    )  # fmt: skip
    found += searches(
        "5 folds x 12 candidates (numbers), 10,000 rows x 50, 5 tasks, (128, 64), 20 epochs",
        model(hidden_layer_sizes=(128, 64), epochs=20), NUMBERS, (10_000, 50, 5), "at most 0.8",
    )  # fmt: skip
    found += searches(
        "5 folds x 4 widths x 3 learning rates, 500 rows x 20, 3 tasks", model(), WIDTHS, (500, 20, 3), "at most 0.6"
    )
    found += comparison() + fresh_processes() + peaks()
    save(found, "batched_search")


if __name__ == "__main__":
    main()
