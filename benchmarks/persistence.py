"""Saving, loading and shipping a default fit of 1,000 x 30 x 5: seconds and bytes beside joblib, predict and an MLP.

    python benchmarks/persistence.py

Writes results/persistence.csv and .md. Needs onnx and onnxruntime, and a machine that does nothing else.
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
from _harness import Case, Measurement, in_fresh_process, run, save
from _report import write_report
from sklearn.neural_network import MLPRegressor

import skmtl
from skmtl.datasets import make_related_tasks

STARTS = 7
_FIRST = "import time\nbegin = time.perf_counter()\nimport numpy as np\n{load}\nmodel.predict(np.zeros((1, 30)))\n"
_FIRST += "print(time.perf_counter() - begin)"
_REMARK = """The blend for far rows was measured while other processes held both cores. onnxruntime then waits at
every step for the slower of its threads: `intra_op_num_threads=1` of its session options halves the time. With both
cores free, five runs of its 10,000 rows in turn with `predict` took 0.79 to 1.22 s (median 0.96), `predict` 0.95 to
1.05 s (median 1.00)."""
OURS, PEER = "skmtl.load", "unpickled MLPRegressor"


def save_and_load(model: skmtl.MultiTaskKerasRegressor, folder: Path) -> list[Measurement]:
    """Both ways, one after the other; and the files' sizes."""

    def ours() -> None:
        skmtl.save(model, folder / "model.skmtl")
        skmtl.load(folder / "model.skmtl")

    def theirs() -> None:
        joblib.dump(model, folder / "model.joblib")
        joblib.load(folder / "model.joblib")

    contestants = {"skmtl.save + load": ours, "joblib.dump + load": theirs}
    found = run(Case("save and load", contestants, 9, targets={"skmtl.save + load": "below 100 ms"}))
    for name, file in (("skmtl.save", "model.skmtl"), ("joblib.dump", "model.joblib")):
        size = (folder / file).stat().st_size / 1024
        target = "no larger than joblib's" if name == "skmtl.save" else ""
        found.append(Measurement("size of the file", name, [size], unit="KiB", target=target))
    return found


def first_predictions(
    model: skmtl.MultiTaskKerasRegressor, X: np.ndarray, y: np.ndarray, folder: Path
) -> list[Measurement]:
    """Seconds of fresh processes from their first import to their first prediction, in turns."""
    skmtl.save(model, folder / "model.skmtl")
    (folder / "mlp.pickle").write_bytes(pickle.dumps(MLPRegressor(max_iter=20, early_stopping=True).fit(X, y)))
    loads = {
        OURS: f"import skmtl\nmodel = skmtl.load({str(folder / 'model.skmtl')!r})",
        PEER: f"import pickle\nmodel = pickle.load(open({str(folder / 'mlp.pickle')!r}, 'rb'))",
    }
    seconds: dict[str, list[float]] = {name: [] for name in loads}
    for turn in range(STARTS + 1):
        for name, load in loads.items():
            taken = in_fresh_process(_FIRST.format(load=load))
            if turn:
                seconds[name].append(taken)
    case, target = "fresh process: import, load, first prediction", "ours below 1.5 times"
    return [Measurement(case, name, values, target=target if name == OURS else "") for name, values in seconds.items()]


def rows_in_time() -> tuple[skmtl.MultiTaskKerasRegressor, np.ndarray]:
    """A default fit with a blend of its own for rows far from the training rows, and 10,000 rows, half of them such."""
    random = np.random.default_rng(0)
    X = random.normal(size=(800, 60)).cumsum(axis=0)
    y = np.tanh(X[:, :8] / 10) + X[:, 8:16] / 30 + 0.1 * random.normal(size=(800, 8))
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    if model.blend_.shifted is None:
        raise RuntimeError("This fit should have a blend for far rows.")
    moved = random.normal(size=(10_000, 60)) * np.repeat([0.1, 10.0], 5_000)[:, None]
    return model, X[random.integers(len(X), size=10_000)] + random.permutation(moved)


def onnx(name: str, model: skmtl.MultiTaskKerasRegressor, many: np.ndarray, folder: Path) -> list[Measurement]:
    """onnxruntime and predict, one row and all."""
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
        case = Case(f"{name}, {len(rows):,} rows", contestants, 50 if len(rows) == 1 else 5)
        case.targets["onnxruntime"] = "no slower than predict"
        found += run(case)
    return found


def main() -> None:
    X, y = make_related_tasks(1000, 30, 5, random_state=0)
    model = skmtl.MultiTaskKerasRegressor(random_state=0).fit(X, y)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = [*save_and_load(model, folder), *first_predictions(model, X, y, folder)]
        found += onnx("ONNX", model, np.random.default_rng(0).normal(size=(10_000, X.shape[1])), folder)
        found += onnx("ONNX, 800 x 60 x 8 in time, blend for far rows", *rows_in_time(), folder)
    save(found, "persistence")
    title = "Saving, loading and shipping a default fit of 1,000 x 30 x 5"
    write_report("persistence", title, plot=False, remark=_REMARK)


if __name__ == "__main__":
    main()
