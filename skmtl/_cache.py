"""Thread-safe cache of compiled programs that evicts the least recently used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ProgramCache(Generic[T]):
    """Cache of at most ``size`` programs; a key of None is never cached."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.RLock()
        self._programs: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable | None, make: Callable[[], T]) -> T:
        """Return the program of this key, made if it is not cached."""
        # Making a program only builds Keras layers, which is quick; tracing and compiling happen outside the lock.
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
        """Remove a program if it is cached."""
        with self._lock:
            for key in [key for key, kept in self._programs.items() if kept is program]:
                del self._programs[key]

    @contextmanager
    def dropped_on_error(self, program: T) -> Iterator[None]:
        """Remove a program if the block raises, so others do not get a broken one."""
        try:
            yield
        except BaseException:
            self.drop(program)
            raise

    def clear(self) -> None:
        """Remove all programs."""
        with self._lock:
            self._programs.clear()

    def __len__(self) -> int:
        """Return the number of cached programs."""
        return len(self._programs)
