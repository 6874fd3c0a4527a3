"""Rows of X a few at a time, and columns one at a time, dense or sparse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

# Cells encoded at a time: what lies between stays in the processor's cache however long the table is.
CHUNK_CELLS = 1 << 18
# With fewer chunks, starting threads costs more than they save.
_FEWEST_FOR_THREADS = 16

T = TypeVar("T")


def chunks(n_samples: int, n_features: int) -> list[slice]:
    """Ranges of rows of about ``CHUNK_CELLS`` cells."""
    step = max(1, CHUNK_CELLS // max(1, n_features))
    return [slice(start, min(start + step, n_samples)) for start in range(0, n_samples, step)]


def over_chunks(work: Callable[[slice], T], n_samples: int, n_features: int) -> Iterator[T]:
    """What ``work`` gives for each range of rows, in order; of a large table on as many threads as processors.

    numpy lets other threads run while it computes, and half of that is waiting for memory.
    """
    parts = chunks(n_samples, n_features)
    if len(parts) < _FEWEST_FOR_THREADS:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(work, parts)


def plain(part: Any) -> np.ndarray:
    """Rows as an array."""
    return part.toarray() if sparse.issparse(part) else part


def dense(X: Any, rows: slice) -> np.ndarray:
    """Rows as float64."""
    return np.asarray(plain(X[rows]), dtype=np.float64)


def columns(X: Any) -> Iterator[np.ndarray]:
    """Columns as float64, one after the other."""
    by_column = X.tocsc() if sparse.issparse(X) else X
    for position in range(X.shape[1]):
        yield plain(by_column[:, [position]])[:, 0].astype(np.float64)
