"""Effect of the blend for shifted rows, on later times and new groups and on random folds.

    python benchmarks/covariate_shift.py                # all regression sets with groups or time order, then the report
    python benchmarks/covariate_shift.py --data atp1d   # these sets, printed only
    python benchmarks/covariate_shift.py --report       # only the report, from results/covariate_shift.csv

Reads the data sets from the folder in SKMTL_DATA. Writes results/covariate_shift.md and .csv.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _datasets import REGRESSION, Record, apart, load, names, regression_folds
from _harness import RESULTS, record_run, recorded_run, report_parser
from _report import markdown, write_page

SPLITS, SCHEMES = 5, ("default", "random")
TITLES = {"default": "later times, new groups", "random": "random folds"}


def measure(scheme: str, number: int, train_set: Record, test_set: Record) -> list[dict[str, object]]:
    """Return the squared errors of every task on one fold, with both blends and with the first alone."""
    from skmtl import MultiTaskKerasRegressor

    model = MultiTaskKerasRegressor(random_state=0).fit(train_set.X, train_set.Y)
    probability = float(model.shift_probability(test_set.X).mean())
    both = np.reshape(model.predict(test_set.X), (len(test_set.X), -1))
    # The same as fitting with covariate_shift="ignore": the first blend does not depend on the second.
    model.blend_ = replace(model.blend_, shifted=None)
    first = np.reshape(model.predict(test_set.X), (len(test_set.X), -1))
    rows: list[dict[str, object]] = []
    for i, task in enumerate(train_set.kinds):
        y, mean = test_set.Y[task].to_numpy(float), np.nanmean(train_set.Y[task].to_numpy(float))
        errors = {"auto": both[:, i], "ignore": first[:, i], "mean": np.full(len(y), mean)}
        squares = {name: float(np.nansum((y - predicted) ** 2)) for name, predicted in errors.items()}
        rows.append(
            {
                "data": train_set.name,
                "folds": scheme,
                "fold": number,
                "task": task,
                **squares,
                "probability": probability,
            }
        )
    return rows


def report(table: pd.DataFrame, date: str, cap: int) -> tuple[str, str, str]:
    """Return title, introduction and table of the page; aRRMSE is defined as in accuracy.md."""
    sums = table.groupby(["data", "folds", "task"])[["auto", "ignore", "mean"]].sum()
    relative = pd.DataFrame({name: np.sqrt(sums[name] / sums["mean"]) for name in ("ignore", "auto")})
    per_set = relative.groupby(["data", "folds"]).mean()
    per_set["probability"] = table.groupby(["data", "folds"])["probability"].mean()
    rows = [
        [data, TITLES[scheme], f"{row['ignore']:.4f}", f"{row['auto']:.4f}", f"{row['auto'] / row['ignore'] - 1:+.1%}",
         f"{row['probability']:.2f}"]
        for (data, scheme), row in per_set.iterrows()
    ]  # fmt: skip
    intro = (
        f"`python benchmarks/covariate_shift.py`, {date}: `MultiTaskKerasRegressor(random_state=0)` with "
        '`covariate_shift="auto"` and `"ignore"`, on five folds of the regression sets whose rows come in groups or in '
        f"time order (at most {cap:,} rows). The folds either keep groups and blocks of time apart or are random. "
        "`shift probability` is the mean over the test rows."
    )
    columns = ["data set", "folds", 'aRRMSE, "ignore"', 'aRRMSE, "auto"', "change", "shift probability"]
    return "# Prediction under covariate shift", intro, markdown(columns, rows)


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=2000, help="most rows of a set")
    arguments = parser.parse_args()
    path = RESULTS / "covariate_shift.csv"
    if not arguments.report:
        table = _measured(parser, arguments)
        if arguments.data:
            return
        table.to_csv(path, index=False, float_format="%.8g")
        record_run("covariate_shift", rows=arguments.rows)
    run = recorded_run("covariate_shift")
    print(write_page("covariate_shift", *report(pd.read_csv(path), run["date"], run["options"]["rows"])))


def _measured(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> pd.DataFrame:
    # Sets without groups or time order have nothing to compare.
    data = [name for name in arguments.data or names(REGRESSION) if apart(load(name, arguments.rows))]
    if not data:
        parser.error("none of these sets has groups or a time order.")
    rows: list[dict[str, object]] = []
    for scheme, number, train_set, test_set in regression_folds(data, arguments.rows, SPLITS, SCHEMES):
        rows += measure(scheme, number, train_set, test_set)
        if number == SPLITS - 1:
            print(report(pd.DataFrame(rows), "", arguments.rows)[-1].splitlines()[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
