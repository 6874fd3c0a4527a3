"""Limit numpy's linear algebra to one thread, because the number of threads changes the last bits of a product.

The limit applies to the whole process: the first to enter sets it, and the last to leave resets it.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Any

from threadpoolctl import ThreadpoolController


class SingleThreadedBlas:
    """Context in which BLAS uses one thread; any number of threads may enter it, also repeatedly."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = 0
        self._libraries: list[Any] | None = None
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = [(library, library.num_threads) for library in self._blas_libraries()]
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
        """Set the limit without resetting it, for builds of BLAS that count threads per calling thread."""
        for library in self._blas_libraries():
            _set(library, 1)

    def _restore(self) -> None:
        for library, number in self._before:
            # Any other number was set by someone else in the meantime.
            if library.num_threads == 1:
                _set(library, number)
        self._before = []

    def _blas_libraries(self) -> list[Any]:
        if self._libraries is None:
            # Looking the libraries up takes milliseconds, longer than a prediction.
            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    def after_fork(self) -> None:
        """Reset the limit in a forked child: the threads that were inside belong to its parent."""
        self._lock = threading.RLock()
        if self._inside:
            self._inside = 0
            self._restore()


def _set(library: Any, number: int) -> None:
    """Set the number of threads from any thread; threadpoolctl 3.8 lets only one thread set it."""
    getattr(library, "_real_set_num_threads", library.set_num_threads)(number)


single_threaded_blas = SingleThreadedBlas()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=single_threaded_blas.after_fork)
