"""Checks of what the caller passes to fit, before anything changes."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_consistent_length, validate_data

from ..features import CategoryLevels, as_cells, category_columns, explained, refuse_times
from ..targets import TargetColumns, weights_in_order


def read_inputs(estimator: Any, X: Any, *, levels: CategoryLevels | None) -> tuple[Any, CategoryLevels]:
    """Return X as a float array or CSR matrix with codes for categories, and the levels of its categorical columns.

    ``levels`` are those known from ``fit``; None reads them, and the names of the columns, from X. NaN is allowed
    (it is imputed), infinity is not.
    """
    if levels is not None and not levels.columns and _is_plain(estimator, X):
        return X, levels
    X, reset = as_cells(X), levels is None
    refuse_times(X)
    columns = category_columns(X, estimator.categorical_features) if levels is None else levels.columns
    if not columns:
        return _check_numbers(estimator, X, reset=reset), CategoryLevels()
    if sparse.issparse(X):
        raise TypeError("X is sparse, but was fitted with categorical columns: pass a DataFrame or an array.")
    X = X if hasattr(X, "columns") else check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    levels = CategoryLevels.fit(X, columns) if levels is None else levels
    return levels.encode(X, estimator=type(estimator).__name__), levels


def _is_plain(estimator: Any, X: Any) -> bool:
    """Whether X is an array that needs no more checks, which would take most of the time of a small prediction."""
    if type(X) is not np.ndarray or X.ndim != 2 or X.dtype not in (np.float32, np.float64) or len(X) == 0:
        return False
    if X.shape[1] != estimator.n_features_in_ or hasattr(estimator, "feature_names_in_"):
        return False
    with np.errstate(all="ignore"):
        return bool(np.isfinite(X.sum())) or not np.isinf(X).any()


def _check_numbers(estimator: Any, X: Any, *, reset: bool) -> Any:
    try:
        return validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise explained(error, X) from error


def check_weights(
    sample_weight: Any,
    X: Any,
    columns: TargetColumns,
    names: Sequence[str] | None = None,
    *,
    name: str = "sample_weight",
) -> Any:
    """Return the weights of y's columns as float64, (n,) or (n, n_tasks), or None; see `weights_in_order`.

    ``names`` are the task names of an earlier fit on a table, even if y is an array now.
    """
    if sample_weight is None:
        return None
    n_samples, n_tasks, one_dimensional = _num_samples(X), len(columns.names), columns.one_dimensional
    named = columns.is_frame or names is not None
    sample_weight = weights_in_order(sample_weight, names or columns.names, named=named, name=name)
    if isinstance(sample_weight, numbers.Number) or np.asarray(sample_weight).ndim < 2:
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    weights = check_array(sample_weight, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name=name)
    if one_dimensional or weights.shape != (n_samples, n_tasks):
        expected = f"({n_samples},)" if one_dimensional else f"({n_samples},) or ({n_samples}, {n_tasks})"
        raise ValueError(f"{name}.shape == {weights.shape}, expected {expected}: one weight per row, or one per label.")
    if (weights < 0).any():
        raise ValueError(f"Negative values in {name}: weights should be zero or positive.")
    return weights


def check_validation_arguments(X_val: Any, y_val: Any, sample_weight_val: Any) -> None:
    """Check that the validation arguments are complete."""
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val belong together: pass both, or neither.")
    if sample_weight_val is not None and X_val is None:
        raise ValueError("sample_weight_val weighs the rows of X_val and y_val: pass these too, or none of them.")


def check_number_of_classes(entries: Sequence[Any], n_tasks: int) -> None:
    """Check that ``classes`` of partial_fit has one entry per task."""
    if len(entries) != n_tasks:
        raise ValueError(
            f"classes has {len(entries)} entries, but y has {n_tasks} tasks: give a list with the labels of each."
        )


def check_rows(X: Any, columns: TargetColumns) -> None:
    """Check that X and y have the same number of rows."""
    n_rows = _num_samples(X)
    if columns.n_samples != n_rows == len(columns.names):
        raise ValueError(
            f"X has {n_rows} rows, but y has {columns.n_samples} rows of {n_rows} entries: it looks like one array per "
            "task. Pass np.column_stack(y), or a dict from task name to 1-D array."
        )
    check_consistent_length(X, columns.values[0])


def stack_rows(first: Any, second: Any) -> Any:
    """Stack the rows of two matrices, as a CSR matrix if either is sparse."""
    if sparse.issparse(first) or sparse.issparse(second):
        return sparse.vstack([first, second], format="csr")
    return np.concatenate([first, second])
