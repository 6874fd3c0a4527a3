"""Fits of several estimators to parts of one table, as many as can be trained together at a time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from joblib import Parallel

from ..estimators._fit_many import FitCall, fit_many
from ._pipelines import EarlierSteps, ends_in_ours, steps_key


@dataclass
class Fits:
    """What became of calls: the error of each, or None, and the seconds that each took on average.

    The calls' estimators are fitted in place. ``one_at_a_time`` counts the fits that were not trained with others, by
    the reason.
    """

    errors: list[Exception | None]
    seconds: float
    one_at_a_time: dict[str, int] = field(default_factory=dict)


def fit_all(
    calls: Sequence[FitCall],
    *,
    n_jobs: int | None = None,
    pre_dispatch: Any = "2*n_jobs",
    done: Callable[[int], None] | None = None,
) -> Fits:
    """Fit the calls' estimators; those of skmtl together, also as last steps of pipelines, others one at a time.

    ``n_jobs`` and ``pre_dispatch`` are joblib's, for fits one at a time. ``done`` is told how many fits have ended.
    """
    start = time.perf_counter()
    errors: list[Exception | None] = [None] * len(calls)
    known: dict[Hashable, EarlierSteps | Exception] = {}
    last: list[FitCall] = []
    numbers: list[int] = []
    for number, call in enumerate(calls):
        if not ends_in_ours(call.estimator):
            last.append(call)
        else:
            key = steps_key(call, number)
            if key not in known:
                known[key] = _earlier_steps(call)
            steps = known[key]
            if isinstance(steps, Exception):
                errors[number] = steps
                continue
            last.append(steps.call(call, key))
        numbers.append(number)
    parallel = Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch, return_as="generator")
    found, reasons = fit_many(last, parallel, done)
    for number, error in zip(numbers, found, strict=True):
        errors[number] = error
    return Fits(errors, (time.perf_counter() - start) / max(1, len(calls)), reasons)


def _earlier_steps(call: FitCall) -> EarlierSteps | Exception:
    try:
        return EarlierSteps.of(call)
    except Exception as error:
        return error


def warn_of_single_fits(reasons: dict[str, int], total: int, stacklevel: int) -> None:
    """Say once which fits were made one at a time, and why."""
    if reasons:
        told = "; ".join(f"{count} because {reason}" for reason, count in reasons.items())
        warnings.warn(
            f"{sum(reasons.values())} of {total} fits were made one at a time, not together: {told}. The results are "
            "the same.",
            UserWarning,
            stacklevel=stacklevel,
        )
