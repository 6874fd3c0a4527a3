"""Detect processes forked after TensorFlow ran: its threads are gone, and it would wait for them forever."""

from __future__ import annotations

import os
import sys

_tensorflow_ran_in_parent = False


def check_fork() -> None:
    """Refuse to use TensorFlow if a parent of this process used it before the fork.

    Raises
    ------
    RuntimeError
        If it did; the message says what to do instead.
    """
    if _tensorflow_ran_in_parent:
        raise RuntimeError(
            "This process was forked after TensorFlow ran in its parent, so TensorFlow would hang here. Start "
            "processes with 'spawn' or 'forkserver' (multiprocessing.get_context) or with joblib's 'loky', or fork "
            "before the first fit. Only predictions without TensorFlow work here, such as those of the default network."
        )


def _has_run() -> bool:
    """Return whether TensorFlow's runtime has started; a mere import starts no threads that a child would miss."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    return context is not None and bool(getattr(context, "_initialized", True))


def _record_fork() -> None:
    global _tensorflow_ran_in_parent
    _tensorflow_ran_in_parent = _tensorflow_ran_in_parent or _has_run()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_record_fork)
