"""What the blend for rows far from the training rows changes, on later times and new groups and on rows in between.

    python benchmarks/covariate_shift.py               # all regressions with groups or time order, then the report
    python benchmarks/covariate_shift.py --data atp1d

The data sets lie in the folder that SKMTL_DATA names, or in ../shared/data. Writes results/covariate_shift.md and .csv.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _datasets import REGRESSION, Record, apart, load, names, regression_folds
from _harness import RESULTS, machine

SPLITS, SCHEMES = 5, ("default", "random")
TITLES = {"default": "later times, new groups", "random": "random folds"}


def measure(scheme: str, number: int, learn: Record, judge: Record) -> list[dict[str, object]]:
    """Squared errors of every task on one fold, with both blends and with the first alone."""
    from skmtl import MultiTaskKerasRegressor

    model = MultiTaskKerasRegressor(random_state=0).fit(learn.X, learn.Y)
    probability = float(model.shift_probability(judge.X).mean())
    both = np.reshape(model.predict(judge.X), (len(judge.X), -1))
    # What covariate_shift="ignore" would have fitted: nothing of the second blend enters the first.
    model.blend_ = replace(model.blend_, shifted=None)
    first = np.reshape(model.predict(judge.X), (len(judge.X), -1))
    rows: list[dict[str, object]] = []
    for i, task in enumerate(learn.kinds):
        y, mean = judge.Y[task].to_numpy(float), np.nanmean(learn.Y[task].to_numpy(float))
        errors = {"auto": both[:, i], "ignore": first[:, i], "mean": np.full(len(y), mean)}
        squares = {name: float(np.nansum((y - predicted) ** 2)) for name, predicted in errors.items()}
        rows.append(
            {"data": learn.name, "folds": scheme, "fold": number, "task": task, **squares, "probability": probability}
        )
    return rows


def report(table: pd.DataFrame, cap: int) -> str:
    """aRRMSE as in accuracy.md, as a page."""
    sums = table.groupby(["data", "folds", "task"])[["auto", "ignore", "mean"]].sum()
    relative = pd.DataFrame({name: np.sqrt(sums[name] / sums["mean"]) for name in ("ignore", "auto")})
    per_set = relative.groupby(["data", "folds"]).mean()
    per_set["probability"] = table.groupby(["data", "folds"])["probability"].mean()
    lines = [
        '| data set | folds | aRRMSE, "ignore" | "auto" | change | mean probability of a test row to be far |',
        "|---|---|---|---|---|---|",
    ]
    for (data, scheme), row in per_set.iterrows():
        change = row["auto"] / row["ignore"] - 1
        cells = (
            TITLES[scheme],
            f"{row['ignore']:.4f}",
            f"{row['auto']:.4f}",
            f"{change:+.1%}",
            f"{row['probability']:.2f}",
        )
        lines.append(f"| {data} | " + " | ".join(cells) + " |")
    return (
        "# Rows far from the training rows\n\n"
        f"`python benchmarks/covariate_shift.py`, {machine()['date']}: `MultiTaskKerasRegressor(random_state=0)` with "
        '`covariate_shift="auto"` and "ignore" on five folds (at most '
        f"{cap:,} rows) of the regressions whose rows come in time or in groups, split by these and at random.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=2000, help="cap of the rows of large sets")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    # Where rows come neither in groups nor in time there is nothing to compare.
    data = [name for name in arguments.data or names(REGRESSION) if apart(load(name, arguments.rows))]
    if not data:
        parser.error("none of these sets has groups or an order in time.")
    for scheme, number, learn, judge in regression_folds(data, arguments.rows, SPLITS, SCHEMES):
        rows += measure(scheme, number, learn, judge)
        if number == SPLITS - 1:
            print(report(pd.DataFrame(rows), arguments.rows).splitlines()[-1], flush=True)
    table = pd.DataFrame(rows)
    text = report(table, arguments.rows)
    if not arguments.data:
        table.round(4).to_csv(RESULTS / "covariate_shift.csv", index=False)
        (RESULTS / "covariate_shift.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
