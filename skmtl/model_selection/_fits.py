"""Fit several estimators, training as many as possible together."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager

from joblib import Parallel

from ._fit_many import FitCall, Fitted, ManyFits
from ._pipelines import EarlierSteps, ends_in_network, steps_key


class Fits:
    """Fits in progress, which fit the estimators of calls in place; ``reasons`` counts why fits were made singly."""

    def __init__(self, last_steps: ManyFits, places: Sequence[int | Exception]) -> None:
        self._last_steps = last_steps
        self._places = places
        self.reasons = last_steps.reasons

    def __len__(self) -> int:
        return len(self._places)

    def result(self, number: int) -> Fitted:
        """Wait until the estimator of a call is fitted; return the outcome, with the error if the fit raised one."""
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
    """Fit the estimators of the calls: skmtl's together, also as last steps of pipelines, others one at a time.

    ``n_jobs`` and ``pre_dispatch`` are joblib's and apply to fits one at a time. ``done`` is called with the number of
    fits that have just ended.
    """
    fitted_steps: dict[Hashable, EarlierSteps | Exception] = {}
    last: list[FitCall] = []
    places: list[int | Exception] = []
    for number, call in enumerate(calls):
        if ends_in_network(call.estimator):
            key = steps_key(call, number)
            if key not in fitted_steps:
                fitted_steps[key] = _earlier_steps(call)
            steps = fitted_steps[key]
            if isinstance(steps, Exception):
                places.append(steps)
                if done is not None:
                    done(1)
                continue
            call = steps.call(call, key)
        places.append(len(last))
        last.append(call)
    parallel = Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch, return_as="generator")
    with ManyFits(last, parallel, done) as fits:
        yield Fits(fits, places)


def _earlier_steps(call: FitCall) -> EarlierSteps | Exception:
    try:
        return EarlierSteps.of(call)
    except Exception as error:
        # Every pipeline with these steps gets the same error.
        return error


def warn_of_single_fits(reasons: Counter[str], total: int, stacklevel: int) -> None:
    """Warn once about the fits that were made one at a time, with the reasons."""
    if reasons:
        described = "; ".join(f"{count} because {reason}" for reason, count in reasons.items())
        warnings.warn(
            f"{reasons.total()} of {total} fits were made one at a time, not together: {described}. "
            "The results are the same.",
            UserWarning,
            stacklevel=stacklevel,
        )
