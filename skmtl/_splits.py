"""Read the caller's splits of rows, as positions or masks, as scikit-learn does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv


def splits_of(cv: Any, X: Any, y: Any, groups: Any) -> Iterable[Any]:
    """Return the splits, not yet read, of a number of folds, a splitter, or an iterable of splits."""
    if isinstance(cv, Iterable) and not hasattr(cv, "split"):
        return cv
    return check_cv(cv).split(X, y, groups)


def read_split(split: Any, n_rows: int, *, name: str, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the rows of both parts, counted from 0; those of the second part sorted and unique.

    ``name`` is the parameter and ``number`` the number of the split, for messages.

    Raises
    ------
    ValueError
        If a part is neither positions nor a mask of ``n_rows`` rows, or a row is in both parts.
    """
    what = f"{name}: split {number}"
    try:
        train, held = split
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} should be a pair of (training rows, held-out rows), got {split!r}.") from error
    train, held = (_positions(part, n_rows, what) for part in (train, held))
    held = np.unique(held)
    both = np.intersect1d(train, held)
    if len(both):
        raise ValueError(
            f"{what} has {len(both)} row(s) both in training and held out, such as row {both[0]}. Keep held-out rows "
            "out of training."
        )
    return train, held


def _positions(part: Any, n_rows: int, what: str) -> np.ndarray:
    rows = np.asarray(part)
    if rows.dtype == object:
        rows = np.asarray(rows.tolist())
    if rows.size == 0:
        return np.array([], dtype=np.intp)
    if rows.ndim != 1 or rows.dtype.kind not in "iub":
        raise ValueError(
            f"{what} should hold positions of rows (integers) or masks (booleans), got {rows.ndim}-D {rows.dtype.name}."
        )
    if rows.dtype.kind == "b":
        if len(rows) != n_rows:
            raise ValueError(f"{what} has a mask of {len(rows)} rows, but X has {n_rows}.")
        return np.flatnonzero(rows)
    outside = (rows >= n_rows) | (rows < -n_rows)
    if outside.any():
        raise ValueError(f"{what} names row {rows[outside][0]}, but X has {n_rows} rows.")
    rows = rows.astype(np.intp)
    return np.where(rows < 0, rows + n_rows, rows)
