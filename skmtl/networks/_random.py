"""Seed Python's and numpy's global random generators temporarily."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_LOCK = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the global generators within the block, and restore their states after it; one thread at a time.

    Keras draws the seeds of initialisers and dropout layers from Python's generator. Layers are therefore created
    inside this context, so that they depend only on ``seed`` and do not change the generators.
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
