"""Prefetching: prepare the next item on a thread while the current one is in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the items, and make the next one on another thread while the caller uses the current one."""
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="skmtl-ahead") as pool:
        waiting = pool.submit(next, source, _END)
        while (item := waiting.result()) is not _END:
            waiting = pool.submit(next, source, _END)
            yield item
