"""Run ONNX models with onnxruntime, and compare them with the exported estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pandas as pd

import skmtl


def feed(session: Any, X: Any) -> dict[str, np.ndarray]:
    """Convert rows to the session's inputs."""
    declared = {one.name: one for one in session.get_inputs()}
    if list(declared) == ["X"] and declared["X"].shape[1] != 1:
        return {"X": np.asarray(X).astype(_dtype(declared["X"]))}
    columns = (
        {str(name): X.iloc[:, i] for i, name in enumerate(X.columns)}
        if isinstance(X, pd.DataFrame)
        else {f"x{i}": pd.Series(column) for i, column in enumerate(X.T)}
    )
    return {name: _cells(columns[name], one) for name, one in declared.items()}


def _cells(column: pd.Series, declared: Any) -> np.ndarray:
    if declared.type == "tensor(string)":
        return column.astype(object).where(column.notna(), "").to_numpy(dtype=object)[:, None]
    return column.astype(object).where(column.notna(), np.nan).to_numpy(dtype=_dtype(declared))[:, None]


def _dtype(declared: Any) -> Any:
    return np.float32 if declared.type == "tensor(float)" else np.float64


def run(model: Any, X: Any, rows: Any = None, **settings: Any) -> dict[str, np.ndarray]:
    """Export and run a model; return its outputs by name."""
    session = onnxruntime.InferenceSession(skmtl.to_onnx(model, **settings).SerializeToString())
    outputs = session.run(None, feed(session, X if rows is None else rows))
    return dict(zip((one.name for one in session.get_outputs()), outputs, strict=True))


def check_same(model: Any, X: Any, found: dict[str, np.ndarray], rtol: float = 1e-9) -> None:
    """Assert that outputs equal the estimator's predictions.

    The tolerance of regressions is relative to the larger of the value and the standard deviation of all values.
    """
    outputs = iter(found.values())
    columns = _columns(model.predict(X))
    proba = model.predict_proba(X) if hasattr(model, "predict_proba") else [None] * len(columns)
    proba = proba if isinstance(proba, list) else [proba]
    for task, column, chances in zip(model.task_names_, columns, proba, strict=True):
        output = next(outputs)
        if chances is None:
            assert output.shape == (len(column), 1)
            values = column.astype(np.float64)
            scale = np.maximum(np.abs(values), values.std())
            assert (np.abs(output[:, 0] - values) <= rtol * scale + 1e-12).all(), task
        else:
            np.testing.assert_allclose(next(outputs), chances, rtol=rtol, err_msg=task)
            sure = _is_sure(chances)
            assert [str(one) for one in output[sure]] == [str(one) for one in column[sure]], task
    assert next(outputs, None) is None


def _columns(predicted: Any) -> list[np.ndarray]:
    if isinstance(predicted, pd.DataFrame):
        return [predicted.iloc[:, i].to_numpy() for i in range(predicted.shape[1])]
    return list(predicted.T) if predicted.ndim == 2 else [predicted]


def _is_sure(chances: np.ndarray) -> np.ndarray:
    """Rows where the most probable class does not depend on rounding."""
    ordered = np.sort(chances, axis=1)
    return ordered[:, -1] - (ordered[:, -2] if chances.shape[1] > 1 else 0.0) > 1e-4
