"""Every candidate on every fold of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from ._fit_many import FitCall, Fitted, bytes_of
from ._fits import Fits, fits_of
from ._stand_in import Awaited

# Bytes of the folds' rows that are copied out of the table at a time, if one fold has not more.
_MOST_BYTES = 1 << 29

Split = tuple[np.ndarray, np.ndarray]


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


class FoldFits:
    """Estimators that are being fitted, (candidate, fold), and what becomes of their fits."""

    def __init__(self, estimators: list[list[Any]]) -> None:
        self.estimators = estimators
        self.reasons: Counter[str] = Counter()
        self._fits: dict[tuple[int, int], tuple[Fits, int]] = {}
        self._found: dict[tuple[int, int], Fitted] = {}

    def add(self, places: Sequence[tuple[int, int]], fits: Fits) -> None:
        """Note who is fitted where."""
        self._fits |= {place: (fits, number) for number, place in enumerate(places)}
        self.reasons += fits.reasons

    def result(self, candidate: int, fold: int) -> Fitted:
        """Wait until an estimator is fitted."""
        place = candidate, fold
        if place not in self._found:
            fits, number = self._fits[place]
            self._found[place] = fits.result(number)
        return self._found[place]

    def settle(self) -> None:
        """Wait for all fits that were added."""
        for place in self._fits:
            self.result(*place)
        self._fits.clear()

    def given_out(self) -> list[Awaited]:
        """All of them, the folds of the first candidate before those of the second."""
        return [
            (one, partial(self.result, number, fold))
            for number, folds in enumerate(self.estimators)
            for fold, one in enumerate(folds)
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

    Fits go on until ``stack`` is closed, while the first ones are looked at.
    """
    made = FoldFits([[_candidate(estimator, parameters) for _ in splits] for parameters in candidates])
    done = stack.enter_context(_progress(verbose, len(candidates) * len(splits)))
    groups = list(as_many_as_fit(table.X, len(splits)))
    for folds in groups:
        parts = {fold: table.part(estimator, splits[fold][0]) for fold in folds}
        places = [(number, fold) for number in range(len(candidates)) for fold in folds]
        calls = [FitCall(made.estimators[number][fold], *parts[fold], rows=fold) for number, fold in places]
        fits = fits_of(calls, n_jobs=n_jobs, pre_dispatch=pre_dispatch, done=done)
        if folds is groups[-1]:
            made.add(places, stack.enter_context(fits))
            break
        # The copies of these rows go before the next are made.
        with fits as found:
            made.add(places, found)
            made.settle()
    return made


def _candidate(estimator: Any, parameters: Mapping[str, Any] | None) -> Any:
    made = clone(estimator)
    # Parameters may be estimators themselves, which several candidates must not share.
    return made if parameters is None else made.set_params(**clone(parameters, safe=False))


def as_many_as_fit(X: Any, count: int) -> Iterator[range]:
    """So many parts of X, as many at a time as may be copied out of it."""
    number = max(1, int(_MOST_BYTES // max(1, bytes_of(X))))
    for start in range(0, count, number):
        yield range(start, min(start + number, count))


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
