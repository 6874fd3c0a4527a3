"""In place of an estimator in scikit-learn's own loops: gives out fits that were made before, in their order."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import clone

from ._fit_many import Fitted

# An estimator, and what waits until it is fitted.
Awaited = tuple[Any, Callable[[], Fitted]]


class StandIn:
    """What scikit-learn clones, asks for tags and routing, and fits, where the fits are there already.

    Parameters
    ----------
    estimator : estimator
        Who it stands in for.
    by_clone : bool
        Whether a clone is the next fit, as in cross-validation; in a search that is a clone whose parameters are set.
    """

    def __init__(self, estimator: Any, *, by_clone: bool = False) -> None:
        self._estimator = estimator
        self._by_clone = by_clone
        self._fits: deque[Awaited] = deque()

    def give(self, fits: Sequence[Awaited]) -> None:
        """Take fits, to give them out later; a fit that failed raises its error then."""
        self._fits.extend(fits)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Never called: who is fitted is a clone."""
        return self._estimator.fit(*args, **kwargs)

    def set_params(self, **params: Any) -> Any:
        """The next fit, whose parameters these are; after the last one an estimator to be fitted."""
        return self._next() if self._fits else clone(self._estimator).set_params(**params)

    def __sklearn_clone__(self) -> Any:
        """Itself, or the next fit."""
        return self._next() if self._by_clone and self._fits else self

    def _next(self) -> Any:
        """The next estimator, whose ``fit`` waits for the fit that is made already."""
        estimator, awaited = self._fits.popleft()
        estimator.__dict__["fit"] = _replay(estimator, awaited)
        return estimator

    def __getattr__(self, name: str) -> Any:
        """All else is the estimator's."""
        if (name.startswith("__") and name != "__sklearn_tags__") or name in ("_estimator", "_fits", "_by_clone"):
            raise AttributeError(name)
        return getattr(self._estimator, name)


def _replay(estimator: Any, awaited: Callable[[], Fitted]) -> Callable[..., Any]:
    def fit(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - the fit is under way already
        del estimator.__dict__["fit"]
        error = awaited().error
        if error is not None:
            # Fits may share an error: a copy, or it would grow with every time that it is raised.
            raise copy.copy(error).with_traceback(error.__traceback__)
        return estimator

    return fit
