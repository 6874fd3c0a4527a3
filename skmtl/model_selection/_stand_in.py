"""Stand-in for an estimator in scikit-learn's loops, which returns finished fits in order."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import clone

from ._fit_many import Fitted

# An estimator, and a function that waits until it is fitted.
PendingFit = tuple[Any, Callable[[], Fitted]]


class StandIn:
    """Looks like an estimator to scikit-learn, but returns fits that are already made or under way.

    Parameters
    ----------
    estimator : estimator
        The estimator that it stands in for.
    by_clone : bool
        Whether each clone takes the next fit, as in cross-validation, or each ``set_params``, as in a search.
    """

    def __init__(self, estimator: Any, *, by_clone: bool = False) -> None:
        self._estimator = estimator
        self._by_clone = by_clone
        self._fits: deque[PendingFit] = deque()

    def queue(self, fits: Sequence[PendingFit]) -> None:
        """Queue fits; a failed fit raises its error when scikit-learn fits it."""
        self._fits.extend(fits)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Never called, since scikit-learn fits clones."""
        return self._estimator.fit(*args, **kwargs)

    def set_params(self, **params: Any) -> Any:
        """Return the next fit, which has these parameters, or an unfitted estimator after the last one."""
        return self._next() if self._fits else clone(self._estimator).set_params(**params)

    def __sklearn_clone__(self) -> Any:
        """Return itself, or the next fit."""
        return self._next() if self._by_clone and self._fits else self

    def _next(self) -> Any:
        """Return the next estimator, whose ``fit`` waits for the fit that is under way."""
        estimator, wait = self._fits.popleft()
        estimator.__dict__["fit"] = _replay(estimator, wait)
        return estimator

    def __getattr__(self, name: str) -> Any:
        """Take all other attributes from the estimator."""
        if (name.startswith("__") and name != "__sklearn_tags__") or name in ("_estimator", "_fits", "_by_clone"):
            raise AttributeError(name)
        return getattr(self._estimator, name)


def _replay(estimator: Any, wait: Callable[[], Fitted]) -> Callable[..., Any]:
    def fit(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - the fit is under way already
        del estimator.__dict__["fit"]
        error = wait().error
        if error is not None:
            # Fits may share an error. Raising it again would lengthen its traceback, so raise a copy.
            raise copy.copy(error).with_traceback(error.__traceback__)
        return estimator

    return fit
