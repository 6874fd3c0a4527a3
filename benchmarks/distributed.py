"""Training from files: memory, cost per row, scaling to two workers, and scores.

    python benchmarks/distributed.py                       # all cases at full size: 4 GB in --folder
    python benchmarks/distributed.py --cases scaling cost  # some
    python benchmarks/distributed.py --report              # only the report, from results/distributed_*.json

Cases:

- memory: one epoch on 20 million rows x 50 columns, with one worker and with two workers started by Ray;
- cost: the same rows from memory and from files, in turns;
- scaling: 500,000 rows with one worker and with two, one core each; the all-reduce is also timed alone;
- scores: three real sets (from the folder in SKMTL_DATA) from memory and from files, over several seeds.

Needs a machine that runs nothing else. Writes results/distributed_<case>.json and results/distributed.md.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _distributed_report import write_report
from _distributed_workers import timed_epochs
from _harness import RESULTS, report_parser

COLUMNS, TASKS = 50, ("y0", "y1", "y2")
LAYERS = (256, 128)
SETS = ("kc_house", "bike", "adult")
CASES = ("scaling", "cost", "scores", "memory")


def write_rows(folder: Path, n_rows: int, rows_a_file: int = 500_000) -> Path:
    """Write files of standard normal numbers and three targets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, n_rows, rows_a_file)):
        rng = np.random.default_rng(number)
        rows = min(rows_a_file, n_rows - first)
        X = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
        named = {f"x{i}": X[:, i] for i in range(COLUMNS)}
        noise = rng.standard_normal((rows, 3), dtype=np.float32)
        signal = np.stack([X[:, :5].sum(axis=1), X[:, 3] * X[:, 4], X[:, 5]], axis=1)
        targets = {name: (signal + noise)[:, i] for i, name in enumerate(TASKS)}
        pq.write_table(pa.table({**named, **targets}), folder / f"{number:04d}.parquet", row_group_size=50_000)
    return folder


def estimator(**parameters: object) -> object:
    from skmtl import MultiTaskKerasRegressor

    plain = {"hidden_layer_sizes": LAYERS, "ensemble_size": 1, "batch_size": 256, "epochs": 1, "random_state": 0}
    return MultiTaskKerasRegressor(**{**plain, **parameters})


class Watch:
    """Peak of the anonymous memory of some processes, in MB; mapped files do not count."""

    def __init__(self, pids: object) -> None:
        self.pids = pids
        self.most: dict[int, float] = {}
        self._over = threading.Event()

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.1):
            for pid in self.pids():
                self.most[pid] = max(self.most.get(pid, 0.0), own_memory(pid))


def own_memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Rss")}
    return int(sizes.get("RssAnon", 0)) / 1024


def ray_workers() -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_bytes()
        except OSError:
            continue
        if b"RayTrainWorker" in text or b"ray::_look" in text:
            found.append(int(entry.parent.name))
    return found


def memory(folder: Path, n_rows: int) -> dict[str, object]:
    """Train one epoch with one worker and with two, validation included."""
    from skmtl.distributed import fit

    rows = write_rows(folder / "memory", n_rows)
    size = sum(path.stat().st_size for path in rows.glob("*.parquet")) / 2**30
    found: dict[str, object] = {"rows": n_rows, "gigabytes": size}
    for workers in (1, 2):
        if workers == 2:
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            import ray

            ray.init(num_cpus=3, _node_ip_address="127.0.0.1", include_dashboard=False, log_to_driver=False,
                     object_store_memory=200 * 2**20)  # fmt: skip
        pids = ray_workers if workers == 2 else lambda: [os.getpid()]
        start = time.perf_counter()
        with Watch(pids) as watch:
            fitted = fit(estimator(batch_size=4096), rows, list(TASKS), n_workers=workers)
        seconds = time.perf_counter() - start
        found[f"workers_{workers}"] = {
            "seconds": seconds,
            "microseconds_a_row": seconds / n_rows * 1e6,
            "most_mb": sorted((round(most) for most in watch.most.values()), reverse=True),
            "val_loss": fitted.history_["val_loss"][-1],
        }
        print(workers, found[f"workers_{workers}"], flush=True)
    shutil.rmtree(rows)
    return found


def cost(folder: Path, n_rows: int) -> dict[str, object]:
    """Train one epoch from memory and from files, in turns."""
    import pandas as pd

    from skmtl.distributed import fit

    rows = write_rows(folder / "cost", n_rows)
    table = pd.read_parquet(rows)
    X, y = table.drop(columns=list(TASKS)).to_numpy(), table[list(TASKS)].to_numpy()
    times: dict[str, list[float]] = {"memory": [], "files": []}
    for turn in range(4):
        for name, work in (
            ("memory", lambda: estimator().fit(X, y)),
            ("files", lambda: fit(estimator(), rows, list(TASKS))),
        ):
            start = time.perf_counter()
            work()
            # The first turn compiles.
            times[name] += [time.perf_counter() - start] if turn else []
    shutil.rmtree(rows)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    return {"rows": n_rows, "seconds": times, "medians": medians, "ratio": medians["files"] / medians["memory"]}


def scaling(folder: Path, n_rows: int, batches: list[int]) -> dict[str, object]:
    """Train with one worker and with two, one core each, for several batch sizes."""
    rows = write_rows(folder / "scaling", n_rows)
    found: dict[str, object] = {"rows": n_rows, "layers": LAYERS}
    for batch in batches:
        settings = {"hidden_layer_sizes": LAYERS, "batch_size": batch}
        alone, half = timed_epochs(rows, TASKS, settings, 1), timed_epochs(rows, TASKS, settings, 1, share=2)
        both = timed_epochs(rows, TASKS, settings, 2)
        found[str(batch)] = {
            "step_of_one_ms": alone["step"],
            "step_of_two_ms": both["step"],
            "step_of_half_a_batch_ms": half["step"],
            "all_reduce_ms": both["all_reduce"],
            "ratio": both["step"] / alone["step"],
            "share_of_all_reduce": both["all_reduce"] / both["step"],
        }
        print(batch, found[str(batch)], flush=True)
    shutil.rmtree(rows)
    return found


def scores(folder: Path, seeds: int) -> dict[str, object]:
    """Score fits from memory and from files on test rows, over several seeds."""
    import pandas as pd
    from _datasets import load
    from sklearn.base import clone

    from skmtl import MultiTaskKerasEstimator
    from skmtl.distributed import fit

    found: dict[str, object] = {}
    for name in SETS:
        record = load(name, 8000)
        X, y = record.X.copy(), record.Y.copy()
        X.columns, y.columns = [f"x{i}" for i in range(X.shape[1])], [f"t{i}" for i in range(y.shape[1])]
        order = np.random.default_rng(0).permutation(len(X))
        test, train = order[: len(X) // 4], order[len(X) // 4 :]
        path = folder / name
        path.mkdir(parents=True)
        rows = pd.concat([X, y], axis=1).iloc[train]
        for part in range(4):
            rows[part::4].to_parquet(path / f"{part}.parquet", row_group_size=500)
        results: dict[str, list[float]] = {"memory": [], "files": []}
        for seed in range(seeds):
            model = MultiTaskKerasEstimator(ensemble_size=1, epochs=30, random_state=seed)
            local = clone(model).fit(X.iloc[train], y.iloc[train])
            streamed = fit(model, path, list(y.columns), window=1000)
            for where, fitted in (("memory", local), ("files", streamed)):
                results[where].append(fitted.score(X.iloc[test], y.iloc[test]))
        found[name] = {
            where: {"mean": float(np.mean(v)), "sd": float(np.std(v, ddof=1))} for where, v in results.items()
        }
        print(name, found[name], flush=True)
    return found


def main() -> None:
    parser = report_parser(__doc__)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--folder", type=Path, default=None, help="where rows are written and deleted again")
    parser.add_argument("--rows", type=int, default=None, help="number of rows, instead of the default of each case")
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[256, 1024, 4096, 16_384], help="batch sizes of the case scaling"
    )
    parser.add_argument("--seeds", type=int, default=6)
    arguments = parser.parse_args()
    work = {
        "memory": lambda folder: memory(folder, arguments.rows or 20_000_000),
        "cost": lambda folder: cost(folder, arguments.rows or 1_000_000),
        "scaling": lambda folder: scaling(folder, arguments.rows or 500_000, arguments.batches),
        "scores": lambda folder: scores(folder, arguments.seeds),
    }
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for case in () if arguments.report else arguments.cases:
            found = {"load": os.getloadavg()[0], "processors": os.cpu_count(), **work[case](Path(folder))}
            path = RESULTS / f"distributed_{case}.json"
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print(path, flush=True)
    write_report()


if __name__ == "__main__":
    sys.exit(main())
