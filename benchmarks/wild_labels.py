"""What a few wild labels cost: one in a thousand training labels times thirty, judged on rows that have none.

    python benchmarks/wild_labels.py               # all regressions, then the report
    python benchmarks/wild_labels.py --data enb jura

The data sets lie in the folder that SKMTL_DATA names, or in ../shared/data. Writes results/wild_labels.md and .csv.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
from _accuracy_scores import score_fold
from _datasets import REGRESSION, Record, folds, load, names
from _harness import RESULTS, machine
from _networks import fit_skmtl
from _peers import PEERS

from skmtl import MultiTaskKerasRegressor
from skmtl.estimators._wild_labels import with_believable_labels

FACTOR, SHARE = 30.0, 1000
CONTESTANTS = {"ours": fit_skmtl, "ridge": PEERS["ridge"].fit, "hgb": PEERS["hgb"].fit}
WHERE = ("none", "random", "extreme")
CLEAN_ROWS = 4000
TITLES = {"random": "at random", "extreme": "at rows with extreme columns"}


def spoilt(record: Record, where: str, seed: int = 0) -> Record:
    """The record with one label in a thousand of every task, but at least one, times thirty."""
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
    """How many labels of a record as it is a default fit replaces."""
    data = MultiTaskKerasRegressor()._read_all(record.X, record.Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        believed = with_believable_labels(data, seed=0)
    return int(((believed.targets.values != data.targets.values) & data.targets.observed).sum())


def measure(name: str, rows: int, n_folds: int) -> list[dict[str, object]]:
    """Relative error of every contestant on clean test rows, mean over tasks and folds."""
    record, found = load(name, rows), []
    for number, (train, test) in enumerate(folds(record)[:n_folds]):
        learn, judge = record.take(train), record.take(test)
        for contestant, fit in CONTESTANTS.items():
            errors = {"data": name, "fold": number, "contestant": contestant}
            for where in WHERE:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    predicted = fit(spoilt(learn, where, number))(judge)
                scores = score_fold(learn, judge, predicted).values()
                errors[where] = float(np.mean([one["rrmse"] for one in scores if one["rrmse"] is not None]))
            found.append(errors)
    return found


def report(table: pd.DataFrame, clean: dict[str, int], rows: int, n_folds: int) -> str:
    """A page: what each loses by wild labels, and how large its error is then."""
    means = table.groupby(["data", "contestant"])[list(WHERE)].mean()
    lines = []
    for where in WHERE[1:]:
        lost = (means[where] / means["none"]).unstack()[list(CONTESTANTS)]
        lost.loc["mean"], lost.loc["worst"] = lost.mean(), lost.max()
        error = means[where].unstack()[list(CONTESTANTS)]
        lines += [f"## {TITLES[where].capitalize()}", "", "Error with wild labels over that without, and error:", ""]
        lines += ["| data set | " + " | ".join(CONTESTANTS) + " |", "|---|" + "---|" * len(CONTESTANTS)]
        for name, row in lost.iterrows():
            cells = [
                f"{row[c]:.2f}" + (f" ({error.loc[name, c]:.3f})" if name in error.index else "") for c in row.index
            ]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return (
        "# Wild labels\n\n"
        f"`python benchmarks/wild_labels.py --rows {rows} --folds {n_folds}`, {machine()['date']}: of every task one "
        f"training label in {SHARE:,}, at least one, times {FACTOR:.0f}; aRRMSE on test rows as they are, mean of "
        f"{n_folds} fold{'s' * (n_folds > 1)}, at most {rows:,} rows. All at their defaults, no contestant told.\n\n"
        + "\n".join(lines)
        + f"\n## As they are\n\nLabels of whole tables, at most {CLEAN_ROWS:,} rows, that a default fit replaces: "
        + ", ".join(f"{name} {count}" for name, count in clean.items() if count)
        + f"; none of the other {sum(not count for count in clean.values())} tables.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=None, choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=2000, help="cap of the rows of large sets")
    parser.add_argument("--folds", type=int, default=2)
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in arguments.data or names(REGRESSION):
        if load(name, 10).row_task is not None:
            continue
        rows += measure(name, arguments.rows, arguments.folds)
        print(
            name,
            {c["contestant"]: [round(float(c[w]), 4) for w in WHERE] for c in rows[-len(CONTESTANTS) :]},
            flush=True,
        )
    table = pd.DataFrame(rows)
    clean = {name: replaced(load(name, CLEAN_ROWS)) for name in arguments.data or names(REGRESSION)}
    text = report(table, clean, arguments.rows, arguments.folds)
    if not arguments.data:
        table.round(4).to_csv(RESULTS / "wild_labels.csv", index=False)
        (RESULTS / "wild_labels.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
