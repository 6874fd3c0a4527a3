"""Sample weights in any container, in the order of the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._containers import as_pandas


def weights_in_order(sample_weight: Any, names: Sequence[str], *, named: bool, name: str = "sample_weight") -> Any:
    """Return weights in the order of the tasks, without masks or names.

    A table's columns are matched by name if the tasks are ``named``, else by position.

    Parameters
    ----------
    sample_weight : array-like or DataFrame
        One weight per row or one per label. Masked entries have weight 0.
    names : sequence of str
        Names of the tasks.
    named : bool
        Whether y is a table, so that ``names`` are its column names.
    name : str, default="sample_weight"
        Name of the argument, for messages.

    Raises
    ------
    ValueError
        If a table's columns are not the tasks, or if the weights are a dict or not numbers.
    """
    if isinstance(sample_weight, Mapping):
        raise ValueError(
            f"{name} is a dict. Pass one weight per row, or a table with one column per task, such as "
            f"pd.DataFrame({name})."
        )
    if isinstance(sample_weight, list | tuple):
        sample_weight = [_without_mask(row) for row in sample_weight]
    sample_weight = _without_mask(sample_weight)
    weights = as_pandas(sample_weight)
    if isinstance(weights, pd.DataFrame):
        weights = (_by_name(weights, list(names), name) if named else weights).to_numpy()
    return _numbers(weights, name)


def _without_mask(weights: Any) -> Any:
    return weights.filled(0) if isinstance(weights, np.ma.MaskedArray) else weights


def _numbers(weights: Any, name: str) -> Any:
    """Return numeric weights unchanged, and convert others to float64 if possible."""
    array = np.asarray(weights)
    if array.dtype.kind in "fiub":
        return weights
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} should hold numbers: {error}.") from error


def _by_name(weights: pd.DataFrame, names: list[str], name: str) -> pd.DataFrame:
    given = [str(column) for column in weights.columns]
    if sorted(given) != sorted(names):
        raise ValueError(
            f"{name} is a table with the columns {given}, but the tasks are {names}: give it one column per task, or "
            f"pass {name}.to_numpy() to match columns by position."
        )
    return weights.iloc[:, [given.index(task) for task in names]]
