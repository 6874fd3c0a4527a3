"""Process rows in pieces on one thread per processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ._blas import single_threaded_blas

_Result = TypeVar("_Result")


def in_pieces(work: Callable[[slice], _Result], n_rows: int, size: int) -> list[_Result]:
    """Return ``work`` of each range of ``size`` rows, in order; at least one range, even without rows.

    The ranges, and so the results, do not depend on the number of threads. BLAS uses one thread for each range.
    """
    pieces = [slice(start, min(start + size, n_rows)) for start in range(0, max(n_rows, 1), size)]
    threads = min(len(pieces), os.cpu_count() or 1)
    with single_threaded_blas:
        if threads == 1:
            return [work(piece) for piece in pieces]
        with ThreadPoolExecutor(threads, initializer=single_threaded_blas.limit_this_thread) as pool:
            return list(pool.map(work, pieces))
