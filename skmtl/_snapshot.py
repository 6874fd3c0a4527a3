"""Snapshots and atomic updates of estimators, for threads that fit and predict at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

# Marks a snapshot, so a method that calls another takes no second one.
_MARK = "_is_snapshot"


def snapshot(estimator: Any) -> Any:
    """Return another estimator with the same attributes, which a fit of the first does not change."""
    copy = object.__new__(type(estimator))
    copy.__dict__ = estimator.__dict__.copy()
    return copy


def on_snapshot(method: Method) -> Method:
    """Make a read-only method see the attributes of a single fit, even if another thread fits meanwhile."""

    @wraps(method)
    def call_on_snapshot(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _MARK in self.__dict__:
            return method(self, *args, **kwargs)
        copy = snapshot(self)
        copy.__dict__[_MARK] = True
        return method(copy, *args, **kwargs)

    return call_on_snapshot  # type: ignore[return-value]


@contextmanager
def atomic_update(estimator: Any) -> Iterator[Any]:
    """Yield a copy to fit; its changes become the estimator's in one step if the block succeeds.

    If the block raises, also by an interrupt, the estimator does not change.
    """
    fitted = snapshot(estimator)
    before = dict(vars(fitted))
    yield fitted
    after, now = vars(fitted), dict(vars(estimator))
    for name in before.keys() - after.keys():
        now.pop(name, None)
    now |= {name: value for name, value in after.items() if name not in before or value is not before[name]}
    estimator.__dict__ = now
