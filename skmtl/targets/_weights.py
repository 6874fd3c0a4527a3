"""Weights in any container, in the order of the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._containers import as_pandas


def weights_in_order(sample_weight: Any, names: Sequence[str], *, named: bool, name: str = "sample_weight") -> Any:
    """Weights without a mask or names: a table's columns go by name where the tasks are ``named``.

    Parameters
    ----------
    sample_weight : array-like or DataFrame
        One weight a row, or one a label. A masked entry weighs 0.
    names : sequence of str
        The tasks.
    named : bool
        Whether y is a table, whose columns these are the names of.
    name : str, default="sample_weight"
        What the caller calls it.

    Raises
    ------
    ValueError
        Where a table's columns are not the tasks, where weights come as a dict, or are no numbers.
    """
    if isinstance(sample_weight, Mapping):
        raise ValueError(
            f"{name} is a dict. Pass one weight a row, or a table with a column a task, as pd.DataFrame({name}) makes "
            "it."
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
    """Weights as they are, unless they are something else than numbers: those as numbers, if they can be."""
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
            f"{name} is a table with the columns {given}, but the tasks are {names}: give it a column a task, or pass "
            f"{name}.to_numpy() to have its columns taken by position."
        )
    return weights.iloc[:, [given.index(task) for task in names]]
