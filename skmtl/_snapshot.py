"""An estimator as it is at one moment, and changed in one: what threads fit and predict with it does not mix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])

# What a snapshot has that is read already, so that a method calling another takes no second one.
_MARK = "_of_one_moment"


def snapshot(estimator: Any) -> Any:
    """Another estimator with the same attributes; a fit of the first leaves it as it is."""
    view = object.__new__(type(estimator))
    view.__dict__ = estimator.__dict__.copy()
    return view


def on_snapshot(method: Method) -> Method:
    """Let a method that only reads see the attributes of one fit, also where another thread fits meanwhile."""

    @wraps(method)
    def call_on_snapshot(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _MARK in self.__dict__:
            return method(self, *args, **kwargs)
        view = snapshot(self)
        view.__dict__[_MARK] = True
        return method(view, *args, **kwargs)

    return call_on_snapshot  # type: ignore[return-value]


@contextmanager
def atomic_update(estimator: Any) -> Iterator[Any]:
    """A copy to fit; what changes in it becomes the estimator's at one moment, where the block ends well.

    Where it raises, be it by an interrupt, the estimator is as it was.
    """
    fitted = snapshot(estimator)
    before = dict(vars(fitted))
    yield fitted
    after, now = vars(fitted), dict(vars(estimator))
    for name in before.keys() - after.keys():
        now.pop(name, None)
    now |= {name: value for name, value in after.items() if name not in before or value is not before[name]}
    estimator.__dict__ = now
