"""How often labels lie within the default estimator's 90 % intervals, on real data sets.

    python benchmarks/intervals.py               # all regression sets, rows capped, then the report
    python benchmarks/intervals.py --data slump enb

The data sets lie in the folder that SKMTL_DATA names, or in ../shared/data. Writes results/intervals.md and .csv.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _datasets import REGRESSION, Record, names, regression_folds
from _harness import RESULTS, machine

COVERAGE, SPLITS, SCHEMES = 0.9, 5, ("random", "default")


def measure(scheme: str, number: int, learn: Record, judge: Record) -> list[dict[str, object]]:
    """Covered share and mean width, in the label's standard deviations, of every task on one fold."""
    from skmtl import MultiTaskKerasRegressor

    start = time.perf_counter()
    model = MultiTaskKerasRegressor(random_state=0).fit(learn.X, learn.Y)
    seconds = time.perf_counter() - start
    ends = np.reshape(model.predict_interval(judge.X, COVERAGE), (len(judge.X), -1, 2))
    rows: list[dict[str, object]] = []
    for i, task in enumerate(learn.kinds):
        y = judge.Y[task].to_numpy(float)
        known = ~np.isnan(y)
        inside = (ends[known, i, 0] <= y[known]) & (y[known] <= ends[known, i, 1])
        width = np.mean(ends[known, i, 1] - ends[known, i, 0]) / np.nanstd(learn.Y[task].to_numpy(float))
        rows.append(
            {"data": learn.name, "folds": scheme, "fold": number, "task": task, "n": int(known.sum()),
             "covered": inside.mean(), "width": width, "seconds": seconds}
        )  # fmt: skip
    return rows


def report(table: pd.DataFrame, cap: int) -> str:
    """Means over folds and tasks, as a page."""
    per_set = table.groupby(["data", "folds"])[["covered", "width"]].mean().unstack("folds")
    lines = [
        "| data set | covered, random folds | width | covered, leaking rows kept together | width |",
        "|---|---|---|---|---|",
    ]
    for data, row in per_set.iterrows():
        cells = [row.get((what, scheme), np.nan) for scheme in SCHEMES for what in ("covered", "width")]
        lines.append(f"| {data} | " + " | ".join("" if np.isnan(cell) else f"{cell:.3f}" for cell in cells) + " |")
    means = {scheme: per_set[("covered", scheme)].mean() for scheme in SCHEMES}
    facts = machine()
    return (
        "# How often labels lie within 90 % intervals\n\n"
        f"`python benchmarks/intervals.py`, {facts['date']}: `MultiTaskKerasRegressor(random_state=0)` on 5 folds of "
        f"the regression sets (at most {cap:,} rows), `predict_interval(X, coverage=0.9)`; the width is in standard "
        "deviations of the label. On random folds rows are exchangeable, which is what conformal intervals promise "
        f"for: **{means['random']:.1%}** on average over the sets. On folds that keep the rows of a group together, or "
        f"later times apart, they do not promise it: {means['default']:.1%} (an empty cell: the set has neither).\n\n"
        + "\n".join(lines)
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=1500, help="cap of the rows of large sets")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for scheme, number, learn, judge in regression_folds(arguments.data, arguments.rows, SPLITS, SCHEMES):
        rows += measure(scheme, number, learn, judge)
        found = pd.DataFrame(rows).query("data == @learn.name and folds == @scheme")
        print(f"{learn.name}, {number + 1} {scheme} folds: {found['covered'].mean():.3f} covered", flush=True)
    table = pd.DataFrame(rows)
    text = report(table, arguments.rows)
    if not arguments.data:
        table.round(4).to_csv(RESULTS / "intervals.csv", index=False)
        (RESULTS / "intervals.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
