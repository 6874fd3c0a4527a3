"""Cost of each balancing method relative to equal weights.

    python benchmarks/balancing_cost.py                     # all cases, then the report
    python benchmarks/balancing_cost.py --cases small-5     # these; the others keep their last figures
    python benchmarks/balancing_cost.py --report            # only the report, from results/balancing_cost.csv

Methods take turns with "equal" in one process, on refits whose programs are compiled; the report gives the median of
the ratios turn by turn. Gradient methods are measured with gradients of the shared parameters and of the representation
(``gradients_of``). On a busy machine use ``--clock processor``, which counts this process's processor time. Writes
results/balancing_cost.csv and .md.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings
from itertools import groupby
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _contestants import multi_task, table
from _harness import Case, Measurement, load, recorded_run, report_parser, run, save
from _report import markdown, write_page

from skmtl import balancing

# name: rows, features, hidden layers, batch size, epochs
SIZES: dict[str, tuple[int, int, tuple[int, ...], int, int]] = {
    "500 x 20, (64,), batch 32": (500, 20, (64,), 32, 100),
    "5,000 x 50, (128, 64), batch 128": (5_000, 50, (128, 64), 128, 4),
    # Enough steps for jit_compile="auto" to compile with XLA; the size before runs as a graph.
    "10,000 x 50, (128, 64), batch 128": (10_000, 50, (128, 64), 128, 13),
}
EVERY = [name for name in balancing.names() if name not in ("equal", "static")]
ON_LOSSES = [name for name in EVERY if balancing.get(name).requires == "losses"]
ON_GRADIENTS = [name for name in EVERY if name not in ON_LOSSES]
# Every method is measured on one case; the other sizes and numbers of tasks on these, from cheap to expensive.
SOME = ["uncertainty", "famo", "pcgrad", "mgda", "upgrad"]
AT_REPRESENTATION = ", representation"
TASKS = (2, 5, 12, 40)
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
MOST = {"losses": {2: 1.15, 5: 1.15, 12: 1.15, 40: 1.15}, "gradients": {5: 2.5, 12: 4.0}}


INTRO = """\
Time of a refit divided by that of `equal` in the same turn: median (minimum to maximum) over the turns. \
`representation` marks `gradients_of="representation"`.

**What to expect.** A method on losses adds a few operations to a step; famo also evaluates the batch a second time, \
one more forward pass. A method on gradients needs each task's gradient over the whole trunk, one backward pass of the \
trunk per task. Counting multiplications of the trunk only, that is 3.0 times equal weights with 5 tasks and 6.5 times \
with 12 for one hidden layer, and 3.4 and 7.7 times for the two layers (128, 64) on 50 features. The targets of 2.5 \
and 4 can only be met if a step does more than these multiplications. With gradients of the representation the trunk \
is differentiated once. What remains are the products of the heads and the method's own arithmetic on a matrix of \
tasks by tasks: many small operations, which matter if the program runs as a graph (short fits: the case of 5,000 \
rows) and hardly matter if XLA compiles it (the other cases)."""


def measure(size: str, tasks: int, repeats: int, clock: str) -> list[Measurement]:
    """Time refits with "equal" and with each method in turns."""
    n, d, hidden, batch, epochs = SIZES[size]
    X, y = table(n, d, tasks)

    def fit(method: str) -> Any:
        name = method.removesuffix(AT_REPRESENTATION)
        where = {} if name == method else {"balancing__gradients_of": "representation"}
        return lambda: multi_task(hidden, batch, epochs, balancing=name, **where).fit(X, y)

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


def ratios(equal: Measurement, other: Measurement) -> list[float]:
    """Return the ratio of each turn."""
    return [a / b for a, b in zip(other.values, equal.values, strict=True)]


def report() -> None:
    """Write results/balancing_cost.md from the csv file."""
    run_facts, rows = recorded_run("balancing_cost"), []
    for case, group in groupby(load("balancing_cost"), key=lambda m: m.case):
        equal, *methods = list(group)
        rows.append([case, "equal", f"{1e3 * equal.median:.0f} ms, {equal.note}", ""])
        for m in methods:
            found = ratios(equal, m)
            shown = f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
            rows.append(["", m.contestant, shown, m.target])
    write_page(
        "balancing_cost",
        "# Cost of balancing methods",
        f"`python benchmarks/balancing_cost.py`, {run_facts['date']}, {run_facts['processor']}; tensorflow "
        f"{run_facts['tensorflow']}, keras {run_facts['keras']}.",
        INTRO,
        markdown(["case", "method", "ratio", "target"], rows),
    )


def main() -> None:
    """Measure the cases asked for and write the report."""
    cases = {
        f"{place}-{tasks}": (size, tasks)
        for place, size in zip(("small", "middle", "large"), SIZES, strict=True)
        for tasks in TASKS
    }
    parser = report_parser(__doc__)
    parser.add_argument("--cases", nargs="*", default=list(cases), choices=list(cases), metavar="CASE",
                        help=f"of {', '.join(cases)}; all")  # fmt: skip
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in () if arguments.report else arguments.cases:
        print(name, flush=True)
        save(measure(*cases[name], arguments.repeats, arguments.clock), "balancing_cost")
    report()


if __name__ == "__main__":
    main()
