"""The process' compiled programs: bounded, least recently used out first, safe to use from threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ProgramCache(Generic[T]):
    """Keeps at most ``size`` programs; a key of None is never kept."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.RLock()
        self._programs: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable | None, make: Callable[[], T]) -> T:
        """The program of that key, made where there is none."""
        # Making a program builds Keras layers, which is quick; tracing and compiling happen outside.
        with self._lock:
            if key is None:
                return make()
            if key not in self._programs:
                self._programs[key] = make()
                if len(self._programs) > self.size:
                    self._programs.popitem(last=False)
            self._programs.move_to_end(key)
            return self._programs[key]

    def drop(self, program: T) -> None:
        """Forget a program, where it is kept."""
        with self._lock:
            for key in [key for key, kept in self._programs.items() if kept is program]:
                del self._programs[key]

    @contextmanager
    def dropped_on_error(self, program: T) -> Iterator[None]:
        """Forget a program where the block raises: whatever went wrong with it is not left to others."""
        try:
            yield
        except BaseException:
            self.drop(program)
            raise

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock:
            self._programs.clear()

    def __len__(self) -> int:
        """Number of programs kept."""
        return len(self._programs)
