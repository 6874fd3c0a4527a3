"""From Python values to a JSON tree with arrays beside it, and back: an explicit list of kinds, and nothing else.

What JSON has is itself: None, booleans, integers, finite floats, strings, and lists. All else is an object with the
key "$", which names its kind. Whatever has no kind is refused by name.
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
    """How values of one type are written, and made again.

    ``encode`` gets an `Encoder` and the value, and returns the JSON object's other keys; ``decode`` gets a `Decoder`
    and the whole object.
    """

    tag: str
    types: tuple[type, ...]
    encode: Callable[[Encoder, Any], dict[str, Any]]
    decode: Callable[[Decoder, Mapping[str, Any]], Any]


class Encoder:
    """Writes values; collects arrays.

    Parameters
    ----------
    find : callable
        From a value to the `Kind` that writes it, None where there is none.
    custom_objects : mapping of str to type
        Classes of the caller's own that the file may name.
    """

    def __init__(self, find: Callable[[Any], Kind | None], custom_objects: Mapping[str, type]) -> None:
        self.custom_objects = custom_objects
        self.arrays: list[np.ndarray] = []
        self._find = find
        self._where: list[str] = []
        # What was written before is only named; the values are kept so that their ids stay theirs.
        self._written: dict[int, int] = {}
        self._kept: list[Any] = []
        self._array_numbers: dict[int, int] = {}

    def encode(self, value: Any) -> Any:
        """The value as JSON has it."""
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
        """Entries of a list, each with its place in messages."""
        if all(map(_is_json, values)):
            return list(values)
        found = []
        for position, value in enumerate(values):
            with self.at(f"[{position}]"):
                found.append(self.encode(value))
        return found

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by name, each with its name in messages."""
        found = {}
        for name, value in values.items():
            with self.at(f".{name}"):
                found[name] = self.encode(value)
        return found

    def array(self, value: np.ndarray) -> int:
        """Number of the array in the file; the same array is written once."""
        if id(value) not in self._array_numbers:
            self._array_numbers[id(value)] = len(self.arrays)
            self.arrays.append(value)
        return self._array_numbers[id(value)]

    def once(self, value: Any, write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What ``write`` gives; where the same object was written before, its number alone."""
        if id(value) in self._written:
            return {"same": self._written[id(value)]}
        written = write()
        self._written[id(value)] = len(self._kept)
        self._kept.append(value)
        return written

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        """Name a part of the value in messages."""
        self._where.append(step)
        yield
        self._where.pop()

    def refusal(self, what: str) -> TypeError:
        """The error for something that a file cannot keep."""
        where = "".join(self._where).lstrip(".") or "the value"
        return TypeError(
            f"skmtl.save keeps data, no code, and cannot keep {where}: it is {what}. Set it to something that has a "
            "name or is a number, or use pickle, joblib or cloudpickle."
        )


class Decoder:
    """Makes values again.

    Parameters
    ----------
    kinds : mapping of str to Kind
        By tag.
    read_array : callable
        From a number to the array in the file.
    custom_objects : mapping of str to type
        Classes of the caller's own that the file may name.
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
        """The value of a JSON tree."""
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
        """An array of the file."""
        if number not in self._arrays:
            self._arrays[number] = self._read_array(number)
        return self._arrays[number]

    def once(self, tree: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        """What ``make`` gives, or what was made before where the tree says so."""
        if "same" in tree:
            return self._made[tree["same"]]
        made = make()
        self._made.append(made)
        return made


def _is_json(value: Any) -> bool:
    """Whether JSON has the value as it is."""
    kind = type(value)
    return value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value))


def _shown(value: Any) -> str:
    text = getattr(value, "__qualname__", None) or repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
