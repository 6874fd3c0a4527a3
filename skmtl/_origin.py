"""Whose code an object is. What is neither Keras' nor ours may do something else the next time it is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

_PACKAGES = ("keras", "skmtl")
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def is_library_code(thing: Any) -> bool:
    """Whether a class or function is certainly Keras' or ours: what that module has under that name."""
    found: Any = sys.modules.get(getattr(thing, "__module__", None) or "")
    if found is None or found.__name__.split(".")[0] not in _PACKAGES:
        return False
    for part in getattr(thing, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is thing


def is_settled(value: Any) -> bool:
    """Whether a value says all of itself: plain numbers and texts, library code, and collections of these."""
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, Mapping):
        return all(is_settled(entry) for entry in value.values())
    if isinstance(value, list | tuple | frozenset):
        return all(is_settled(entry) for entry in value)
    return is_library_code(value)
