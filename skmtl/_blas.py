"""numpy's linear algebra on one thread: how many there are shows in the last bits of a product.

The limit is the process', so that whoever comes first sets it and whoever goes last takes it back.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any

from threadpoolctl import ThreadpoolController


class SingleThreadedBlas:
    """Context in which BLAS takes one thread; any number of threads may be in it at once, or more than once."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = 0
        self._libraries: list[Any] | None = None
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = [(library, library.num_threads) for library in self._known()]
                self.limit_this_thread()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()

    def limit_this_thread(self) -> None:
        """Set the limit without taking it back: some builds of BLAS count threads for each thread that calls them."""
        for library in self._known():
            _set(library, 1)

    def _restore(self) -> None:
        for library, number in self._before:
            # Another number than ours was set by somebody else in the meantime.
            if library.num_threads == 1:
                _set(library, number)
        self._before = []

    def _known(self) -> list[Any]:
        if self._libraries is None:
            # Looking for them takes milliseconds, longer than a prediction.
            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    def after_fork(self) -> None:
        """In a child nobody is inside: those who were are threads of its parent."""
        self._lock = threading.RLock()
        if self._inside:
            self._inside = 0
            self._restore()


def _set(library: Any, number: int) -> None:
    """Set the number of threads, from whatever thread: threadpoolctl 3.8 has one alone set it for all."""
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


single_threaded_blas = SingleThreadedBlas()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=single_threaded_blas.after_fork)
