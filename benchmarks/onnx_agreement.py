"""Largest difference between onnxruntime and predict on every real data set, for default fits and single networks.

    python benchmarks/onnx_agreement.py               # all sets, large ones capped, few epochs, then the report
    python benchmarks/onnx_agreement.py --data bike   # these sets, printed only

Reads the data sets from the folder in SKMTL_DATA. Few epochs suffice, since the quality of the fit does not matter. The
test rows are held out, and extended by rows with unseen levels, missing cells and extreme values. Writes
results/onnx.md.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime
import pandas as pd
from _datasets import Record, load, names
from _harness import machine
from _report import markdown, versions, write_page

import skmtl

ROWS, TEST = 600, 200
SETTINGS: dict[str, dict[str, Any]] = {"default": {}, "single network": {"ensemble_size": 1}}


def worst_difference(record: Record, **settings: Any) -> float:
    """Return the largest difference, relative to the larger of the value and its column's spread."""
    n_test = min(TEST, len(record.X) // 3)
    known, fresh = record.X.iloc[n_test:], odd_rows(record.X.iloc[:n_test])
    labels = record.Y.iloc[n_test:]
    kinds = {task: kind for task, kind in record.kinds.items() if labels[task].notna().any()}
    model = skmtl.MultiTaskKerasEstimator(task_types=kinds, epochs=2, random_state=0, **settings)
    model.fit(known, labels[list(kinds)])
    session = onnxruntime.InferenceSession(skmtl.to_onnx(model).SerializeToString())
    outputs = iter(session.run(None, feed(session, fresh)))
    predicted, worst = model.predict(fresh), 0.0
    proba = model.predict_proba(fresh) if "classification" in kinds.values() else [None] * len(kinds)
    predicted = pd.DataFrame(predicted, columns=list(kinds))
    for (task, kind), chances in zip(kinds.items(), proba, strict=True):
        first = next(outputs)
        if kind == "regression":
            worst = max(worst, difference(first[:, 0], predicted[task].to_numpy(float), n_test))
        else:
            worst = max(worst, difference(next(outputs), chances, n_test))
    return worst


def difference(found: np.ndarray, expected: np.ndarray, n_plain: int) -> float:
    """Return the largest relative difference; values also count relative to the spread of the plain rows."""
    scale = np.abs(expected) if expected.ndim == 2 else np.maximum(np.abs(expected), expected[:n_plain].std())
    return float((np.abs(found - expected) / np.maximum(scale, 1e-300)).max())


def odd_rows(X: pd.DataFrame) -> pd.DataFrame:
    """Append copies of the first rows with unseen levels, with all cells missing and with extreme values."""
    strange, missing, large = (X.iloc[:5].copy() for _ in range(3))
    for column in X:
        nominal = isinstance(X[column].dtype, pd.CategoricalDtype)
        strange[column] = "an unseen level" if nominal else X[column].iloc[:5]
        missing[column] = None if nominal else np.nan
        large[column] = X[column].iloc[:5] if nominal else np.array([1e30, -1e30, 1e12, -1e12, 0.0])
    return pd.concat([X.astype(object), *(part.astype(object) for part in (strange, missing, large))]).astype(
        {column: "float64" for column in X if not isinstance(X[column].dtype, pd.CategoricalDtype)}
    )


def feed(session: Any, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Convert rows to the session's inputs."""
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].name == "X":
        return {"X": X.to_numpy(dtype=np.float64)}
    return {
        one.name: X[one.name].where(X[one.name].notna(), "").to_numpy(dtype=object)[:, None]
        if one.type == "tensor(string)"
        else X[one.name].to_numpy(dtype=np.float64)[:, None]
        for one in inputs
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=names(), choices=names(), metavar="NAME")
    parser.add_argument("--rows", type=int, default=ROWS, help="most rows of a set")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.data:
        record = load(name, arguments.rows)
        found = [worst_difference(record, **settings) for settings in SETTINGS.values()]
        rows.append([name, len(record.kinds), *(f"{value:.1e}" for value in found)])
        print(*rows[-1], flush=True)
    if set(arguments.data) == set(names()):
        write_page(
            "onnx",
            "# Agreement of ONNX graphs with predict",
            versions({**machine(), "onnxruntime": onnxruntime.__version__}),
            "`python benchmarks/onnx_agreement.py`: largest difference between onnxruntime and `predict` or "
            "`predict_proba`, relative to the value itself (for a regression, to the larger of the value and the "
            "spread of its column). The rows are held out and include unseen and missing levels, missing cells and "
            f"values up to 1e30; at most {arguments.rows} rows, 2 epochs. The target is a difference below 1e-5.",
            markdown(["data set", "tasks", *SETTINGS], rows),
        )


if __name__ == "__main__":
    main()
