"""Default fit time of skmtl and of CatBoost on the regression sets, in turns on the same rows.

    python benchmarks/fit_times.py                    # all sets, large ones capped, then the report
    python benchmarks/fit_times.py --data slump enb   # these sets; the others keep their last figures
    python benchmarks/fit_times.py --report           # only the report, from results/fit_times.csv

Reads the data sets from the folder in SKMTL_DATA. Needs a machine that runs nothing else. Writes
results/fit_times.csv, .md and .png.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _datasets import REGRESSION, Record, folds, load, names
from _harness import Case, Measurement, report_parser, run, save
from _harness import load as load_measurements
from _networks import fit_skmtl
from _peers import PEERS
from _report import bars, write_report

REPEATS, SLOW_SECONDS = 3, 60
TITLE = "Default fit time compared with CatBoost"
INTRO = """\
`python benchmarks/fit_times.py` times the default fit of `MultiTaskKerasRegressor` (eight networks blended with \
kernel models) and CatBoost with the loss MultiRMSE (one model for all targets), both at their defaults, on the \
training rows of one fold of each regression set, at most 4,000 rows before the split. The two take turns; a first fit \
of each, which compiles, is not counted unless it takes more than a minute.

`ratio` is CatBoost's median divided by skmtl's; above 1, skmtl is faster. The target, a ratio above 1 on two thirds \
of the sets, was {verdict}: skmtl is faster on {faster} of {sets}."""


def measure(train: Record, repeats: int) -> list[Measurement]:
    """Time the fits in turns, after a first one of each, which compiles; a slow first fit is kept as the only one."""
    title = f"{train.name}, {len(train.X):,} x {train.X.shape[1]}, {len(train.kinds)} tasks"
    peer = "CatBoost, MultiRMSE"
    contestants = {"skmtl": partial(fit_skmtl, train), peer: partial(PEERS["catboost"].fit, train)}
    return run(Case(title, contestants, repeats, slow_seconds=SLOW_SECONDS))


def ratios(measurements: list[Measurement]) -> dict[str, float]:
    """CatBoost's time relative to skmtl's on each set, the largest ratio first."""
    pairs = zip(measurements[::2], measurements[1::2], strict=True)
    found = {own.case: other.median / own.median for own, other in pairs}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def draw(measurements: list[Measurement], path: Path) -> None:
    """Draw the ratios of all sets as bars."""
    shown = {case: {"": ratio} for case, ratio in ratios(measurements).items()}
    xlabel = "CatBoost's time divided by skmtl's, log scale (right of 1: skmtl is faster)"
    bars(shown, path, "CatBoost's fit time relative to skmtl's", xlabel, left=0.08)


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=names(REGRESSION), choices=names(REGRESSION), metavar="NAME")
    parser.add_argument("--rows", type=int, default=4000, help="most rows of a set")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    for name in () if arguments.report else arguments.data:
        record = load(name, arguments.rows)
        if record.row_task is not None:
            continue
        train, _ = folds(record, 5)[0]
        print(name, flush=True)
        save(measure(record.take(train), arguments.repeats), "fit_times")
    found = ratios(load_measurements("fit_times"))
    faster, sets = sum(ratio > 1 for ratio in found.values()), len(found)
    intro = INTRO.format(verdict="met" if faster >= 2 / 3 * sets else "missed", faster=faster, sets=sets)
    write_report("fit_times", TITLE, intro, alt="Ratios of the table below as bars, sorted", figure=draw)


if __name__ == "__main__":
    main()
