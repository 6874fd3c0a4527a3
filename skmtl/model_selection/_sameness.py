"""Whether parameters are the same, told by what they are when written down."""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import Any


class _Writer(pickle.Pickler):
    """Writes functions and classes by identity: clones share them, also those that no pickle could name."""

    def persistent_id(self, value: Any) -> int | None:
        return id(value) if isinstance(value, FunctionType | type) else None


def written(value: Any) -> bytes | None:
    """Bytes that are equal for values that behave alike; None where a value cannot be written down.

    Only values that live at the same time can be compared so.
    """
    buffer = io.BytesIO()
    try:
        _Writer(buffer).dump(value)
    except Exception:
        # What a caller's object raises may be anything.
        return None
    return buffer.getvalue()
