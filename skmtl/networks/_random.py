"""Python's and numpy's global generators: seeded for a while, then put back."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators within the block; one thread at a time.

    Keras draws the seeds of initialisers and dropout layers from Python's: whatever makes layers does so
    in here, so that it depends on ``seed`` alone and leaves the generators as they were.
    """
    with _LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)  # noqa: NPY002
