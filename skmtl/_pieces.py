"""Rows in pieces, on as many threads as there are processors."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ._blas import single_threaded_blas

_Result = TypeVar("_Result")


def in_pieces(work: Callable[[slice], _Result], n_rows: int, size: int) -> list[_Result]:
    """What ``work`` gives for each range of ``size`` rows, in order; at least one range, even of no rows.

    The ranges are the same whatever the number of threads, so that results are. BLAS takes one thread for each.
    """
    pieces = [slice(start, min(start + size, n_rows)) for start in range(0, max(n_rows, 1), size)]
    threads = min(len(pieces), os.cpu_count() or 1)
    with single_threaded_blas:
        if threads == 1:
            return [work(piece) for piece in pieces]
        with ThreadPoolExecutor(threads, initializer=single_threaded_blas.limit_this_thread) as pool:
            return list(pool.map(work, pieces))
