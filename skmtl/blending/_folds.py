"""Folds of the rows, each predicted by models that were fitted on the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def folds_of(held_out: Sequence[np.ndarray], n_samples: int) -> list[np.ndarray]:
    """Return disjoint folds that cover all rows: each member's held-out rows, then the rows that no member holds out.

    ``held_out`` are the members' row numbers; a row that several members hold out goes to the first of them.
    """
    part = np.full(n_samples, len(held_out))
    for member in reversed(range(len(held_out))):
        part[held_out[member]] = member
    folds = [np.flatnonzero(part == number) for number in range(len(held_out) + 1)]
    return [rows for rows in folds if len(rows)]
