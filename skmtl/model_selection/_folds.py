"""Every candidate on every fold of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from ..estimators._fit_many import FitCall
from ._fits import Fits, fit_all

# Bytes of the folds' rows that are copied out of the table at a time, if one fold has not more.
_MOST_BYTES = 1 << 29

Split = tuple[np.ndarray, np.ndarray]


@dataclass
class FoldFits:
    """Fitted estimators, all folds of the first candidate before the second's, and what became of their fits."""

    estimators: list[Any]
    fits: Fits


@dataclass(frozen=True)
class Table:
    """X, y and what ``fit`` gets beside them, by row where that is as long as X."""

    X: Any
    y: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def part(self, estimator: Any, rows: np.ndarray) -> tuple[Any, Any, dict[str, Any]]:
        """The same of some rows."""
        X, y = _safe_split(estimator, self.X, self.y, rows)
        return X, y, _check_method_params(self.X, params=self.arguments, indices=rows)


def fit_folds(
    estimator: Any,
    candidates: Sequence[Mapping[str, Any] | None],
    splits: Sequence[Split],
    table: Table,
    *,
    n_jobs: int | None = None,
    pre_dispatch: Any = "2*n_jobs",
    verbose: int = 0,
) -> FoldFits:
    """Fit a clone of the estimator with each candidate's parameters to the training rows of each split."""
    made = [[_candidate(estimator, parameters) for _ in splits] for parameters in candidates]
    errors: list[list[Exception | None]] = [[None] * len(splits) for _ in candidates]
    seconds, reasons = 0.0, dict[str, int]()
    with _progress(verbose, len(made) * len(splits)) as done:
        for folds in as_many_as_fit(table.X, len(splits)):
            parts = {fold: table.part(estimator, splits[fold][0]) for fold in folds}
            places = [(number, fold) for number in range(len(made)) for fold in folds]
            calls = [FitCall(made[number][fold], *parts[fold], rows=fold) for number, fold in places]
            fits = fit_all(calls, n_jobs=n_jobs, pre_dispatch=pre_dispatch, done=done)
            for (number, fold), error in zip(places, fits.errors, strict=True):
                errors[number][fold] = error
            seconds += fits.seconds * len(calls)
            for reason, count in fits.one_at_a_time.items():
                reasons[reason] = reasons.get(reason, 0) + count
    flat = [one for folds in made for one in folds]
    return FoldFits(flat, Fits([e for folds in errors for e in folds], seconds / max(1, len(flat)), reasons))


def _candidate(estimator: Any, parameters: Mapping[str, Any] | None) -> Any:
    twin = clone(estimator)
    # Parameters may be estimators themselves, which several candidates must not share.
    return twin if parameters is None else twin.set_params(**clone(parameters, safe=False))


def as_many_as_fit(X: Any, count: int) -> Iterator[range]:
    """So many parts of X, as many at a time as may be copied out of it."""
    number = max(1, int(_MOST_BYTES // max(1, _bytes(X))))
    for start in range(0, count, number):
        yield range(start, min(start + number, count))


def _bytes(X: Any) -> int:
    if sparse.issparse(X):
        return int(X.data.nbytes)
    if hasattr(X, "memory_usage"):
        return int(X.memory_usage().sum())
    return int(getattr(X, "nbytes", 8 * np.size(X)))


@contextmanager
def _progress(verbose: int, total: int) -> Iterator[Any]:
    """What counts the fits that have ended: a line, where one is asked for."""
    if verbose <= 0:
        yield None
        return
    from ..training._progress import CountLine

    line = CountLine(total, "fit")
    try:
        yield line.add
    finally:
        line.close()
