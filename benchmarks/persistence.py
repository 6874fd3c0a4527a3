"""Time and file size of saving and loading, and speed of onnxruntime, compared with joblib and predict.

    python benchmarks/persistence.py            # all cases, then the report
    python benchmarks/persistence.py --report   # only the report, from results/persistence.csv

Needs onnx and onnxruntime, and a machine that runs nothing else. Writes results/persistence.csv and .md.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import numpy as np
import onnxruntime
from _harness import Case, Measurement, in_fresh_process, report_parser, run, save
from _report import write_report
from sklearn.neural_network import MLPRegressor

import skmtl
from skmtl.datasets import make_related_tasks

STARTS = 7
_FIRST = "import time\nbegin = time.perf_counter()\nimport numpy as np\n{load}\nmodel.predict(np.zeros((1, 30)))\n"
_FIRST += "print(time.perf_counter() - begin)"
OWN, PEER = "skmtl.load", "unpickled MLPRegressor"


def save_and_load(model: skmtl.MultiTaskKerasRegressor, folder: Path) -> list[Measurement]:
    """Time skmtl and joblib in turns, and measure the sizes of their files."""

    def own() -> None:
        skmtl.save(model, folder / "model.skmtl")
        skmtl.load(folder / "model.skmtl")

    def with_joblib() -> None:
        joblib.dump(model, folder / "model.joblib")
        joblib.load(folder / "model.joblib")

    contestants = {"skmtl.save + load": own, "joblib.dump + load": with_joblib}
    found = run(Case("save and load", contestants, 9, targets={"skmtl.save + load": "below 100 ms"}))
    for name, file in (("skmtl.save", "model.skmtl"), ("joblib.dump", "model.joblib")):
        size = (folder / file).stat().st_size / 1024
        target = "no larger than joblib's" if name == "skmtl.save" else ""
        found.append(Measurement("size of the file", name, [size], unit="KiB", target=target))
    return found


def first_predictions(
    model: skmtl.MultiTaskKerasRegressor, X: np.ndarray, y: np.ndarray, folder: Path
) -> list[Measurement]:
    """Time fresh processes from the first import to the first prediction, in turns."""
    skmtl.save(model, folder / "model.skmtl")
    (folder / "mlp.pickle").write_bytes(pickle.dumps(MLPRegressor(max_iter=20, early_stopping=True).fit(X, y)))
    loads = {
        OWN: f"import skmtl\nmodel = skmtl.load({str(folder / 'model.skmtl')!r})",
        PEER: f"import pickle\nmodel = pickle.load(open({str(folder / 'mlp.pickle')!r}, 'rb'))",
    }
    seconds: dict[str, list[float]] = {name: [] for name in loads}
    for turn in range(STARTS + 1):
        for name, load in loads.items():
            taken = in_fresh_process(_FIRST.format(load=load))
            if turn:
                seconds[name].append(taken)
    case, target = "fresh process: import, load, first prediction", "skmtl at most 1.5 times the peer"
    return [Measurement(case, name, values, target=target if name == OWN else "") for name, values in seconds.items()]


def rows_in_time() -> tuple[skmtl.MultiTaskKerasRegressor, np.ndarray]:
    """Return a default fit with a blend for shifted rows, and 10,000 rows, half of them shifted."""
    random = np.random.default_rng(0)
    X = random.normal(size=(800, 60)).cumsum(axis=0)
    y = np.tanh(X[:, :8] / 10) + X[:, 8:16] / 30 + 0.1 * random.normal(size=(800, 8))
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    if model.blend_.shifted is None:
        raise RuntimeError("expected this fit to have a blend for shifted rows.")
    moved = random.normal(size=(10_000, 60)) * np.repeat([0.1, 10.0], 5_000)[:, None]
    return model, X[random.integers(len(X), size=10_000)] + random.permutation(moved)


def onnx(name: str, model: skmtl.MultiTaskKerasRegressor, many: np.ndarray, folder: Path) -> list[Measurement]:
    """Time onnxruntime and predict in turns, on one row and on all rows."""
    skmtl.to_onnx(model, folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {
        "onnxruntime": onnxruntime.InferenceSession(folder / "model.onnx"),
        "onnxruntime, one thread": onnxruntime.InferenceSession(folder / "model.onnx", options),
    }
    found = []
    for rows in (many[:1], many):
        contestants = {who: partial(session.run, None, {"X": rows}) for who, session in sessions.items()}
        contestants["predict"] = partial(model.predict, rows)
        case = Case(f"{name}, {len(rows):,} row{'s' * (len(rows) > 1)}", contestants, 50 if len(rows) == 1 else 5)
        case.targets["onnxruntime"] = "no slower than predict"
        found += run(case)
    return found


INTRO = """\
`python benchmarks/persistence.py` saves, loads and exports a default fit on 1,000 rows x 30 columns with 5 tasks, \
unless the case says otherwise. Contestants take turns. `ratio` is a row's median divided by the median of the first \
row of its case; above 1, the first row is faster or smaller."""


def main() -> None:
    parser = report_parser(__doc__)
    if not parser.parse_args().report:
        measure()
    write_report("persistence", "Saving, loading and ONNX inference", INTRO)


def measure() -> None:
    """Measure all cases."""
    X, y = make_related_tasks(1000, 30, 5, random_state=0)
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [*save_and_load(model, folder), *first_predictions(model, X, y, folder)]
        found += onnx("ONNX", model, np.random.default_rng(0).normal(size=(10_000, X.shape[1])), folder)
        found += onnx("ONNX, 800 x 60 x 8 in time order, blend for shifted rows", *rows_in_time(), folder)
    save(found, "persistence")


if __name__ == "__main__":
    main()
