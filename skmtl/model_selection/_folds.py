"""Fit every candidate on every fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from ._fit_many import FitCall, Fitted, table_bytes
from ._fits import Fits, fits_of
from ._progress import fit_progress
from ._stand_in import PendingFit

# Maximum bytes of fold rows that are copied from the table at a time, unless a single fold has more.
_MOST_BYTES = 1 << 29

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Table:
    """X, y and further arguments of ``fit``; arguments as long as X are split by row."""

    X: Any
    y: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def part(self, estimator: Any, rows: np.ndarray) -> tuple[Any, Any, dict[str, Any]]:
        """Return X, y and arguments of some rows."""
        X, y = _safe_split(estimator, self.X, self.y, rows)
        return X, y, _check_method_params(self.X, params=self.arguments, indices=rows)


class FoldFits:
    """Estimators being fitted, by (candidate, fold), and the outcomes of their fits."""

    def __init__(self, estimators: list[list[Any]]) -> None:
        self.estimators = estimators
        self.reasons: Counter[str] = Counter()
        self._fits: dict[tuple[int, int], tuple[Fits, int]] = {}
        self._outcomes: dict[tuple[int, int], Fitted] = {}

    def add(self, places: Sequence[tuple[int, int]], fits: Fits) -> None:
        """Register the fits of some places."""
        self._fits |= {place: (fits, number) for number, place in enumerate(places)}
        self.reasons += fits.reasons

    def result(self, candidate: int, fold: int) -> Fitted:
        """Wait until an estimator is fitted, and return the outcome."""
        place = candidate, fold
        if place not in self._outcomes:
            fits, number = self._fits[place]
            self._outcomes[place] = fits.result(number)
        return self._outcomes[place]

    def settle(self) -> None:
        """Wait for all registered fits."""
        for place in self._fits:
            self.result(*place)
        self._fits.clear()

    def pending(self) -> list[PendingFit]:
        """Return all fits, candidate by candidate and fold by fold."""
        return [
            (estimator, partial(self.result, number, fold))
            for number, folds in enumerate(self.estimators)
            for fold, estimator in enumerate(folds)
        ]


def fit_folds(
    estimator: Any,
    candidates: Sequence[Mapping[str, Any] | None],
    splits: Sequence[Split],
    table: Table,
    stack: ExitStack,
    *,
    n_jobs: int | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    verbose: int = 0,
) -> FoldFits:
    """Fit a clone of the estimator with each candidate's parameters to the training rows of each split.

    Fitting goes on in the background until ``stack`` is closed, while the first results are used.
    """
    fold_fits = FoldFits([[_candidate(estimator, parameters) for _ in splits] for parameters in candidates])
    done = stack.enter_context(fit_progress(verbose, len(candidates) * len(splits)))
    batches = list(batches_in_memory(table.X, len(splits)))
    for folds in batches:
        parts = {fold: table.part(estimator, splits[fold][0]) for fold in folds}
        places = [(number, fold) for number in range(len(candidates)) for fold in folds]
        calls = [FitCall(fold_fits.estimators[number][fold], *parts[fold], rows=fold) for number, fold in places]
        fits = fits_of(calls, n_jobs=n_jobs, pre_dispatch=pre_dispatch, done=done)
        if folds is batches[-1]:
            fold_fits.add(places, stack.enter_context(fits))
            break
        # Free the copied rows of this batch before making the next.
        with fits as running:
            fold_fits.add(places, running)
            fold_fits.settle()
    return fold_fits


def _candidate(estimator: Any, parameters: Mapping[str, Any] | None) -> Any:
    candidate = clone(estimator)
    # Parameters may be estimators, which candidates must not share.
    return candidate if parameters is None else candidate.set_params(**clone(parameters, safe=False))


def batches_in_memory(X: Any, count: int) -> Iterator[range]:
    """Split ``count`` copies of X into batches that fit in memory together."""
    number = max(1, int(_MOST_BYTES // max(1, table_bytes(X))))
    for start in range(0, count, number):
        yield range(start, min(start + number, count))
