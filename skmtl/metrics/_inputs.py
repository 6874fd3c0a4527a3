"""Read y_true, y_pred and weights into matching columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .._weights import summable_weights
from ..targets import TargetColumns, read_columns, weights_in_order


def read_targets(y_true: Any, *, caller: str, task_names: Sequence[str] | None = None) -> TargetColumns:
    """Return the columns of y_true, named by ``task_names`` if given."""
    columns = read_columns(y_true, estimator=caller)
    if task_names is None:
        return columns
    if columns.is_frame:
        raise ValueError("task_names is for arrays; y_true is a table, and its column names are the task names.")
    names = tuple(str(name) for name in task_names)
    if len(names) != len(columns.names) or len(set(names)) != len(names):
        raise ValueError(
            f"task_names should hold {len(columns.names)} different names, one per task; got {list(task_names)}."
        )
    return replace(columns, names=names)


def read_like(values: Any, targets: TargetColumns, *, name: str) -> TargetColumns:
    """Return the columns of ``values`` in the order of the tasks: by name for two tables, else by position."""
    if holds_matrices(values):
        raise ValueError(
            f"{name} is a list of matrices, like the output of predict_proba, but labels or quantities are needed. "
            "Pass the output of predict as y_pred, and that of predict_proba as y_score."
        )
    try:
        columns = read_columns(values, estimator=name)
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as one column per task: {error}") from error
    if columns.n_samples != targets.n_samples:
        raise ValueError(f"{name} has {columns.n_samples} rows, y_true has {targets.n_samples}.")
    if len(columns.names) != len(targets.names):
        raise ValueError(f"{name} has {len(columns.names)} columns, y_true has {len(targets.names)} tasks.")
    if not (columns.is_frame and targets.is_frame):
        return columns
    if set(columns.names) != set(targets.names):
        raise ValueError(f"{name} has the columns {list(columns.names)}, y_true the tasks {list(targets.names)}.")
    return columns.of_tasks([columns.names.index(task) for task in targets.names])


def read_weights(sample_weight: Any, targets: TargetColumns) -> np.ndarray | None:
    """Return weights as (n_samples, n_tasks) float64, or None; only those of known labels are checked."""
    if sample_weight is None:
        return None
    shape = (targets.n_samples, len(targets.names))
    weights = np.asarray(weights_in_order(sample_weight, targets.names, named=targets.is_frame))
    if weights.shape == shape[:1]:
        weights = np.broadcast_to(weights[:, None], shape)
    if weights.shape != shape:
        raise ValueError(f"sample_weight should have the shape {shape[:1]} or {shape}, got {weights.shape}.")
    weights = weights.astype(np.float64)
    counted = weights[np.column_stack(targets.observed)]
    if not np.isfinite(counted).all() or (counted < 0).any():
        raise ValueError("sample_weight should be finite and not negative for every known label.")
    return summable_weights(np.where(np.column_stack(targets.observed), weights, 0.0))


def present(columns: TargetColumns, task: int, rows: np.ndarray) -> np.ndarray:
    """Return the entries of a task in ``rows``, with the dtype of these entries."""
    values = columns.values[task][rows]
    # Booleans in a column with missing entries have the dtype object, which scikit-learn's metrics refuse.
    return pd.Series(values).infer_objects().to_numpy() if values.dtype == object else values


def holds_matrices(values: Any) -> bool:
    """Return whether ``values`` is a list with a 2-D array per task, like the output of predict_proba."""
    return isinstance(values, list | tuple) and any(
        part is not None and hasattr(part, "shape") and np.ndim(part) == 2 for part in values
    )


def shown(names: Sequence[str], limit: int = 10) -> str:
    """List the first ``limit`` names for a message."""
    listing = ", ".join(repr(name) for name in names[:limit])
    return listing if len(names) <= limit else f"{listing} and {len(names) - limit} more"
