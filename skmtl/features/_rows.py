"""Iterate over X, dense or sparse, in chunks of rows or by columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

# Cells encoded at a time: intermediate results stay in the processor's cache, however long the table is.
CHUNK_CELLS = 1 << 18
# With fewer chunks, starting threads costs more than they save.
_MIN_CHUNKS_FOR_THREADS = 16

T = TypeVar("T")


def chunks(n_samples: int, n_features: int) -> list[slice]:
    """Split the rows into ranges of about ``CHUNK_CELLS`` cells."""
    step = max(1, CHUNK_CELLS // max(1, n_features))
    return [slice(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def over_chunks(work: Callable[[slice], T], n_samples: int, n_features: int) -> Iterator[T]:
    """Yield ``work(rows)`` for each range of rows, in order; large tables use one thread per processor.

    Threads help because numpy releases the GIL, and the work is about half waiting for memory.
    """
    parts = chunks(n_samples, n_features)
    if len(parts) < _MIN_CHUNKS_FOR_THREADS:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(work, parts)


def plain(part: Any) -> np.ndarray:
    """Convert rows to a dense array."""
    return part.toarray() if sparse.issparse(part) else part


def dense(X: Any, rows: slice) -> np.ndarray:
    """Return a range of rows as a dense float64 array."""
    return np.asarray(plain(X[rows]), dtype=np.float64)


def columns(X: Any) -> Iterator[np.ndarray]:
    """Yield the columns one after the other, as dense float64 arrays."""
    by_column = X.tocsc() if sparse.issparse(X) else X
    for position in range(X.shape[1]):
        yield plain(by_column[:, [position]])[:, 0].astype(np.float64)
