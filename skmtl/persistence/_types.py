"""Check values from a file against type hints before they are used."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable
from typing import Any

import numpy as np

from ..exceptions import InvalidModelFileError

_UNIONS = (typing.Union, types.UnionType)
# Other types that satisfy a hint: numpy scalars, and a scalar for a 0-D array.
_WIDER: dict[Any, tuple[Any, ...]] = {
    float: (float, int, np.floating, np.integer),
    int: (int, np.integer),
    bool: (bool, np.bool_),
    np.ndarray: (np.ndarray, np.generic),
}


def check_type(value: Any, hint: Any, where: str) -> None:
    """Raise InvalidModelFileError, naming ``where``, unless the value satisfies the hint."""
    if not _fits(value, hint):
        expected = getattr(hint, "__name__", None) or str(hint)
        raise InvalidModelFileError(f"{where} should be {expected}, got {type(value).__name__}")


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint is None or hint is types.NoneType:
        return value is None
    origin = typing.get_origin(hint)
    if origin is None:
        return _is_instance(value, hint)
    if origin is typing.Literal:
        return isinstance(value, str) and value in typing.get_args(hint)
    if origin in _UNIONS:
        return any(_fits(value, option) for option in typing.get_args(hint))
    return _is_instance(value, origin) and _ITEMS.get(origin, _no_items)(value, typing.get_args(hint))


def _is_instance(value: Any, kind: Any) -> bool:
    if isinstance(value, bool) and kind in (int, float):
        return False
    return isinstance(value, _WIDER.get(kind, (kind,)))


def _no_items(value: Any, arguments: tuple[Any, ...]) -> bool:  # noqa: ARG001 - the signature of _ITEMS
    return True


def _tuple_items(value: Any, arguments: tuple[Any, ...]) -> bool:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(_fits(item, arguments[0]) for item in value)
    return len(value) == len(arguments) and all(map(_fits, value, arguments))


def _list_items(value: Any, arguments: tuple[Any, ...]) -> bool:
    return all(_fits(item, arguments[0]) for item in value)


def _mapping_items(value: Any, arguments: tuple[Any, ...]) -> bool:
    return all(_fits(key, arguments[0]) and _fits(item, arguments[1]) for key, item in value.items())


_ITEMS: dict[Any, Callable[[Any, tuple[Any, ...]], bool]] = {
    tuple: _tuple_items,
    list: _list_items,
    collections.abc.Sequence: _list_items,
    dict: _mapping_items,
    collections.abc.Mapping: _mapping_items,
}
