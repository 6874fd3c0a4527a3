"""Encode Python values as a JSON tree and arrays, and decode them: only values of explicitly listed kinds.

None, booleans, integers, finite floats, strings and lists are plain JSON. Every other value is a JSON object whose key
"$" names its kind. Values of no listed kind are refused, with a message that says which value it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..exceptions import InvalidModelFileError

TAG = "$"


@dataclass(frozen=True)
class Kind:
    """How values of some types are encoded and decoded.

    ``encode`` takes an `Encoder` and the value, and returns the JSON object without "$"; ``decode`` takes a `Decoder`
    and the complete object.
    """

    tag: str
    types: tuple[type, ...]
    encode: Callable[[Encoder, Any], dict[str, Any]]
    decode: Callable[[Decoder, Mapping[str, Any]], Any]


class Encoder:
    """Encodes values and collects their arrays.

    Parameters
    ----------
    find : callable
        Returns the `Kind` of a value, or None if it has none.
    custom_objects : mapping of str to type
        The caller's own classes that the file may name.
    """

    def __init__(self, find: Callable[[Any], Kind | None], custom_objects: Mapping[str, type]) -> None:
        self.custom_objects = custom_objects
        self.arrays: list[np.ndarray] = []
        self._find = find
        self._where: list[str] = []
        # Objects encoded before are only referred to; keeping them stops their ids from being reused.
        self._written: dict[int, int] = {}
        self._kept: list[Any] = []
        self._array_numbers: dict[int, int] = {}

    def encode(self, value: Any) -> Any:
        """Encode a value as JSON."""
        if _is_json(value):
            return value
        if type(value) is float:
            return {TAG: "float", "value": str(value)}
        if type(value) is list:
            return self.items(value)
        kind = self._find(value)
        if kind is None:
            raise self.refusal(f"{_shown(value)} of type {type(value).__name__}")
        return {TAG: kind.tag, **kind.encode(self, value)}

    def items(self, values: Sequence[Any]) -> list[Any]:
        """Encode the entries of a list; error messages give their positions."""
        if all(map(_is_json, values)):
            return list(values)
        encoded = []
        for position, value in enumerate(values):
            with self.at(f"[{position}]"):
                encoded.append(self.encode(value))
        return encoded

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Encode values by name; error messages give their names."""
        encoded = {}
        for name, value in values.items():
            with self.at(f".{name}"):
                encoded[name] = self.encode(value)
        return encoded

    def array(self, value: np.ndarray) -> int:
        """Add an array to the file and return its number; the same array is added only once."""
        if id(value) not in self._array_numbers:
            self._array_numbers[id(value)] = len(self.arrays)
            self.arrays.append(value)
        return self._array_numbers[id(value)]

    def once(self, value: Any, write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Encode an object with ``write``, or refer to it by number if it was encoded before."""
        if id(value) in self._written:
            return {"same": self._written[id(value)]}
        written = write()
        self._written[id(value)] = len(self._kept)
        self._kept.append(value)
        return written

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        """Add a step to the path that error messages give."""
        self._where.append(step)
        yield
        self._where.pop()

    def refusal(self, what: str) -> TypeError:
        """The error for a value that cannot be saved."""
        where = "".join(self._where).lstrip(".") or "the value"
        return TypeError(
            f"skmtl.save writes data, not code, and cannot save {where}: it is {what}. Use a name or a number instead, "
            "or save with pickle, joblib or cloudpickle."
        )


class Decoder:
    """Decodes values.

    Parameters
    ----------
    kinds : mapping of str to Kind
        Kinds by tag.
    read_array : callable
        Returns the array with a given number.
    custom_objects : mapping of str to type
        The caller's own classes that the file may name.
    """

    def __init__(
        self, kinds: Mapping[str, Kind], read_array: Callable[[int], np.ndarray], custom_objects: Mapping[str, type]
    ) -> None:
        self.custom_objects = custom_objects
        self._kinds = kinds
        self._read_array = read_array
        self._arrays: dict[int, np.ndarray] = {}
        self._made: list[Any] = []

    def decode(self, tree: Any) -> Any:
        """Decode a JSON tree."""
        if isinstance(tree, list):
            return [self.decode(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if tree.get(TAG) == "float":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[tree["value"]]
        kind = self._kinds.get(tree[TAG])
        if kind is None:
            raise InvalidModelFileError(f"it has a value of the unknown kind {tree[TAG]!r}")
        return kind.decode(self, tree)

    def array(self, number: Any) -> np.ndarray:
        """Return an array of the file."""
        if number not in self._arrays:
            self._arrays[number] = self._read_array(number)
        return self._arrays[number]

    def once(self, tree: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        """Decode an object with ``make``, or return the earlier object to which the tree refers."""
        if "same" in tree:
            return self._made[tree["same"]]
        made = make()
        self._made.append(made)
        return made


def _is_json(value: Any) -> bool:
    """Whether the value is plain JSON."""
    kind = type(value)
    return value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value))


def _shown(value: Any) -> str:
    text = getattr(value, "__qualname__", None) or repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
