"""In place of an estimator in scikit-learn's own loops: gives out fits that were made before, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import clone


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
        self._fits: deque[Any] = deque()

    def give(self, estimators: Sequence[Any], errors: Sequence[Exception | None]) -> None:
        """Take fits, to give them out later; a fit that failed raises its error again."""
        for estimator, error in zip(estimators, errors, strict=True):
            estimator.__dict__["fit"] = _replay(estimator, error)
            self._fits.append(estimator)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Never called: who is fitted is a clone."""
        return self._estimator.fit(*args, **kwargs)

    def set_params(self, **params: Any) -> Any:
        """The next fit, whose parameters these are; after the last one an estimator to be fitted."""
        return self._fits.popleft() if self._fits else clone(self._estimator).set_params(**params)

    def __sklearn_clone__(self) -> Any:
        """Itself, or the next fit."""
        return self._fits.popleft() if self._by_clone and self._fits else self

    def __getattr__(self, name: str) -> Any:
        """All else is the estimator's."""
        if (name.startswith("__") and name != "__sklearn_tags__") or name in ("_estimator", "_fits", "_by_clone"):
            raise AttributeError(name)
        return getattr(self._estimator, name)


def _replay(estimator: Any, error: Exception | None) -> Callable[..., Any]:
    # Fits may share an error, which would grow longer with every time that it is raised.
    trace = None if error is None else error.__traceback__

    def fit(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001 - the fit is there already
        del estimator.__dict__["fit"]
        if error is not None:
            raise error.with_traceback(trace)
        return estimator

    return fit
