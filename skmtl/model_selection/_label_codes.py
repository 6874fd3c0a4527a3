"""Encode y as integers for stratification: classes, quantile bins, and -1 for a missing label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import rankdata

from ..targets import TargetColumns, infer_kinds, quantities, read_columns

# A numeric column with at most this many distinct values is stratified by value: it may hold class codes or grades,
# and a quantity with so few values loses nothing.
_MAX_DISTINCT = 20


@dataclass(frozen=True)
class LabelCodes:
    """Task names and codes, (n_samples, n_tasks) int64; -1 marks a missing label."""

    names: tuple[str, ...]
    codes: np.ndarray

    def indicators(self) -> sparse.csr_matrix:
        """Return 0/1 columns: one per class or bin of a task, and one for "has a label" if the task misses some."""
        n_samples = len(self.codes)
        widths = self.codes.max(axis=0, initial=-1) + 1
        observed = self.codes >= 0
        incomplete = np.flatnonzero(~observed.all(axis=0))
        rows, tasks = np.nonzero(observed)
        columns = (np.cumsum(widths) - widths)[tasks] + self.codes[rows, tasks]
        seen_rows, seen = np.nonzero(observed[:, incomplete])
        width = int(widths.sum())
        ones = np.ones(len(rows) + len(seen_rows))
        where = (np.concatenate([rows, seen_rows]), np.concatenate([columns, width + seen]))
        return sparse.csr_matrix((ones, where), shape=(n_samples, width + len(incomplete)))


def encode_labels(
    y: Any, *, caller: str, n_bins: int, rows_per_bin: int, task_types: Mapping[str, str] | None
) -> LabelCodes:
    """Encode y; a quantity gets at most ``n_bins`` quantile bins of at least ``rows_per_bin`` labels."""
    columns = read_columns(y, estimator=caller)
    kinds = infer_kinds(columns, task_types)
    given = {str(name) for name in task_types or {}}
    codes = np.full((columns.n_samples, len(columns.names)), -1, dtype=np.int64)
    for task, name in enumerate(columns.names):
        observed = columns.observed[task]
        present = columns.values[task][observed]
        as_classes = kinds[task] == "classification"
        if not as_classes and name not in given:
            as_classes = len(pd.unique(present)) <= _MAX_DISTINCT
        if as_classes:
            codes[observed, task] = pd.factorize(present)[0]
        else:
            codes[observed, task] = _quantile_bins(name, present, n_bins, rows_per_bin)
    return LabelCodes(columns.names, codes)


def _quantile_bins(name: str, present: np.ndarray, n_bins: int, rows_per_bin: int) -> np.ndarray:
    present = quantities(name, present)
    n_bins = max(1, min(n_bins, len(present) // rows_per_bin))
    # Equal labels share their lowest rank, so ties stay in one bin.
    ranks = rankdata(present, method="min").astype(np.int64) - 1
    bins = ranks * n_bins // max(1, len(present))
    return pd.factorize(bins)[0]


def check_n_bins(n_bins: Any) -> int:
    """Return ``n_bins`` as an int, or raise if it is not an integer of at least 2."""
    if isinstance(n_bins, bool) or not isinstance(n_bins, int | np.integer) or n_bins < 2:
        raise ValueError(f"n_bins should be an integer of at least 2, got {n_bins!r}.")
    return int(n_bins)


def encode_groups(groups: Any, n_samples: int, *, caller: str) -> np.ndarray:
    """Return the group number of every row, (n_samples,) int64."""
    if groups is None:
        raise ValueError(f"{caller} needs `groups`: one entry per row that names its group.")
    columns: TargetColumns = read_columns(groups, estimator=caller)
    if len(columns.names) != 1 or columns.n_samples != n_samples:
        raise ValueError(f"groups should be 1-D with {n_samples} entries, one per row.")
    if not columns.observed[0].all():
        raise ValueError("groups has missing entries; give every row a group.")
    return pd.factorize(columns.values[0])[0]
