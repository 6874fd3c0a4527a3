"""Coverage of the default estimator's 90 % prediction intervals on real data sets.

    python benchmarks/intervals.py                    # all regression sets, large ones capped, then the report
    python benchmarks/intervals.py --data slump enb   # these sets, printed only
    python benchmarks/intervals.py --report           # only the report, from results/intervals.csv

Reads the data sets from the folder in SKMTL_DATA. Writes results/intervals.md and .csv.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _datasets import REGRESSION, Record, names, regression_folds
from _harness import RESULTS, record_run, recorded_run, report_parser
from _report import markdown, write_page

COVERAGE, SPLITS, SCHEMES = 0.9, 5, ("random", "default")


def measure(scheme: str, number: int, train_set: Record, test_set: Record) -> list[dict[str, object]]:
    """Return coverage and mean width, in standard deviations of the label, of every task on one fold."""
    from skmtl import MultiTaskKerasRegressor

    start = time.perf_counter()
    model = MultiTaskKerasRegressor(random_state=0).fit(train_set.X, train_set.Y)
    seconds = time.perf_counter() - start
    ends = np.reshape(model.predict_interval(test_set.X, COVERAGE), (len(test_set.X), -1, 2))
    rows: list[dict[str, object]] = []
    for i, task in enumerate(train_set.kinds):
        y = test_set.Y[task].to_numpy(float)
        known = ~np.isnan(y)
        inside = (ends[known, i, 0] <= y[known]) & (y[known] <= ends[known, i, 1])
        width = np.mean(ends[known, i, 1] - ends[known, i, 0]) / np.nanstd(train_set.Y[task].to_numpy(float))
        rows.append(
            {"data": train_set.name, "folds": scheme, "fold": number, "task": task, "n": int(known.sum()),
             "covered": inside.mean(), "width": width, "seconds": seconds}
        )  # fmt: skip
    return rows


def report(table: pd.DataFrame, date: str, cap: int) -> tuple[str, str, str]:
    """Return title, introduction and table of the page: means over folds and tasks."""
    per_set = table.groupby(["data", "folds"])[["covered", "width"]].mean().unstack("folds")
    keys = [(what, scheme) for scheme in SCHEMES for what in ("covered", "width")]
    cells = per_set.reindex(columns=keys).map(lambda cell: "" if np.isnan(cell) else f"{cell:.3f}")
    columns = ["data set", "coverage, random folds", "width", "coverage, groups or times kept apart", "width"]
    means = {scheme: per_set[("covered", scheme)].mean() for scheme in SCHEMES}
    intro = (
        f"`python benchmarks/intervals.py`, {date}: `predict_interval(X, coverage=0.9)` of "
        f"`MultiTaskKerasRegressor(random_state=0)` on five folds of the regression sets (at most {cap:,} rows). "
        "Widths are in standard deviations of the label. On random folds rows are exchangeable, as conformal intervals "
        f"assume: **{means['random']:.1%}** of the labels are covered on average over the sets. Folds that keep groups "
        f"or later times apart break that assumption: **{means['default']:.1%}** are covered. An empty cell: the set "
        "has neither groups nor a time order."
    )
    rows = [[data, *row] for data, row in zip(cells.index, cells.to_numpy(), strict=True)]
    return "# Coverage of 90 % prediction intervals", intro, markdown(columns, rows)


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=1500, help="most rows of a set")
    arguments = parser.parse_args()
    path = RESULTS / "intervals.csv"
    if not arguments.report:
        rows: list[dict[str, object]] = []
        for scheme, number, train_set, test_set in regression_folds(arguments.data, arguments.rows, SPLITS, SCHEMES):
            rows += measure(scheme, number, train_set, test_set)
            found = pd.DataFrame(rows).query("data == @train_set.name and folds == @scheme")
            print(f"{train_set.name}, {number + 1} {scheme} folds: {found['covered'].mean():.3f} covered", flush=True)
        if arguments.data:
            return
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.8g")
        record_run("intervals", rows=arguments.rows)
    run = recorded_run("intervals")
    print(write_page("intervals", *report(pd.read_csv(path), run["date"], run["options"]["rows"])))


if __name__ == "__main__":
    main()
