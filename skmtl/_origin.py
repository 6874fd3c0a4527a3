"""Tell library code (Keras' or ours) from the caller's, which may behave differently at every call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

_PACKAGES = ("keras", "skmtl")
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def is_library_code(thing: Any) -> bool:
    """Return whether a class or function is certainly Keras' or ours: its module has it under its name."""
    found: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
    if found is None or found.__name__.split(".")[0] not in _PACKAGES:
        return False
    for part in getattr(thing, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is thing


def is_settled(value: Any) -> bool:
    """Return whether a value is fully described by itself: numbers, text, library code, or collections of these."""
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, Mapping):
        return all(is_settled(entry) for entry in value.values())
    if isinstance(value, list | tuple | frozenset):
        return all(is_settled(entry) for entry in value)
    return is_library_code(value)
