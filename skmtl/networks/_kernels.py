"""What TensorFlow keeps of every operation it has ever run, let go from time to time."""

from __future__ import annotations

import threading

from tensorflow.python.eager import context

# Models built and programs traced between two clearings. What stays in use is prepared anew, in milliseconds.
_EVERY = 64

_lock = threading.Lock()
_made = 0


def count_what_was_made() -> None:
    """Note that a model was built or a program traced, each of which leaves kernels behind: up to a megabyte.

    They are TensorFlow's cache, which has no bound: without this a process that goes through thousands of structures,
    or builds as many models, grows for good.
    """
    global _made
    with _lock:
        _made += 1
        full = _made % _EVERY == 0
    if full:
        forget_kernels()


def forget_kernels() -> None:
    """Empty the cache; safe while other threads compute, as they hold what they use."""
    context.context().clear_kernel_cache()
