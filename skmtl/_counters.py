"""Counters of expensive operations, which let tests check the engine without a clock."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    """Thread-safe counters: "traces", "compilations", "device_copies", "program_calls"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        """Add ``amount`` to the counter ``name``."""
        with self._lock:
            self._counts[name] += amount

    def snapshot(self) -> dict[str, int]:
        """Return all counts since the process began."""
        with self._lock:
            return dict(self._counts)


counters = Counters()
