"""Fits of several estimators to parts of one table, as many as can be trained together at a time."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

from joblib import Parallel

from ._fit_many import FitCall, Fitted, ManyFits
from ._pipelines import EarlierSteps, ends_in_ours, steps_key


class Fits:
    """What becomes of calls, whose estimators are fitted in place; ``reasons`` says why how many were fitted alone."""

    def __init__(self, last_steps: ManyFits, places: Sequence[int | Exception]) -> None:
        self._last_steps = last_steps
        self._places = places
        self.reasons = last_steps.reasons

    def __len__(self) -> int:
        return len(self._places)

    def result(self, number: int) -> Fitted:
        """Wait until a call's estimator is fitted; gives what its fit raised, if anything."""
        place = self._places[number]
        return Fitted(place, 0.0) if isinstance(place, Exception) else self._last_steps.result(place)


@contextmanager
def fits_of(
    calls: Sequence[FitCall],
    *,
    n_jobs: int | None = None,
    pre_dispatch: int | str = "2*n_jobs",
    done: Callable[[int], None] | None = None,
) -> Iterator[Fits]:
    """Fit the calls' estimators; those of skmtl together, also as last steps of pipelines, others one at a time.

    ``n_jobs`` and ``pre_dispatch`` are joblib's, for fits one at a time. ``done`` is told how many fits have ended.
    """
    known: dict[Hashable, EarlierSteps | Exception] = {}
    last: list[FitCall] = []
    places: list[int | Exception] = []
    for number, call in enumerate(calls):
        if ends_in_ours(call.estimator):
            key = steps_key(call, number)
            if key not in known:
                known[key] = _earlier_steps(call)
            steps = known[key]
            if isinstance(steps, Exception):
                places.append(steps)
                continue
            call = steps.call(call, key)
        places.append(len(last))
        last.append(call)
    with ManyFits(last, Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch), done) as fits:
        yield Fits(fits, places)


def _earlier_steps(call: FitCall) -> EarlierSteps | Exception:
    try:
        return EarlierSteps.of(call)
    except Exception as error:
        # Each fit of these steps would raise it.
        return error


def warn_of_single_fits(reasons: Counter[str], total: int, stacklevel: int) -> None:
    """Say once which fits were made one at a time, and why."""
    if reasons:
        described = "; ".join(f"{count} because {reason}" for reason, count in reasons.items())
        warnings.warn(
            f"{reasons.total()} of {total} fits were made one at a time, not together: {described}. "
            "The results are the same.",
            UserWarning,
            stacklevel=stacklevel,
        )
