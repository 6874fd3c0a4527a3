"""How long the default fit takes beside CatBoost's on the real regression sets, in turns on the same rows.

    python benchmarks/fit_times.py               # all sets, rows capped, then the report
    python benchmarks/fit_times.py --data slump enb

The data sets lie in the folder that SKMTL_DATA names, or in ../shared/data. Needs a machine that does nothing else.
Writes results/fit_times.csv, .md and .png; sets that are not measured now keep their last figures.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _datasets import REGRESSION, Record, folds, load, names
from _harness import Case, Measurement, run, save
from _networks import fit_ours
from _peers import PEERS
from _report import write_report

REPEATS, SLOW_SECONDS = 3, 60
AIM = "> 1 on two thirds of the sets"


def measure(train: Record, repeats: int) -> list[Measurement]:
    """Seconds of fits in turns, after a first one of each, which compiles; where that is slow, it is the only one."""
    title = f"{train.name}, {len(train.X):,} x {train.X.shape[1]}, {len(train.kinds)} tasks"
    peer = "CatBoost, MultiRMSE"
    contestants = {"skmtl": partial(fit_ours, train), peer: partial(PEERS["catboost"].fit, train)}
    return run(Case(title, contestants, repeats, targets={peer: AIM}, slow_seconds=SLOW_SECONDS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=names(REGRESSION), choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=4000, help="cap of the rows of large sets")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    for name in arguments.data:
        record = load(name, arguments.rows)
        if record.row_task is not None:
            continue
        train, _ = folds(record, 5)[0]
        print(name, flush=True)
        save(measure(record.take(train), arguments.repeats), "fit_times")
        write_report("fit_times", "Seconds of a default fit")


if __name__ == "__main__":
    main()
