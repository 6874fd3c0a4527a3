"""What a balancing method costs beside equal weights: ``python benchmarks/balancing_cost.py``.

Methods take turns with "equal" in one process, on refits whose programs are compiled; what is reported is the median of
the ratios turn by turn. Methods on gradients are measured in both forms, with gradients of the shared parameters and of
the representation (``gradients_of``). On a machine that has other work to do, ``--clock processor`` counts this
process' seconds on its processors instead of those of the wall. Writes results/balancing_cost.csv and
balancing_cost.md; ``--cases`` measures some anew and keeps the others' last figures.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from itertools import groupby
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import json

from _contestants import ours, table
from _harness import RESULTS, Case, Measurement, load, run, save

from skmtl import balancing

# name: rows, features, hidden layers, batch size, epochs
SIZES: dict[str, tuple[int, int, tuple[int, ...], int, int]] = {
    "500 x 20, (64,), batch 32": (500, 20, (64,), 32, 100),
    "5,000 x 50, (128, 64), batch 128": (5_000, 50, (128, 64), 128, 4),
    # As many steps as jit_compile="auto" takes for worth compiling; the size before is a graph.
    "10,000 x 50, (128, 64), batch 128": (10_000, 50, (128, 64), 128, 13),
}
EVERY = [name for name in balancing.names() if name not in ("equal", "static")]
ON_LOSSES = [name for name in EVERY if balancing.get(name).requires == "losses"]
ON_GRADIENTS = [name for name in EVERY if name not in ON_LOSSES]
# Every method once; what sizes and the number of tasks do, on methods of little and of much arithmetic of their own.
SOME = ["uncertainty", "famo", "pcgrad", "mgda", "upgrad"]
AT_REPRESENTATION = ", representation"
TASKS = (2, 5, 12, 40)
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
MOST = {"losses": {2: 1.15, 5: 1.15, 12: 1.15, 40: 1.15}, "gradients": {5: 2.5, 12: 4.0}}


READING = (
    "What can be expected: a method on losses adds a handful of operations to a step; famo alone evaluates the batch "
    "a second time, which is a forward pass more. A method on gradients needs each task's gradient over the whole "
    "trunk, one backward pass of the trunk a task. Counted in multiplications of the trunk alone, that is 3.0 times "
    "equal weights with 5 tasks and 6.5 times with 12 for one hidden layer, 3.4 and 7.7 times for the two of "
    "(128, 64) on 50 features: the aim of 2.5 and 4 can be met only where a step is more than its multiplications. "
    "With gradients of the representation the trunk is differentiated once, and what is left beside equal weights are "
    "the products of the heads and the method's own arithmetic on a matrix of tasks by tasks. That is many small "
    "operations, which count where the program is a graph (fits of few steps: the case of 5,000 rows), hardly where "
    "XLA compiles it (the others)."
)


def measure(size: str, tasks: int, repeats: int, clock: str) -> list[Measurement]:
    """Refits of "equal" and of the methods in turn."""
    n, d, hidden, batch, epochs = SIZES[size]
    X, y = table(n, d, tasks)

    def fit(method: str) -> Any:
        name = method.removesuffix(AT_REPRESENTATION)
        where = {} if name == method else {"balancing__gradients_of": "representation"}
        return lambda: ours(hidden, batch, epochs, balancing=name, **where).fit(X, y)

    methods = EVERY if (size, tasks) == (next(iter(SIZES)), 5) else SOME
    both = [form for name in methods for form in _forms(name)]
    contestants = {method: fit(method) for method in ["equal", *both]}
    notes = dict.fromkeys(contestants, f"{clock} clock")
    targets = {name: _target(name, tasks) for name in contestants}
    case = Case(f"{size}, {tasks} tasks", contestants, repeats=repeats, targets=targets, notes=notes)
    return run(case, CLOCKS[clock])


def _forms(name: str) -> list[str]:
    return [name, f"{name}{AT_REPRESENTATION}"] if name in ON_GRADIENTS else [name]


def _target(method: str, tasks: int) -> str:
    most = MOST["gradients" if method.removesuffix(AT_REPRESENTATION) in ON_GRADIENTS else "losses"].get(tasks)
    return "" if method == "equal" or most is None else f"<= {most:g}"


def ratios(ours_: Measurement, other: Measurement) -> list[float]:
    """Turn by turn."""
    return [a / b for a, b in zip(other.values, ours_.values, strict=True)]


def report() -> None:
    """Write results/balancing_cost.md from the csv file."""
    about = json.loads((RESULTS / "balancing_cost_machine.json").read_text())
    lines = [
        "# What a balancing method costs",
        "",
        f"{about['date']}, {about['processor']}; tensorflow {about['tensorflow']}, keras {about['keras']}. Time of a "
        'refit divided by that of "equal" in the same turn: median, least and most of the turns.',
        "",
        READING,
        "",
        "| case | method | ratio | aim |",
        "|---|---|---:|---|",
    ]
    for case, group in groupby(load("balancing_cost"), key=lambda m: m.case):
        equal, *methods = list(group)
        lines.append(f"| {case} | equal | {1e3 * equal.median:.0f} ms, {equal.note} | |")
        for m in methods:
            found = ratios(equal, m)
            shown = f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
            lines.append(f"| | {m.contestant} | {shown} | {m.target} |")
    (RESULTS / "balancing_cost.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Measure the cases asked for and write the report."""
    cases = {
        f"{place}-{tasks}": (size, tasks)
        for place, size in zip(("small", "middle", "large"), SIZES, strict=True)
        for tasks in TASKS
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", default=list(cases), choices=list(cases))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.cases:
        print(name, flush=True)
        save(measure(*cases[name], arguments.repeats, arguments.clock), "balancing_cost")
    report()


if __name__ == "__main__":
    main()
