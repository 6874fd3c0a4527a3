"""Compare parameters by their pickles."""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any


class _Writer(pickle.Pickler):
    """Pickles functions and classes by identity: clones share them, even those that cannot be pickled by name."""

    def persistent_id(self, value: Any) -> int | None:
        return id(value) if isinstance(value, FunctionType | type) else None


def parameter_key(value: Any) -> bytes | None:
    """Return bytes that are equal for values that behave alike, or None for values that cannot be pickled.

    The comparison is valid only between values that exist at the same time.
    """
    buffer = io.BytesIO()
    try:
        _Writer(buffer).dump(value)
    except Exception:
        # A caller's object may raise anything.
        return None
    return buffer.getvalue()
