"""Effect of a few outlying training labels (one in a thousand, times thirty) on the error on clean test rows.

    python benchmarks/outlying_labels.py --rows 1000 --folds 1   # all regression sets, then the report
    python benchmarks/outlying_labels.py --data enb jura         # these sets, printed only
    python benchmarks/outlying_labels.py --report                # only the report, from results/outlying_labels.csv

Reads the data sets from the folder in SKMTL_DATA. Writes results/outlying_labels.md and .csv.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import replace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _accuracy_scores import score_fold
from _datasets import REGRESSION, Record, folds, load, names
from _harness import RESULTS, record_run, recorded_run, report_parser
from _networks import fit_skmtl
from _peers import PEERS
from _report import markdown, write_page

FACTOR, SHARE = 30.0, 1000
CONTESTANTS = {"skmtl": fit_skmtl, "ridge": PEERS["ridge"].fit, "hgb": PEERS["hgb"].fit}
WHERE = ("none", "random", "extreme")
CLEAN_ROWS = 4000
LABELS = {"hgb": "hist. gradient boosting"}
TITLES = {"random": "Outlying labels at random rows", "extreme": "Outlying labels at rows with extreme features"}


def with_outliers(record: Record, where: str, seed: int = 0) -> Record:
    """Return the record with one label in a thousand of every task, at least one, multiplied by thirty."""
    if where == "none":
        return record
    rng = np.random.default_rng(seed)
    numbers = record.X.select_dtypes("number")
    spread = (numbers.quantile(0.75) - numbers.quantile(0.25)).replace(0.0, np.nan)
    reach = ((numbers - numbers.median()).abs() / spread).max(axis=1).fillna(0.0).to_numpy()
    labels = record.Y.copy()
    for task in labels:
        rows = np.flatnonzero(labels[task].notna())
        count = max(1, len(rows) // SHARE)
        chosen = rng.choice(rows, count, replace=False) if where == "random" else rows[np.argsort(-reach[rows])[:count]]
        labels.iloc[chosen, labels.columns.get_loc(task)] *= FACTOR
    return replace(record, Y=labels)


def replaced(record: Record) -> int:
    """Count the labels that a default fit replaces in an unchanged record."""
    from skmtl import MultiTaskKerasRegressor
    from skmtl.fitting._outlying_labels import replace_outlying_labels

    data = MultiTaskKerasRegressor()._read_all(record.X, record.Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = replace_outlying_labels(data, seed=0)
    return int(((cleaned.targets.values != data.targets.values) & data.targets.observed).sum())


def measure(name: str, rows: int, n_folds: int) -> list[dict[str, object]]:
    """Return the relative error of every contestant on clean test rows, averaged over tasks, for each fold."""
    record, found = load(name, rows), []
    for number, (train, test) in enumerate(folds(record)[:n_folds]):
        train_set, test_set = record.take(train), record.take(test)
        for contestant, fit in CONTESTANTS.items():
            errors = {"data": name, "fold": number, "contestant": contestant}
            for where in WHERE:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    predicted = fit(with_outliers(train_set, where, number))(test_set)
                scores = score_fold(train_set, test_set, predicted).values()
                errors[where] = float(np.mean([one["rrmse"] for one in scores if one["rrmse"] is not None]))
            found.append(errors)
    return found


def report(table: pd.DataFrame, date: str, options: dict[str, Any]) -> list[str]:
    """Return the parts of the page: how much outlying labels raise each contestant's error."""
    rows, n_folds = options["rows"], options["folds"]
    parts = [
        "# Robustness to outlying labels",
        f"`python benchmarks/outlying_labels.py --rows {rows} --folds {n_folds}`, {date}: in every task, one training "
        f"label in {SHARE:,} (at least one) is multiplied by {FACTOR:.0f}. aRRMSE on clean test rows, averaged over "
        f"{n_folds} fold{'s' * (n_folds > 1)}, on at most {rows:,} rows. All contestants run at their defaults. Each "
        "cell is the error with outlying labels divided by the error without, and in parentheses the error itself.",
    ]
    means = table.groupby(["data", "contestant"])[list(WHERE)].mean()
    for where in WHERE[1:]:
        ratio = (means[where] / means["none"]).unstack()[list(CONTESTANTS)]
        ratio.loc["mean"], ratio.loc["worst"] = ratio.mean(), ratio.max()
        error = means[where].unstack()[list(CONTESTANTS)]
        cells = [
            [
                name,
                *(f"{row[c]:.2f}" + (f" ({error.loc[name, c]:.3f})" if name in error.index else "") for c in row.index),
            ]
            for name, row in ratio.iterrows()
        ]
        parts += [f"## {TITLES[where]}", markdown(["data set", *(LABELS.get(c, c) for c in CONTESTANTS)], cells)]
    replaced = ", ".join(f"{count} labels of {name}" for name, count in options["replaced"].items())
    return [
        *parts,
        "## Labels replaced in unchanged tables",
        f"On whole tables of at most {CLEAN_ROWS:,} rows, a default fit replaces {replaced or 'no labels'} and none of "
        f"the other {options['tables'] - len(options['replaced'])} tables.",
    ]


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=2000, help="most rows of a set")
    parser.add_argument("--folds", type=int, default=2, help="number of the five folds to run")
    arguments = parser.parse_args()
    path = RESULTS / "outlying_labels.csv"
    if not arguments.report:
        table = _measured(arguments)
        if arguments.data:
            return
        table.to_csv(path, index=False, float_format="%.8g")
        counts = {name: replaced(load(name, CLEAN_ROWS)) for name in names(REGRESSION)}
        record_run(
            "outlying_labels",
            rows=arguments.rows,
            folds=arguments.folds,
            replaced={name: count for name, count in counts.items() if count},
            tables=len(counts),
        )
    run = recorded_run("outlying_labels")
    print(write_page("outlying_labels", *report(pd.read_csv(path), run["date"], run["options"])))


def _measured(arguments: argparse.Namespace) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for name in arguments.data or names(REGRESSION):
        if load(name, 10).row_task is not None:
            continue
        rows += measure(name, arguments.rows, arguments.folds)
        last = rows[-len(CONTESTANTS) :]
        print(name, {c["contestant"]: [round(float(c[w]), 4) for w in WHERE] for c in last}, flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
