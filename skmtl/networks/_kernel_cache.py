"""Clear TensorFlow's cache of operation kernels from time to time."""

from __future__ import annotations

import threading

from tensorflow.python.eager import context

# Number of built models and traced programs between two clearings. Kernels still in use are recreated in milliseconds.
_EVERY = 64

_lock = threading.Lock()
_built = 0


def count_build() -> None:
    """Count a built model or traced program, and clear the kernel cache after every 64.

    Each leaves kernels of up to a megabyte in TensorFlow's cache, which is unbounded. Without clearing, the memory of a
    process that builds thousands of models or structures grows without limit.
    """
    global _built
    with _lock:
        _built += 1
        full = _built % _EVERY == 0
    if full:
        clear_kernels()


def clear_kernels() -> None:
    """Clear the cache; safe while other threads compute, because they hold the kernels they use."""
    context.context().clear_kernel_cache()
