"""How far onnxruntime is from predict and predict_proba on every real data set: default fits and single networks.

    python benchmarks/onnx_agreement.py               # all sets, rows capped, few epochs, then the report
    python benchmarks/onnx_agreement.py --data bike

The data sets lie in the folder that SKMTL_DATA names, or in ../shared/data. What training came to plays no part, so
that few epochs do. Rows to compare on are held out; to them come rows with levels never seen, missing cells and
extreme values. Writes results/onnx.md.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import onnxruntime
import pandas as pd
from _datasets import Record, load, names
from _harness import RESULTS, machine

import skmtl

ROWS, TEST = 600, 200
SETTINGS: dict[str, dict[str, Any]] = {"default": {}, "single network": {"ensemble_size": 1}}


def worst_difference(record: Record, **settings: Any) -> float:
    """Largest difference of any value or probability, relative to the larger of itself and its column's spread."""
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
    """Of two tables, relative as above, to the spread of the plain rows; probabilities are relative to themselves."""
    scale = np.abs(expected) if expected.ndim == 2 else np.maximum(np.abs(expected), expected[:n_plain].std())
    return float((np.abs(found - expected) / np.maximum(scale, 1e-300)).max())


def odd_rows(X: pd.DataFrame) -> pd.DataFrame:
    """Rows, and the first of them again: with levels never seen, with all cells missing, with extreme values."""
    strange, missing, large = (X.iloc[:5].copy() for _ in range(3))
    for column in X:
        nominal = isinstance(X[column].dtype, pd.CategoricalDtype)
        strange[column] = "a level never seen" if nominal else X[column].iloc[:5]
        missing[column] = None if nominal else np.nan
        large[column] = X[column].iloc[:5] if nominal else np.array([1e30, -1e30, 1e12, -1e12, 0.0])
    return pd.concat([X.astype(object), *(part.astype(object) for part in (strange, missing, large))]).astype(
        {column: "float64" for column in X if not isinstance(X[column].dtype, pd.CategoricalDtype)}
    )


def feed(session: Any, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Rows as the session's inputs take them."""
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=names(), choices=names(), metavar="NAME")
    parser.add_argument("--rows", type=int, default=ROWS, help="cap of the rows")
    arguments = parser.parse_args()
    lines = []
    for name in arguments.data:
        record = load(name, arguments.rows)
        found = [worst_difference(record, **settings) for settings in SETTINGS.values()]
        lines.append(f"| {name} | {len(record.kinds)} | {' | '.join(f'{value:.1e}' for value in found)} |")
        print(lines[-1], flush=True)
    if set(arguments.data) == set(names()):
        write_report(lines)


def write_report(lines: list[str]) -> None:
    facts = {**machine(), "onnxruntime": onnxruntime.__version__}
    said = ", ".join(f"{key} {value}" for key, value in facts.items() if key not in ("date", "processor"))
    head = [
        "# ONNX: differences from predict",
        "",
        f"{facts['date']}, {facts['processor']}; {said}.",
        "",
        "Largest difference between onnxruntime and `predict` or `predict_proba`, relative to the value itself (for a",
        "regression, to the larger of it and its column's spread). Rows held out, with unseen and missing levels,",
        "missing cells and values up to 1e30 among them; at most 600 rows, 2 epochs. The aim is below 1e-5.",
        "",
        f"| set | tasks | {' | '.join(SETTINGS)} |",
        f"| --- | --- |{' --- |' * len(SETTINGS)}",
    ]
    Path(RESULTS / "onnx.md").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
