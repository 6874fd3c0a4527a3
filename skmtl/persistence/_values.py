"""Encode the values of labels, names and parameters; the table at the end lists all kinds."""

from __future__ import annotations

import base64
import datetime
import math
import zoneinfo
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import InvalidModelFileError
from ._coder import Decoder, Encoder, Kind
from ._npy import KINDS as PLAIN
from ._npy import from_npy, to_npy

Tree = Mapping[str, Any]
# Arrays up to this many bytes are part of the JSON text: a separate zip entry would add about as much again.
_SMALL = 2048
# Limit for dicts and sets: a hostile file could choose more keys with the same hash, which would take for ever.
_MOST_ENTRIES = 10_000
_LONGEST_NAME = 500


def _encode_items(encoder: Encoder, value: Any) -> dict[str, Any]:
    return {"items": encoder.items(list(value))}


def _encode_set(encoder: Encoder, value: Any) -> dict[str, Any]:
    if len(value) > _MOST_ENTRIES:
        raise encoder.refusal(f"a set with more than {_MOST_ENTRIES:,} entries")
    return {"items": encoder.items(sorted(value, key=repr))}


def _encode_dict(encoder: Encoder, value: dict[Any, Any]) -> dict[str, Any]:
    if len(value) > _MOST_ENTRIES:
        raise encoder.refusal(f"a dict with more than {_MOST_ENTRIES:,} entries")
    entries = []
    for key, item in value.items():
        with encoder.at(f"[{key!r}]"):
            entries.append([encoder.encode(key), encoder.encode(item)])
    return {"items": entries}


def _hashed_items(tree: Tree) -> list[Any]:
    if len(tree["items"]) > _MOST_ENTRIES:
        raise InvalidModelFileError(f"it has a dict or a set with more than {_MOST_ENTRIES:,} entries")
    return tree["items"]


def _decode_dict(decoder: Decoder, tree: Tree) -> dict[Any, Any]:
    return {decoder.decode(key): decoder.decode(item) for key, item in _hashed_items(tree)}


def _encode_array(encoder: Encoder, value: np.ndarray) -> dict[str, Any]:
    if value.dtype.kind == "O":
        return {"shape": list(value.shape), "items": encoder.items(list(value.ravel()))}
    if value.dtype.kind not in PLAIN or value.dtype.fields is not None:
        raise encoder.refusal(f"an array of dtype {value.dtype}")
    if value.dtype.itemsize == 0:
        value = value.astype(value.dtype.kind + "1")
    if value.nbytes <= _SMALL:
        return {"npy": base64.b64encode(to_npy(value)).decode("ascii")}
    return {"number": encoder.array(value)}


def _decode_array(decoder: Decoder, tree: Tree) -> np.ndarray:
    if "number" in tree:
        return decoder.array(tree["number"])
    if "npy" in tree:
        return from_npy(base64.b64decode(tree["npy"], validate=True))
    items, shape = [decoder.decode(item) for item in tree["items"]], tuple(tree["shape"])
    if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) != len(items):
        raise InvalidModelFileError(f"an array of shape {shape} has {len(items)} elements")
    array = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        array[position] = item
    return array.reshape(shape)


def _encode_scalar(encoder: Encoder, value: np.generic) -> dict[str, Any]:
    if value.dtype.kind not in PLAIN or value.dtype.fields is not None:
        raise encoder.refusal(f"a number of dtype {value.dtype}")
    if value.dtype.kind in "US":
        return {"dtype": value.dtype.kind, "value": encoder.encode(value.item())}
    dtype = value.dtype.newbyteorder("<")
    return {"dtype": dtype.str, "value": np.asarray(value).astype(dtype).tobytes().hex()}


_STRINGS = {"U": (np.str_, str), "S": (np.bytes_, bytes)}


def _decode_scalar(decoder: Decoder, tree: Tree) -> Any:
    if tree["dtype"] in _STRINGS:
        make, kind = _STRINGS[tree["dtype"]]
        value = decoder.decode(tree["value"])
        if not isinstance(value, kind):
            raise InvalidModelFileError(f"a numpy string holds a value of type {type(value).__name__}")
        return make(value)
    dtype = np.dtype(_checked_dtype_name(tree["dtype"]))
    if dtype.kind not in PLAIN or dtype.fields is not None:
        raise InvalidModelFileError(f"a number has the dtype {dtype}, which skmtl.load does not allow")
    (value,) = np.frombuffer(bytes.fromhex(tree["value"]), dtype)
    return value


def _checked_dtype_name(name: Any) -> str:
    """Check the name of a dtype; dateutil would open any file that a time zone names."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or "dateutil" in name:
        raise InvalidModelFileError(f"it has the dtype {str(name)[:80]!r}, which skmtl.load does not allow")
    return name


def _encode_zone(encoder: Encoder, zone: datetime.tzinfo | None) -> Any:
    if zone is None:
        return None
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return zone.key
    if isinstance(zone, datetime.timezone):
        return zone.utcoffset(None).total_seconds()
    raise encoder.refusal(f"a time in the time zone {zone!r}")


def _decode_zone(zone: Any) -> datetime.tzinfo | None:
    if zone is None:
        return None
    return zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else datetime.timezone(datetime.timedelta(seconds=zone))


def _encode_time(encoder: Encoder, value: Any) -> dict[str, Any]:
    return {
        "iso": value.replace(tzinfo=None).isoformat(),
        "fold": value.fold,
        "zone": _encode_zone(encoder, value.tzinfo),
    }


def _decode_datetime(decoder: Decoder, tree: Tree) -> datetime.datetime:  # noqa: ARG001
    return datetime.datetime.fromisoformat(tree["iso"]).replace(fold=tree["fold"], tzinfo=_decode_zone(tree["zone"]))


def _decode_time(decoder: Decoder, tree: Tree) -> datetime.time:  # noqa: ARG001
    return datetime.time.fromisoformat(tree["iso"]).replace(fold=tree["fold"], tzinfo=_decode_zone(tree["zone"]))


def _encode_timestamp(encoder: Encoder, value: pd.Timestamp) -> dict[str, Any]:
    plain = value.tz_convert(None) if value.tzinfo is not None else value
    return {"value": plain.asm8.view("i8").item(), "unit": value.unit, "zone": _encode_zone(encoder, value.tzinfo)}


def _decode_timestamp(decoder: Decoder, tree: Tree) -> pd.Timestamp:  # noqa: ARG001
    time = pd.Timestamp(np.datetime64(tree["value"], tree["unit"]))
    return time if tree["zone"] is None else time.tz_localize("UTC").tz_convert(_decode_zone(tree["zone"]))


def _encode_timedelta(encoder: Encoder, value: pd.Timedelta) -> dict[str, Any]:  # noqa: ARG001
    return {"value": value.asm8.view("i8").item(), "unit": value.unit}


def _encode_dtype(encoder: Encoder, value: Any) -> dict[str, Any]:
    try:
        same = "dateutil" not in str(value) and pd.api.types.pandas_dtype(str(value)) == value
    except (TypeError, ValueError):
        same = False
    if not same:
        raise encoder.refusal(f"the dtype {value!r}, which its name does not identify")
    return {"name": str(value)}


def _decode_dtype(decoder: Decoder, tree: Tree) -> Any:  # noqa: ARG001
    return pd.api.types.pandas_dtype(_checked_dtype_name(tree["name"]))


def _encode_string_dtype(encoder: Encoder, value: pd.StringDtype) -> dict[str, Any]:
    return {"storage": value.storage, "missing": encoder.encode(value.na_value)}


def _decode_string_dtype(decoder: Decoder, tree: Tree) -> pd.StringDtype:
    return pd.StringDtype(tree["storage"], na_value=decoder.decode(tree["missing"]))


def _encode_categories(encoder: Encoder, value: pd.CategoricalDtype) -> dict[str, Any]:
    return {"categories": encoder.encode(value.categories), "ordered": bool(value.ordered)}


def _decode_categories(decoder: Decoder, tree: Tree) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(decoder.decode(tree["categories"]), tree["ordered"])


def _encode_index(encoder: Encoder, value: pd.Index) -> dict[str, Any]:
    return {
        "values": encoder.encode(value.astype(object).to_numpy()),
        "dtype": encoder.encode(value.dtype),
        "name": encoder.encode(value.name),
    }


def _decode_index(decoder: Decoder, tree: Tree) -> pd.Index:
    values, dtype = decoder.decode(tree["values"]), decoder.decode(tree["dtype"])
    return pd.Index(values, dtype=dtype, name=decoder.decode(tree["name"]))


def _encode_range_index(encoder: Encoder, value: pd.RangeIndex) -> dict[str, Any]:
    return {"range": [value.start, value.stop, value.step], "name": encoder.encode(value.name)}


def _decode_range_index(decoder: Decoder, tree: Tree) -> pd.RangeIndex:
    return pd.RangeIndex(*tree["range"], name=decoder.decode(tree["name"]))


def _encode_multi_index(encoder: Encoder, value: pd.MultiIndex) -> dict[str, Any]:
    return {
        "levels": [encoder.encode(level) for level in value.levels],
        "codes": [np.asarray(codes).tolist() for codes in value.codes],
        "names": [encoder.encode(name) for name in value.names],
    }


def _decode_multi_index(decoder: Decoder, tree: Tree) -> pd.MultiIndex:
    levels = [decoder.decode(level) for level in tree["levels"]]
    names = [decoder.decode(name) for name in tree["names"]]
    return pd.MultiIndex(levels=levels, codes=tree["codes"], names=names)


def _encode_frame(encoder: Encoder, value: pd.DataFrame) -> dict[str, Any]:
    columns = [encoder.encode(value.iloc[:, position].to_numpy()) for position in range(value.shape[1])]
    return {"columns": columns, "index": encoder.encode(value.index), "names": encoder.encode(value.columns)}


def _decode_frame(decoder: Decoder, tree: Tree) -> pd.DataFrame:
    columns = dict(enumerate(decoder.decode(column) for column in tree["columns"]))
    frame = pd.DataFrame(columns, index=decoder.decode(tree["index"]))
    return frame.set_axis(decoder.decode(tree["names"]), axis=1)


def _encode_random_state(encoder: Encoder, value: np.random.RandomState) -> dict[str, Any]:
    return {"state": encoder.encode(value.get_state())}


def _decode_random_state(decoder: Decoder, tree: Tree) -> np.random.RandomState:
    state = np.random.RandomState(0)
    state.set_state(decoder.decode(tree["state"]))
    return state


def _constant(tag: str, value: Any) -> Kind:
    return Kind(tag, (type(value),), lambda *_: {}, lambda *_: value)


_DTYPES = (
    *(type(np.dtype(code)) for code in "?bhilqBHILQefdgFDSUMm"),
    *(type(pd.api.types.pandas_dtype(f"{kind}{bits}")) for kind in ("Int", "UInt") for bits in (8, 16, 32, 64)),
    *(type(pd.api.types.pandas_dtype(name)) for name in ("Float32", "Float64", "boolean", "object")),
    pd.DatetimeTZDtype,
    pd.PeriodDtype,
    pd.ArrowDtype,
)
_SCALARS = tuple(np.dtype(code).type for code in "?bhilqBHILQefdgFDSUMm")
_INDEXES = (pd.Index, pd.DatetimeIndex, pd.TimedeltaIndex, pd.CategoricalIndex, pd.PeriodIndex)

VALUES = (
    Kind("tuple", (tuple,), _encode_items, lambda decoder, tree: tuple(decoder.decode(tree["items"]))),
    Kind("set", (set,), _encode_set, lambda decoder, tree: set(decoder.decode(_hashed_items(tree)))),
    Kind("frozenset", (frozenset,), _encode_set, lambda decoder, tree: frozenset(decoder.decode(_hashed_items(tree)))),
    Kind("dict", (dict,), _encode_dict, _decode_dict),
    Kind("range", (range,), lambda _, r: {"of": [r.start, r.stop, r.step]}, lambda _, tree: range(*tree["of"])),
    Kind("array", (np.ndarray,), _encode_array, _decode_array),
    Kind("scalar", _SCALARS, _encode_scalar, _decode_scalar),
    Kind(
        "bytes",
        (bytes,),
        lambda _, value: {"base64": base64.b64encode(value).decode("ascii")},
        lambda _, tree: base64.b64decode(tree["base64"], validate=True),
    ),
    Kind("decimal", (Decimal,), lambda _, value: {"text": str(value)}, lambda _, tree: Decimal(tree["text"])),
    Kind(
        "fraction",
        (Fraction,),
        lambda _, value: {"of": [value.numerator, value.denominator]},
        lambda _, tree: Fraction(*tree["of"]),
    ),
    Kind(
        "date",
        (datetime.date,),
        lambda _, value: {"iso": value.isoformat()},
        lambda _, tree: datetime.date.fromisoformat(tree["iso"]),
    ),
    Kind("datetime", (datetime.datetime,), _encode_time, _decode_datetime),
    Kind("time", (datetime.time,), _encode_time, _decode_time),
    Kind(
        "timedelta",
        (datetime.timedelta,),
        lambda _, value: {"of": [value.days, value.seconds, value.microseconds]},
        lambda _, tree: datetime.timedelta(*tree["of"]),
    ),
    Kind("timestamp", (pd.Timestamp,), _encode_timestamp, _decode_timestamp),
    Kind(
        "pandas.timedelta",
        (pd.Timedelta,),
        _encode_timedelta,
        lambda _, tree: pd.Timedelta(np.timedelta64(tree["value"], tree["unit"])),
    ),
    Kind(
        "period",
        (pd.Period,),
        lambda _, value: {"ordinal": value.ordinal, "frequency": value.freqstr},
        lambda _, tree: pd.Period(ordinal=tree["ordinal"], freq=tree["frequency"]),
    ),
    _constant("NA", pd.NA),
    _constant("NaT", pd.NaT),
    Kind("dtype", _DTYPES, _encode_dtype, _decode_dtype),
    Kind("dtype.string", (pd.StringDtype,), _encode_string_dtype, _decode_string_dtype),
    Kind("dtype.categories", (pd.CategoricalDtype,), _encode_categories, _decode_categories),
    Kind("index", _INDEXES, _encode_index, _decode_index),
    Kind("index.range", (pd.RangeIndex,), _encode_range_index, _decode_range_index),
    Kind("index.multi", (pd.MultiIndex,), _encode_multi_index, _decode_multi_index),
    Kind("frame", (pd.DataFrame,), _encode_frame, _decode_frame),
    Kind("random_state", (np.random.RandomState,), _encode_random_state, _decode_random_state),
)
