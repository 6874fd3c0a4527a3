"""Check the backend of Keras before Keras is imported."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from ._fork import check_fork


def check_backend() -> None:
    """Refuse any backend of Keras but TensorFlow, and a process forked after TensorFlow ran.

    Raises
    ------
    RuntimeError
        With the setting that chooses the backend, or with what to do instead of a fork.
    """
    check_fork()
    backend, source = _configured_backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"skmtl needs Keras with the TensorFlow backend, but {source} is {backend!r}. Set it to 'tensorflow' "
            "before Keras is imported."
        )


def _configured_backend() -> tuple[str, str]:
    """Return the backend and its source: an imported Keras, else its environment variable, else its settings file."""
    keras: Any = sys.modules.get("keras")
    if hasattr(keras, "config"):
        return keras.config.backend(), "the backend of the imported Keras"
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "tensorflow", "Keras' default"
    return settings.get("backend", "tensorflow"), f"the backend in {path}"
