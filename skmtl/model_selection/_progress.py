"""Show how many fits are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Called with the number of fits that have just ended.
Done = Callable[[int], None]


@contextmanager
def fit_progress(verbose: int, total: int) -> Iterator[Done]:
    """Yield a function that counts finished fits: on a printed line if ``verbose`` is positive, else silently."""
    if verbose <= 0:
        yield _ignore
        return
    from ..training._progress import CountLine

    line = CountLine(total, "fit")
    try:
        yield line.add
    finally:
        line.close()


def _ignore(count: int) -> None:
    """Count nothing."""
