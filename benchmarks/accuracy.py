"""Accuracy of skmtl's defaults and of its peers' defaults on real data sets, all on the same folds.

    python benchmarks/accuracy.py                        # everything that is not cached yet, then the report
    python benchmarks/accuracy.py --quick                # small sets, two folds, a few minutes
    python benchmarks/accuracy.py --contestants skmtl skmtl_single_task --rerun skmtl --data slump enb --rows 4000
    python benchmarks/accuracy.py --report               # only the report, from results/accuracy.csv

Reads the data sets from the folder in SKMTL_DATA. The scores of each (data set, contestant, fold) are cached in
results/cache/accuracy. Writes results/accuracy.md, .csv (one row per fold), accuracy_tasks.csv (one row per task),
accuracy.png (ranks) and error_and_time.png.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _accuracy_report import write_report
from _accuracy_runs import CONTESTANTS, Run, execute, is_kept, takes
from _accuracy_tables import store
from _datasets import facts_of_all, folds, load, names

QUICK = ("slump", "edm", "jura", "enb", "sf1", "flags", "edm_class", "bridges", "student")
QUICK_FOLDS, QUICK_WITHOUT = (0, 1), ("realmlp", "seed", "stack", "tabm", "xrfm")


def main() -> None:
    arguments = _arguments()
    cases = [(data, _key(data, arguments)) for data in arguments.data]
    for data, key in cases if not arguments.report else ():
        _run_data_set(data, key, arguments)
    if arguments.no_report:
        return
    name, keys = _report_name(arguments), [key for _, key in cases]
    if arguments.report or store(name, keys, arguments.contestants, arguments.folds):
        write_report(name)
    else:
        print("nothing is cached yet: no report")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=None, choices=names(), metavar="NAME", help="data sets; all")
    parser.add_argument("--contestants", nargs="+", default=None, choices=list(CONTESTANTS), metavar="NAME",
                        help=f"of {', '.join(CONTESTANTS)}; all")  # fmt: skip
    parser.add_argument("--splits", type=int, default=5, help="number of folds")
    parser.add_argument("--folds", nargs="+", type=int, default=None, help="folds to run; all")
    parser.add_argument(
        "--scheme", default="default", choices=("default", "random", "scaffold"), help="how folds are made"
    )
    parser.add_argument("--rows", type=int, default=None, help="most rows of a set")
    parser.add_argument("--rerun", nargs="+", default=(), choices=list(CONTESTANTS), metavar="NAME",
                        help="contestants to run again although cached")  # fmt: skip
    parser.add_argument("--retry", action="store_true", help="run failed fits again")
    parser.add_argument("--quick", action="store_true", help="a few small sets, two folds, no RealMLP")
    report = parser.add_mutually_exclusive_group()
    report.add_argument("--report", action="store_true", help="only write the report, from results/accuracy*.csv")
    report.add_argument("--no-report", action="store_true", help="only run")
    arguments = parser.parse_args()
    quick = arguments.quick
    arguments.data = arguments.data or list(QUICK if quick else names())
    known = [name for name in CONTESTANTS if not (quick and name in QUICK_WITHOUT)]
    arguments.contestants = arguments.contestants or known
    arguments.folds = arguments.folds or list(QUICK_FOLDS if quick else range(arguments.splits))
    return arguments


def _key(data: str, arguments: argparse.Namespace) -> str:
    """Return the name under which results are cached, which includes all settings that change the folds."""
    facts = facts_of_all()[data]
    capped = arguments.rows is not None and arguments.rows < facts["n_rows"]
    parts = [
        data,
        f"{arguments.rows}rows" if capped else "",
        f"{arguments.splits}fold" if arguments.splits != 5 else "",
    ]
    if arguments.scheme == "random" or (arguments.scheme == "scaffold" and facts["format"] == "npz"):
        parts.append(arguments.scheme)
    return "-".join(part for part in parts if part)


def _report_name(arguments: argparse.Namespace) -> str:
    parts = ["accuracy", "" if arguments.scheme == "default" else arguments.scheme, "quick" if arguments.quick else ""]
    return "_".join(part for part in parts if part)


def _run_data_set(data: str, key: str, arguments: argparse.Namespace) -> None:
    record = load(data, arguments.rows)
    pairs = folds(record, arguments.splits, arguments.scheme)
    for contestant in arguments.contestants:
        if not takes(contestant, record):
            continue
        for fold in arguments.folds:
            train, test = pairs[fold]
            run = Run(key, contestant, fold)
            if is_kept(run, test, arguments.retry) and contestant not in arguments.rerun:
                continue
            kept = execute(run, record, train, test)
            print(f"{time.strftime('%H:%M:%S')} {key} {contestant} fold {fold}: {_line(kept)}", flush=True)


def _line(kept: dict) -> str:
    if "error" in kept:
        return f"FAILED {kept['error']}"
    tasks = kept["tasks"].values()
    errors = [t["rrmse"] for t in tasks if t.get("rrmse") is not None]
    losses = [t["nll"] / t["n"] for t in tasks if "nll" in t]
    means = [
        f"{name} {sum(found) / len(found):.4f}" for name, found in (("aRRMSE", errors), ("log loss", losses)) if found
    ]
    return f"{', '.join(means)}; fit {kept['fit_time']:.2f} s, predict {kept['predict_time']:.2f} s"


if __name__ == "__main__":
    main()
