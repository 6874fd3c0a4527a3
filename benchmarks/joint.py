"""Predictions given known targets, joint regions and joint draws, on real data sets.

    python benchmarks/joint.py                     # all regression and mixed sets, then the report
    python benchmarks/joint.py --data slump enb    # these sets, printed only
    python benchmarks/joint.py --keep-errors       # all but the longest part, which keeps its last figures
    python benchmarks/joint.py --report            # only the report, from results/joint.csv

Reads the data sets from the folder in SKMTL_DATA. Writes results/joint.md and .csv.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from _datasets import REGRESSION, Record, load, names
from _harness import RESULTS, machine, record_run, recorded_run, report_parser
from _joint_measures import conditional_errors, joint_scores
from _joint_report import report
from _report import write_page
from sklearn.model_selection import GroupKFold, KFold

ROWS = 800
# Sets in time order, of which the last third is predicted from the rest, and sets with groups.
LATER, GROUPS = ("rf1", "atp1d", "airquality"), ("parkinsons",)


def splits(record: Record, scheme: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training rows, two thirds, and test rows."""
    n = len(record.X)
    if scheme == "later":
        yield np.arange(n * 2 // 3 - (record.gap or 0)), np.arange(n * 2 // 3, n)
    elif scheme == "groups":
        yield next(GroupKFold(3, shuffle=True, random_state=0).split(record.X, groups=record.groups))
    else:
        # Small sets get all three folds, since their figures vary more.
        yield from list(KFold(3, shuffle=True, random_state=0).split(record.X))[: 3 if n <= 420 else 2]


def measure(scheme: str, fold: int, train_set: Record, test_set: Record, *, errors: bool) -> list[dict[str, object]]:
    """Return all figures of one fold in long form: what, who (contestant or kind of region) and value."""
    from skmtl import MultiTaskKerasEstimator, MultiTaskKerasRegressor
    from skmtl.blending import _fit_outcome

    spent: list[float] = []
    original = _fit_outcome.joint_model_of

    def timed(*arguments: object, **more: object) -> object:
        start = time.perf_counter()
        found = original(*arguments, **more)
        spent.append(time.perf_counter() - start)
        return found

    _fit_outcome.joint_model_of = timed
    kind = MultiTaskKerasRegressor if set(train_set.kinds.values()) == {REGRESSION} else MultiTaskKerasEstimator
    start = time.perf_counter()
    model = kind(random_state=0).fit(train_set.X, train_set.Y)
    seconds = time.perf_counter() - start
    _fit_outcome.joint_model_of = original
    rows: list[dict[str, object]] = [
        {"what": "seconds", "who": "fit", "value": seconds},
        {"what": "seconds", "who": "joint", "value": sum(spent)},
    ]
    rows += joint_scores(model, train_set, test_set)
    rows += conditional_errors(model, train_set, test_set) if errors else []
    same = {
        "data": train_set.name,
        "folds": scheme,
        "fold": fold,
        "n_tasks": len(train_set.kinds),
        "problem": train_set.problem,
    }
    return [{**same, **row} for row in rows]


def cases(data: list[str]) -> Iterator[tuple[str, str]]:
    """Yield data sets and schemes of folds."""
    for name in data:
        yield name, "random"
        if name in LATER:
            yield name, "later"
        if name in GROUPS:
            yield name, "groups"


def call_times() -> dict[str, float]:
    """Time one call on 1,000 rows and 16 tasks, in milliseconds."""
    from skmtl import MultiTaskKerasRegressor
    from skmtl.datasets import make_related_tasks

    X, y = make_related_tasks(1400, 20, 16, random_state=0)
    model = MultiTaskKerasRegressor(random_state=0).fit(X[:400], y[:400])
    X, y = X[400:], y[400:]
    one, any_ = y.copy(), y.copy()
    one[:, 0] = np.nan
    any_[np.random.default_rng(0).random(y.shape) < 0.5] = np.nan
    calls = {
        "predict": lambda: model.predict(X),
        "predict, 15 of 16 known": lambda: model.predict(X, known=one),
        "predict, half known at random": lambda: model.predict(X, known=any_),
        "predict_region, box": lambda: model.predict_region(X),
        "predict_region, ellipsoid": lambda: model.predict_region(X, shape="ellipsoid"),
        "sample_y, 100 draws": lambda: model.sample_y(X, 100, random_state=0),
    }
    found = {}
    for name, call in calls.items():
        call()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        found[name] = 1000 * float(np.median(times))
    return found


def measured(data: list[str], path: Path | None, *, errors: bool) -> pd.DataFrame:
    """Return the figures of these sets, saved after each set; without ``errors`` the stored errors are kept."""
    rows: list[dict[str, object]] = []
    if not errors and path is not None:
        rows = pd.read_csv(path).query("what == 'error'").to_dict("records")
    for name, scheme in cases(data):
        record = load(name)
        if record.row_task is not None:
            continue
        record = capped(record, scheme)
        for fold, (train, test) in enumerate(splits(record, scheme)):
            start = time.perf_counter()
            rows += measure(scheme, fold, record.take(train), record.take(test), errors=errors)
            print(f"{name}, {scheme} {fold}: {time.perf_counter() - start:.0f} s", flush=True)
        if path is not None:
            pd.DataFrame(rows).to_csv(path, index=False, float_format="%.5g")
    if path is not None:
        rows += [{"what": "call", "who": who, "value": value} for who, value in call_times().items()]
        pd.DataFrame(rows).to_csv(path, index=False, float_format="%.5g")
    return pd.DataFrame(rows)


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--data", nargs="+", default=None, choices=names(), metavar="NAME")
    parser.add_argument("--keep-errors", action="store_true", help="keep the errors of results/joint.csv")
    arguments = parser.parse_args()
    path = RESULTS / "joint.csv"
    if not arguments.report:
        data = arguments.data or [*names(REGRESSION), *names("mixed")]
        table = measured(data, None if arguments.data else path, errors=not arguments.keep_errors)
        if arguments.data:
            print(*report(table, machine(), ROWS), sep="\n\n")
            return
        record_run("joint")
    print(write_page("joint", *report(pd.read_csv(path), recorded_run("joint"), ROWS)))


def capped(record: Record, scheme: str) -> Record:
    """Return at most ROWS of the rows with any label, at random or evenly spread in time."""
    kept = np.flatnonzero(record.Y.notna().any(axis=1))
    if len(kept) <= ROWS:
        return record.take(kept)
    if scheme != "later":
        return record.take(np.sort(np.random.default_rng(0).choice(kept, ROWS, replace=False)))
    thinned = record.take(kept[np.linspace(0, len(kept) - 1, ROWS).astype(int)])
    return replace(thinned, gap=int(np.ceil((record.gap or 0) * ROWS / len(kept))))


if __name__ == "__main__":
    main()
