"""Damaged and hostile files, made from valid ones."""

from __future__ import annotations

import io
import json
import random
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

TEXT = "skmtl.json"
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, -(10**30), 0.5, 1e308, "", "x", "../x", "nan", [], [[]], {}, [0],
    {"$": "float", "value": "nan"}, {"$": "tuple", "items": []}, {"$": "array", "number": 0}, {"$": "NA"},
    {"$": "record", "class": "Task", "same": 0}, {"$": "estimator", "class": "MultiTaskKerasRegressor"},
    {"$": "array", "shape": [10**12], "items": []}, {"$": "unknown"},
    {"$": "keras.name", "module": "os", "name": "system"}, {"$": "dtype", "name": "O"},
    {"$": "range", "of": [0, 10**18, 1]},
]  # fmt: skip


def entries_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: list[tuple[str, bytes]], packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicate names
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, packing)
    return file.getvalue()


def with_text(data: bytes, text: bytes) -> bytes:
    return packed([*{**entries_of(data), TEXT: text}.items()])


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def directory_flipped(data: bytes, rng: random.Random) -> bytes:
    """Change a byte of the zip's central directory."""
    start, changed = data.rindex(b"PK\x01\x02"), bytearray(data)
    changed[rng.randrange(start, len(changed))] = rng.randrange(256)
    return bytes(changed)


def spliced(data: bytes, rng: random.Random) -> bytes:
    start, length = rng.randrange(len(data)), rng.randrange(1, 200)
    part = rng.choice([b"", bytes(length), data[:length]])
    return data[:start] + part + data[start + length * rng.randrange(2) :]


def renamed(data: bytes, rng: random.Random) -> bytes:
    entries = list(entries_of(data).items())
    chosen = rng.randrange(len(entries))
    name = rng.choice(["../../etc/x", "/tmp/x", "arrays/00.npy", "arrays/99.npy", "x", "arrays/0.npy/", "C:\\x", ""])
    entries[chosen] = (name, entries[chosen][1])
    return packed(entries)


def another_array(data: bytes, rng: random.Random) -> bytes:
    """Replace an array by one of another shape, dtype or order, or damage its header."""
    entries = entries_of(data)
    names = [name for name in entries if name != TEXT]
    if not names:
        return truncated(data, rng)
    name = rng.choice(names)
    array = np.load(io.BytesIO(entries[name]))
    others = [
        array.astype("f2"), array.astype("M8[s]"), array.astype(str), array.ravel(), array[:0], array[None], array.T,
        np.full_like(array, 2**30), array.astype(bool), np.array(0), array.astype([("a", "f8")]),
    ]  # fmt: skip
    file = io.BytesIO()
    np.save(file, rng.choice(others))
    content = rng.choice([file.getvalue(), flipped(entries[name][:128], rng) + entries[name][128:]])
    return packed([*{**entries, name: content}.items()])


def another_text(data: bytes, rng: random.Random) -> bytes:
    """Change one value, key or entry of the JSON text."""
    tree = json.loads(entries_of(data)[TEXT])
    node, key = rng.choice(list(places(tree)))
    change = rng.randrange(4)
    if change == 0 and isinstance(node, dict):
        node[rng.choice(["$", "class", "x", "same"])] = rng.choice(VALUES)
    elif change == 1:
        del node[key]
    elif change == 2 and isinstance(node[key], int | float) and not isinstance(node[key], bool):
        node[key] = rng.choice([-node[key], node[key] + 1, node[key] * 10**6, float("nan"), str(node[key])])
    else:
        node[key] = rng.choice([*VALUES, rng.choice(list(places(tree)))[0]])
    try:
        return with_text(data, json.dumps(tree).encode())
    except (ValueError, RecursionError):
        # The change made the tree contain itself.
        return truncated(data, rng)


def places(tree: Any) -> Any:
    """Yield every container with each of its keys."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from places(tree[key])


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    truncated, flipped, directory_flipped, spliced, renamed, another_array, another_text, another_text, another_text,
]  # fmt: skip
