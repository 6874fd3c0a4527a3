"""Damaged and hostile files raise InvalidModelFileError, within bounds of time and memory and without side effects."""

import io
import json
import os
import pickle
import random
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

import skmtl
from skmtl.exceptions import InvalidModelFileError
from skmtl.persistence._npy import from_npy, to_npy

from ._golden import FOLDER
from ._mutations import MUTATIONS, TEXT, entries_of, packed, with_text

FILES = {path.stem: path.read_bytes() for path in sorted((FOLDER / "format_1").glob("*.skmtl"))}
SMALL = FILES["incremental"]


def refusal(data, tmp_path):
    """The message of the error that loading the bytes raises."""
    (tmp_path / "model.skmtl").write_bytes(data)
    with pytest.raises(InvalidModelFileError) as caught:
        skmtl.load(tmp_path / "model.skmtl")
    return str(caught.value)


def with_array(content):
    entries = entries_of(FILES["regressor"])
    return packed([*{**entries, "arrays/0.npy": content}.items()])


def header(text, body=b""):
    raw = text.encode()
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + body


def with_estimator(tree):
    return with_text(SMALL, json.dumps({"format": 1, "estimator": tree}).encode())


HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "pickle": pickle.dumps({"a": 1}),
    "another zip": packed([("a", b"b")]),
    "truncated": SMALL[:-10],
    "path traversal": packed([("../../evil", b"x"), *entries_of(SMALL).items()]),
    "twice": packed([*entries_of(SMALL).items(), (TEXT, b"{}")]),
    "extra entry": packed([*entries_of(SMALL).items(), ("arrays/0.npy/x", b"")]),
    "bzip2": packed([*entries_of(SMALL).items()], zipfile.ZIP_BZIP2),
    "bomb": packed([(TEXT, bytes(1 << 28))], zipfile.ZIP_DEFLATED),
    "bomb of arrays": packed([*entries_of(SMALL).items(), ("arrays/0.npy", bytes(1 << 28))], zipfile.ZIP_DEFLATED),
    "giant shape": with_array(header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }\n")),
    "shape of zeros": with_array(header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99), }\n", b"x")),
    "pickled objects": with_array(
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", pickle.dumps(1))
    ),
    "code in a header": with_array(header("{'descr': __import__('os').getcwd(), 'shape': (1,), }\n", bytes(8))),
    "deep header": with_array(header("(" * 9000)),
    "deep text": with_text(SMALL, b"[" * 200_000 + b"]" * 200_000),
    "deep objects": with_text(SMALL, b'{"format":1,"estimator":' + b'{"$":"tuple","items":[' * 50_000),
    "long number": with_text(SMALL, b'{"format":' + b"9" * 100_000 + b"}"),
    "NaN": with_text(SMALL, b'{"format":NaN}'),
    "no object": with_text(SMALL, b"[1]"),
    "another format": with_text(SMALL, b'{"format":0}'),
    "true": with_text(SMALL, b'{"format":true}'),
    "bytes": with_text(SMALL, b"\xff\xfe"),
    "many lists": packed([(TEXT, b"[" + b"[]," * ((1 << 22) // 3 - 2) + b"0]")], zipfile.ZIP_DEFLATED),
    "keys of one hash": with_estimator({"$": "dict", "items": [[number * (2**61 - 1), 0] for number in range(30_000)]}),
    "long dtype": with_estimator({"$": "scalar", "dtype": "i4," * 200_000, "hex": ""}),
    "dtype of a file": with_estimator({"$": "dtype", "name": "datetime64[ns, dateutil//etc/hostname]"}),
    "loader of Keras": with_estimator({"$": "keras.name", "module": "losses", "name": "deserialize"}),
    "callback that writes": with_estimator(
        {"$": "keras.object", "module": "callbacks", "name": "CSVLogger", "config": {"filename": "x"}}
    ),
    "no estimator": with_text(SMALL, b'{"format":1,"estimator":3}'),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_little_memory_and_no_side_effects(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    begin = time.perf_counter()
    message = refusal(HOSTILE[kind], tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "model.skmtl" in message
    assert peak < 150e6
    assert time.perf_counter() - begin < 30
    assert os.listdir(tmp_path) == ["model.skmtl"]


def test_entries_that_overlap_are_refused(tmp_path):
    """Overlapping entries let a zip unpack to much more than its size without compression."""
    body, count = to_npy(np.zeros(4000)), 50
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries_of(SMALL).items():
            archive.writestr(name, content)
        archive.writestr("arrays/0.npy", body)
        first = archive.getinfo("arrays/0.npy")
        for number in range(1, count):
            other = zipfile.ZipInfo(f"arrays/{number}.npy")
            for field in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(other, field, getattr(first, field))
            archive.filelist.append(other)
    assert "overlap" in refusal(file.getvalue(), tmp_path)


def test_a_newer_format_is_refused_with_both_versions(tmp_path):
    tree = json.loads(entries_of(SMALL)[TEXT]) | {"format": 7, "versions": {"skmtl": "9.9"}}
    message = refusal(with_text(SMALL, json.dumps(tree).encode()), tmp_path)
    assert (
        f"format 7, written by skmtl 9.9, but skmtl {skmtl.__version__} reads only formats up to 1. Update skmtl"
        in message
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"class":"FittedNetwork"', '"class":"os.system"', "which skmtl.load does not allow"),
        ('"members":1', '"members":"1"', r"members should be int, got str"),
        ('"members":1', '"members":true', r"members should be int, got bool"),
        ('"members":1', '"members":2', "weights are inconsistent"),
        ('"link":"identity"', '"link":"other"', r"Head.link should be"),
        ('"trained_epochs":1', '"trained_epochs":1,"more":2', "unknown fields more"),
        ('"dropout":0.0,', "", "lacks the field dropout"),
        ('"n_iter_":', '"predict":', "unknown attribute 'predict'"),
        ('"n_iter_":', '"__class__":', "unknown attribute '__class__'"),
        ('"parameters":{', '"parameters":{"evil":1,', "unexpected parameter 'evil'"),
    ],
)
def test_the_message_names_what_is_wrong(old, new, message, tmp_path):
    text = entries_of(SMALL)[TEXT].decode()
    assert old in text
    assert message in refusal(with_text(SMALL, text.replace(old, new).encode()), tmp_path)


def test_a_field_with_a_default_may_be_missing(tmp_path):
    text = entries_of(SMALL)[TEXT].decode()
    assert ',"trained_epochs":1' in text
    (tmp_path / "model.skmtl").write_bytes(with_text(SMALL, text.replace(',"trained_epochs":1', "").encode()))
    assert skmtl.load(tmp_path / "model.skmtl").network_.trained_epochs == 0


@pytest.mark.parametrize(
    "name",
    ["Lambda", "TFSMLayer", "TorchModuleWrapper", "function", "__lambda__", "MyLayer", "StringLookup"],
)
def test_a_network_with_layers_that_are_not_listed_is_refused(name, tmp_path):
    text = entries_of(FILES["model"])[TEXT].decode()
    changed = text.replace('\\"class_name\\": \\"BatchNormalization\\"', f'\\"class_name\\": \\"{name}\\"')
    assert changed != text
    assert repr(name) in refusal(with_text(FILES["model"], changed.encode()), tmp_path)


def test_a_layer_of_another_module_under_a_listed_name_is_refused(tmp_path):
    text = entries_of(FILES["model"])[TEXT].decode()
    changed = text.replace('\\"module\\": \\"keras.layers\\"', '\\"module\\": \\"evil.layers\\"')
    assert "evil.layers" in refusal(with_text(FILES["model"], changed.encode()), tmp_path)
    changed = text.replace('\\"registered_name\\": null', '\\"registered_name\\": \\"evil>Dense\\"')
    assert "keras" in refusal(with_text(FILES["model"], changed.encode()), tmp_path)


@pytest.mark.parametrize("bad", [b"", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00" + bytes(20), b"PK" + bytes(200)])
def test_an_array_without_a_header_is_refused(bad):
    with pytest.raises(InvalidModelFileError):
        from_npy(bad)


@pytest.mark.parametrize(
    "array", [np.array([2], np.uint8).view(bool), np.array([0x110000], np.uint32).view("U1")], ids=["bool", "str"]
)
def test_bytes_that_are_not_valid_for_the_dtype_are_refused(array):
    with pytest.raises(InvalidModelFileError):
        from_npy(to_npy(array))


def check_mutations(count, seed, tmp_path):
    """Load mutated files: each loads, or raises InvalidModelFileError."""
    rng, files, path = random.Random(seed), list(FILES.values()), tmp_path / "model.skmtl"
    refused = 0
    for number in range(count):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        path.write_bytes(mutate(rng.choice(files), rng))
        begin = time.perf_counter()
        try:
            skmtl.load(path)
        except InvalidModelFileError:
            refused += 1
        assert time.perf_counter() - begin < 20, (number, mutate.__name__)
    assert os.listdir(tmp_path) == ["model.skmtl"]
    assert refused > count / 2


def test_mutated_files_raise_no_other_exception(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_mutations(400, 0, tmp_path)


@pytest.mark.slow
def test_ten_thousand_mutated_files_raise_no_other_exception(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_mutations(10_000, 1, tmp_path)
