"""Fit, search and predict times of skmtl and its peers, with the same network in every library.

    python benchmarks/speed.py                       # all cases, then the report
    python benchmarks/speed.py --cases refit_small   # these cases; the others keep their last figures
    python benchmarks/speed.py --report              # only the report, from results/speed.csv

Writes results/speed.csv, speed.md and speed.png. Needs a machine that runs nothing else.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _contestants import keras_fit, mlp, multi_task, scikeras, skorch, table
from _harness import Case, Measurement, in_fresh_process, report_parser, run, save
from _report import bars, write_report

SMALL = {"n": 500, "d": 20, "tasks": 3, "hidden": (64,), "batch": 32, "epochs": 100}
MIDDLE = {"n": 10_000, "d": 50, "tasks": 5, "hidden": (128, 64), "batch": 128, "epochs": 20}
LARGE = {"n": 200_000, "d": 50, "tasks": 5, "hidden": (256, 128), "batch": 256, "epochs": 2}


def _refit(name: str, size: dict[str, Any], targets: dict[str, str], slow: dict[str, int]) -> list[Measurement]:
    X, y = table(size["n"], size["d"], size["tasks"])
    net = (size["hidden"], size["batch"], size["epochs"])
    shape = (size["d"], size["tasks"])
    contestants: dict[str, Callable[[], object]] = {
        "skmtl": lambda: multi_task(*net).fit(X, y),
        "MLPRegressor": lambda: mlp(*net).fit(X, y),
        "skorch": lambda: skorch(*net, *shape).fit(X, y),
    }
    if "scikeras" in targets:
        contestants["scikeras"] = lambda: scikeras(*net, *shape).fit(X, y)
    if "Keras, best settings" in targets:
        best = _best_keras(X, y, net)
        contestants["Keras, best settings"] = lambda: keras_fit(X, y, *net, **best)
    losses = {"skmtl": multi_task(*net).fit(X, y).history_["loss"][-1], "MLPRegressor": 2 * mlp(*net).fit(X, y).loss_}
    notes = {who: f"final training loss {loss:.4f}" for who, loss in losses.items()}
    return run(Case(name, contestants, slow=slow, targets=targets, notes=notes))


def _best_keras(X: Any, y: Any, net: tuple[Any, ...]) -> dict[str, Any]:
    """Return the fastest combination of jit_compile and steps_per_execution for Keras on this case."""
    import time

    seconds = {}
    for jit in (False, True):
        for steps in (1, 16, 64, 256):
            start = time.perf_counter()
            keras_fit(X, y, *net, jit_compile=jit, steps_per_execution=steps)
            seconds[jit, steps] = time.perf_counter() - start
    jit, steps = min(seconds, key=lambda key: seconds[key])
    print(f"  Keras is fastest with jit_compile={jit}, steps_per_execution={steps}")
    return {"jit_compile": jit, "steps_per_execution": steps}


def refit_small() -> list[Measurement]:
    """Refit on 500 rows x 20, 3 tasks."""
    return _refit(
        "refit 500 x 20, 3 tasks, (64,), batch 32, 100 epochs", SMALL,
        {"scikeras": ">= 30", "MLPRegressor": ">= 2.5"}, {"scikeras": 2, "skorch": 2},
    )  # fmt: skip


def refit_middle() -> list[Measurement]:
    """Refit on 10,000 rows x 50, 5 tasks."""
    return _refit(
        "refit 10,000 x 50, 5 tasks, (128, 64), batch 128, 20 epochs", MIDDLE,
        {"scikeras": ">= 8", "MLPRegressor": ">= 2.5", "skorch": ">= 1.5"}, {"scikeras": 3, "skorch": 3},
    )  # fmt: skip


def refit_large() -> list[Measurement]:
    """Refit on 200,000 rows x 50, 5 tasks."""
    return _refit(
        "refit 200,000 x 50, 5 tasks, (256, 128), batch 256, 2 epochs", LARGE,
        {"Keras, best settings": ">= 2", "MLPRegressor": ">= 4"}, {"MLPRegressor": 3, "skorch": 2},
    )  # fmt: skip


_FIRST = """
import sys, time, warnings; sys.path.insert(0, "benchmarks"); warnings.simplefilter("ignore")
{imports}
from _contestants import *
X, y = table(500, 20, 3)
start = time.perf_counter(); {make}.fit(X, y); print(time.perf_counter() - start)
"""


def first_fit() -> list[Measurement]:
    """Time the first fit in a fresh process, imports excluded."""
    net = "((64,), 32, 100"
    # Import what fit would import before the clock starts.
    own = "import skmtl.fitting._networks, skmtl.fitting._training, skmtl.inference._compiled, tensorflow, keras"
    sides = {
        "skmtl": (own, f"multi_task{net})"),
        "MLPRegressor": ("from sklearn.neural_network import MLPRegressor", f"mlp{net})"),
        "scikeras": ("import scikeras.wrappers, tensorflow, keras", f"scikeras{net}, 20, 3)"),
    }
    values: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(5):
        for name, (imports, make) in sides.items():
            values[name].append(in_fresh_process(_FIRST.format(imports=imports, make=make)))
    targets = {"MLPRegressor": ">= 0.5", "scikeras": ">= 1"}
    case = "first fit in a fresh process, imports excluded, 500 x 20"
    return [Measurement(case, name, seconds, target=targets.get(name, "")) for name, seconds in values.items()]


def _searches(name: str, grids: dict[str, dict[str, list[Any]]], targets: dict[str, str]) -> list[Measurement]:
    from sklearn.model_selection import GridSearchCV

    X, y = table(500, 20, 3)
    net = ((64,), 32, 100)
    estimators = {"skmtl": multi_task(*net), "MLPRegressor": mlp(*net), "scikeras": scikeras(*net, 20, 3)}
    contestants = {
        who: (lambda who=who: GridSearchCV(estimators[who], grids[who], cv=5, error_score="raise").fit(X, y))
        for who in grids
    }
    return run(Case(name, contestants, repeats=3, slow={"scikeras": 1}, targets=targets))


def search_numbers() -> list[Measurement]:
    """Grid search over learning rate and weight decay: one program serves all candidates."""
    rates, decays = [3e-4, 1e-3, 3e-3, 1e-2], [0.0, 1e-4, 1e-2]
    grids = {
        "skmtl": {"learning_rate": rates, "weight_decay": decays},
        "MLPRegressor": {"learning_rate_init": rates, "alpha": decays},
        "scikeras": {"rate": rates, "decay": decays},
    }
    return _searches(
        "GridSearchCV, 5 folds x 12 candidates (learning rate x weight decay), 500 x 20", grids,
        {"scikeras": ">= 20", "MLPRegressor": ">= 2.5"},
    )  # fmt: skip


def search_widths() -> list[Measurement]:
    """Grid search over layer widths: each width needs its own program."""
    widths, rates = [(32,), (64,), (96,), (128,)], [3e-4, 1e-3, 3e-3]
    grids = {
        "skmtl": {"hidden_layer_sizes": widths, "learning_rate": rates},
        "MLPRegressor": {"hidden_layer_sizes": widths, "learning_rate_init": rates},
        "scikeras": {"hidden": widths, "rate": rates},
    }
    return _searches("GridSearchCV, 5 folds x 4 layer widths x 3 learning rates, 500 x 20", grids, {"scikeras": ">= 8"})


def ensembles() -> list[Measurement]:
    """An ensemble of eight members compared with one."""
    X, y = table(500, 20, 3)
    net = ((64,), 32, 100)
    contestants = {
        "ensemble_size=8": lambda: multi_task(*net, ensemble_size=8).fit(X, y),
        "ensemble_size=1": lambda: multi_task(*net).fit(X, y),
    }
    return run(Case("ensemble_size 8 and 1, 500 x 20", contestants, repeats=9, targets={"ensemble_size=1": ">= 0.4"}))


def single_tasks() -> list[Measurement]:
    """One network for eight tasks compared with eight networks."""
    from sklearn.multioutput import MultiOutputRegressor

    X, y = table(500, 20, 8)
    net = ((64,), 32, 100)
    contestants = {
        "one multi-task fit": lambda: multi_task(*net).fit(X, y),
        "MultiOutputRegressor, 8 fits": lambda: MultiOutputRegressor(multi_task(*net)).fit(X, y),
    }
    return run(
        Case(
            "8 tasks in one network or in one network each, 500 x 20",
            contestants,
            repeats=7,
            targets={"MultiOutputRegressor, 8 fits": ">= 4"},
        )
    )


def predict_one() -> list[Measurement]:
    """Predict one row."""
    X, y = table(500, 20, 3)
    net = ((64,), 32, 20)
    own, other = multi_task(*net).fit(X, y), mlp(*net).fit(X, y)
    model, row, many = own.model_, X[:1], 200

    def repeated(work: Callable[[], object]) -> Callable[[], object]:
        return lambda: [work() for _ in range(many)]

    contestants = {
        "skmtl": repeated(lambda: own.predict(row)),
        "MLPRegressor": repeated(lambda: other.predict(row)),
        "Keras Model.predict": lambda: [model.predict(row, verbose=0) for _ in range(many // 20)],
    }
    targets = {"MLPRegressor": ">= 0.83", "Keras Model.predict": ">= 50"}
    measured = run(Case("predict 1 row", contestants, repeats=9, targets=targets))
    for m in measured:
        calls = many // 20 if m.contestant.startswith("Keras") else many
        m.values = [value / calls for value in m.values]
    return measured


def predict_many() -> list[Measurement]:
    """Predict 100,000 rows."""
    X, y = table(100_000, 50, 5)
    net = ((128, 64), 256, 1)
    own, other = multi_task(*net).fit(X, y), mlp(*net).fit(X, y)
    contestants = {"skmtl": lambda: own.predict(X), "MLPRegressor": lambda: other.predict(X)}
    return run(Case("predict 100,000 rows", contestants, repeats=9, targets={"MLPRegressor": ">= 1.5"}))


def scaling() -> list[Measurement]:
    """Cost per row and epoch, on a million rows and on ten thousand."""
    net = ((128, 64), 256)
    million, few = table(1_000_000, 100, 5), table(10_000, 100, 5)
    contestants = {
        "1,000,000 rows, 5 epochs": lambda: multi_task(*net, 5, jit_compile=False).fit(*million),
        "10,000 rows, 500 epochs": lambda: multi_task(*net, 500, jit_compile=False).fit(*few),
    }
    targets = {"10,000 rows, 500 epochs": ">= 0.83"}
    return run(Case("cost per row and epoch, 100 features", contestants, repeats=3, targets=targets))


_MEMORY = """
import sys, resource, gc; sys.path.insert(0, "benchmarks")
from _contestants import *
import skmtl.fitting._networks, skmtl.fitting._training, skmtl.inference._compiled, tensorflow, keras
# Compiling with XLA takes extra memory, whatever the size of the table.
multi_task((128, 64), 256, 1, jit_compile=False).fit(*table(2_000, 100, 5))
X, y = table(1_000_000, 100, 5)
def rss():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmRSS")).split()[1]) * 1024
gc.collect(); before = rss()
open("/proc/self/clear_refs", "w").write("5")
multi_task((128, 64), 256, 1, jit_compile=False).fit(X, y)
peak = int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) * 1024
print((peak - before) / X.nbytes)
"""


def memory() -> list[Measurement]:
    """Peak memory of a fit, beyond that of its input."""
    values = [in_fresh_process(_MEMORY) for _ in range(3)]
    case = "peak memory beyond the input, 1,000,000 x 100 float32"
    return [Measurement(case, "skmtl", values, unit="times the input", target="<= 1.5")]


def import_time() -> list[Measurement]:
    """Import time in fresh processes."""
    code = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    sides = {
        "import skmtl": "import skmtl",
        "import sklearn": "import sklearn",
        "from skmtl import MultiTaskKerasRegressor": "from skmtl import MultiTaskKerasRegressor",
        "from sklearn.neural_network import MLPRegressor": "from sklearn.neural_network import MLPRegressor",
    }
    values: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(7):
        for name, statement in sides.items():
            values[name].append(in_fresh_process(code.format(statement)))
    return [
        Measurement("import", name, seconds, target=">= 0.77" if name == "import sklearn" else "")
        for name, seconds in values.items()
    ]


def chunks() -> list[Measurement]:
    """Training chunk by chunk with partial_fit, compared with one fit."""
    X, y = table(1_000_000, 100, 5)
    net = ((128, 64), 256, 1)

    def by_chunks() -> Any:
        model = multi_task(*net, jit_compile=False)
        for start in range(0, len(X), 100_000):
            model.partial_fit(X[start : start + 100_000], y[start : start + 100_000])
        return model

    contestants = {"partial_fit, 10 chunks": by_chunks, "fit": lambda: multi_task(*net, jit_compile=False).fit(X, y)}
    return run(
        Case(
            "1,000,000 x 100: partial_fit in chunks of 100,000 or one fit",
            contestants,
            repeats=3,
            targets={"fit": ">= 0.77"},
        )
    )


def arithmetic() -> list[Measurement]:
    """Arithmetic rate of a fit, compared with plain matrix products of the same shapes."""
    from _matmul import plain_rate

    n, d, batch, epochs, tasks = 10_000, 50, 1024, 20, 5
    X, y = table(n, d, tasks)
    net = ((512, 512), batch, epochs)
    first, inner = d * 512, 512 * 512 + 512 * tasks
    # One product each for the forward pass and both gradients; the first layer needs no gradient to its inputs.
    work = epochs * n * (4 * first + 6 * inner)
    measured = run(Case("rate", {"skmtl": lambda: multi_task(*net).fit(X, y)}, repeats=5))[0]
    case = "arithmetic rate, 10,000 x 50, (512, 512), batch 1024"
    rates = [work / seconds / 1e9 for seconds in measured.values]
    plain = [plain_rate([(batch, d, 512), (batch, 512, 512), (batch, 512, tasks)]) / 1e9 for _ in range(5)]
    return [
        Measurement(case, "skmtl, whole fit", rates, unit="GFLOP/s", target=">= 0.6 of plain products"),
        Measurement(case, "plain matrix products", plain, unit="GFLOP/s"),
    ]


CASES = {
    "refit_small": refit_small,
    "refit_middle": refit_middle,
    "refit_large": refit_large,
    "first_fit": first_fit,
    "search_numbers": search_numbers,
    "search_widths": search_widths,
    "ensembles": ensembles,
    "single_tasks": single_tasks,
    "predict_one": predict_one,
    "predict_many": predict_many,
    "scaling": scaling,
    "chunks": chunks,
    "memory": memory,
    "arithmetic": arithmetic,
    "import": import_time,
}


def draw(measurements: list[Measurement], path: Path) -> None:
    """Draw the times of other libraries relative to skmtl."""
    ratios: dict[str, dict[str, float]] = {}
    for case, group in groupby([m for m in measurements if m.unit == "s"], key=lambda m: m.case):
        first, *others = list(group)
        if first.contestant == "skmtl":
            ratios[case] = {other.contestant: other.median / first.median for other in others}
    bars(ratios, path, TITLE, "time divided by skmtl's time, log scale (right of 1: skmtl is faster)", left=0.1)


TITLE = "Fit and predict time relative to skmtl"
INTRO = """\
`python benchmarks/speed.py` fits the same network in every library: same layers, optimizer, epochs and batch size, \
no early stopping. Contestants take turns in one run, with programs compiled beforehand unless the case says otherwise.

`ratio` is a row's median divided by the median of the first row of its case; above 1, the first row is faster. \
A target is a goal for the ratio that was set before measuring."""


def main() -> None:
    """Run the cases asked for and write the report."""
    parser = report_parser(__doc__)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES), metavar="CASE",
                        help=f"of {', '.join(CASES)}; all")  # fmt: skip
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.random.seed(0)  # noqa: NPY002 - scikeras and skorch draw from the global generator
    if not arguments.report:
        for name in arguments.cases:
            print(name, flush=True)
            save(CASES[name](), "speed")
    write_report("speed", TITLE, INTRO, alt=f"{TITLE}: bars of the ratios in the table below", figure=draw)


if __name__ == "__main__":
    main()
