"""Processes forked after TensorFlow began to run: its threads are not there any more, and it would wait for them."""

from __future__ import annotations

import os
import sys

_inherited = False


def check_fork() -> None:
    """Refuse to use TensorFlow where a parent of this process had used it before the fork.

    Raises
    ------
    RuntimeError
        Where it had; what to do instead is in the message.
    """
    if _inherited:
        raise RuntimeError(
            "This process was forked from one in which TensorFlow had run, and there TensorFlow waits for ever. Start "
            "processes by 'spawn' or 'forkserver' (multiprocessing.get_context), or by joblib's 'loky'; or fork before "
            "anything is fitted. Only predictions that need no TensorFlow work here, as those of the default network."
        )


def _has_run() -> bool:
    """Whether TensorFlow's runtime, and not only its module, is there: importing it starts no thread that is missed."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    return context is not None and bool(getattr(context, "_initialized", True))


def _note() -> None:
    global _inherited
    _inherited = _inherited or _has_run()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note)
