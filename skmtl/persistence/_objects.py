"""Encode skmtl's own objects: records by their fields, estimators by parameters and fitted attributes."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator

from ..exceptions import InvalidModelFileError
from ._classes import CONFIGURED, ESTIMATORS, FORMER_FIELDS, FORMER_RECORDS, RECORDS, find_class, is_listed
from ._coder import Decoder, Encoder, Kind
from ._keras import decode_source, encode_source
from ._lost_function import LostFunction
from ._types import check_type

# Rebuilt on loading: they refer to objects of this process, as keys of the program cache.
_REBUILT = ("custom_key", "origin")
# Names of records that a file may hold.
_READABLE = {**RECORDS, **FORMER_RECORDS}
# scikit-learn's callbacks are not part of a fit's result; metadata requests are written separately.
_LEFT_OUT = ("_skl_callbacks", "_metadata_request")


def object_kind(value: Any) -> Kind | None:
    """Kind of one of skmtl's objects; None for all other values."""
    kind = type(value)
    if dataclasses.is_dataclass(kind) and is_listed(RECORDS, kind):
        return RECORD
    if isinstance(value, BaseEstimator) and is_listed(ESTIMATORS, kind):
        return ESTIMATOR
    return CONSTRUCTED if is_listed(CONFIGURED, kind) else None


@functools.cache
def hints_of(kind: type) -> dict[str, Any]:
    """Type hints of a record's fields, or of the attributes that an estimator's class annotates."""
    return typing.get_type_hints(kind)


def _encode_record(encoder: Encoder, value: Any) -> dict[str, Any]:
    return {"class": type(value).__name__, **encoder.once(value, lambda: {"fields": _fields(encoder, value)})}


def _fields(encoder: Encoder, value: Any) -> dict[str, Any]:
    if type(value).__name__ == "CustomSource":
        return encode_source(encoder, value)
    names = [field.name for field in dataclasses.fields(value) if field.name not in _REBUILT]
    return encoder.fields({name: getattr(value, name) for name in names})


def _decode_record(decoder: Decoder, tree: Mapping[str, Any]) -> Any:
    name = _checked_name(_READABLE, tree["class"])
    name = FORMER_RECORDS.get(name, name)
    record = decoder.once(tree, lambda: _make_record(decoder, name, tree["fields"]))
    if type(record).__name__ != name:
        raise InvalidModelFileError(f"a reference to a {name} leads to a {type(record).__name__}")
    return record


def _make_record(decoder: Decoder, name: str, fields: Mapping[str, Any]) -> Any:
    if name == "CustomSource":
        return decode_source(decoder, fields)
    kind = find_class(RECORDS, name)
    hints = hints_of(kind)
    former = FORMER_FIELDS.get(name, {})
    values = {former.get(field, field): decoder.decode(value) for field, value in fields.items()}
    known = {field.name: field for field in dataclasses.fields(kind) if field.name not in _REBUILT}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InvalidModelFileError(f"its {name} has the unknown fields {', '.join(unknown)}")
    for field in set(known) - set(values):
        # Fields that later versions add have defaults, so that older files can be read.
        if known[field].default is dataclasses.MISSING and known[field].default_factory is dataclasses.MISSING:
            raise InvalidModelFileError(f"its {name} lacks the field {field}")
    for field, value in values.items():
        check_type(value, hints[field], f"{name}.{field}")
    if values.get("custom") is not None:
        source = values["custom"]
        tasks = tuple(head.name for head in values["heads"])
        values["custom_key"] = (source.configuration, tuple(source.classes.values()), tasks)
    return kind(**values)


def _encode_estimator(encoder: Encoder, value: Any) -> dict[str, Any]:
    parameters = value.get_params(deep=False)
    return {
        "class": type(value).__name__,
        "parameters": encoder.fields({name: _without_builder(name, value) for name, value in parameters.items()}),
        "requests": _requests(encoder, value),
        "fitted": encoder.fields(_fitted(encoder, value, parameters)),
    }


def _without_builder(name: str, parameter: Any) -> Any:
    """The parameter's value; the callable of ``model=`` is replaced by a placeholder with its name."""
    if name != "model" or parameter is None or isinstance(parameter, LostFunction):
        return parameter
    function = parameter.func if isinstance(parameter, functools.partial) else parameter
    return LostFunction(getattr(function, "__name__", type(function).__name__))


def _fitted(encoder: Encoder, value: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that are not parameters; the class must annotate each of them."""
    attributes = {name: one for name, one in vars(value).items() if name not in parameters and name not in _LEFT_OUT}
    kind: Any = type(value)
    for name in attributes:
        if name not in hints_of(kind):
            with encoder.at(f".{name}"):
                raise encoder.refusal(f"not an attribute of {kind.__name__}")
    return attributes


def _requests(encoder: Encoder, value: Any) -> Any:
    """Metadata requests, as set by set_fit_request and the like."""
    requests = getattr(value, "_metadata_request", None)
    if requests is None:
        return None
    methods = [name[4:-8] for name in dir(value) if name.startswith("set_") and name.endswith("_request")]
    return encoder.encode({method: dict(getattr(requests, method).requests) for method in methods})


def _decode_estimator(decoder: Decoder, tree: Mapping[str, Any]) -> Any:
    kind = find_class(ESTIMATORS, _checked_name(ESTIMATORS, tree["class"]))
    estimator = kind(**{name: decoder.decode(value) for name, value in tree["parameters"].items()})
    for method, requests in (decoder.decode(tree["requests"]) or {}).items():
        if method not in ("fit", "partial_fit", "predict", "predict_proba", "score"):
            raise InvalidModelFileError(f"it has a metadata request for {method!r}")
        getattr(estimator, f"set_{method}_request")(**requests)
    fitted = {name: decoder.decode(value) for name, value in tree["fitted"].items()}
    for name, value in fitted.items():
        if name not in hints_of(kind) or name in estimator.get_params(deep=False) or hasattr(kind, name):
            raise InvalidModelFileError(f"its {kind.__name__} has the unknown attribute {name!r}")
        check_type(value, hints_of(kind)[name], f"{kind.__name__}.{name}")
    vars(estimator).update(fitted)
    return estimator


def _encode_constructed(encoder: Encoder, value: Any) -> dict[str, Any]:
    names = [name for name in inspect.signature(type(value).__init__).parameters if name != "self"]
    if any(not hasattr(value, name) for name in names):
        raise encoder.refusal(f"a {type(value).__name__} without attributes for its settings")
    settings = {name: getattr(value, name) for name in names}
    return {"class": type(value).__name__, "settings": encoder.fields(settings)}


def _decode_constructed(decoder: Decoder, tree: Mapping[str, Any]) -> Any:
    kind = find_class(CONFIGURED, _checked_name(CONFIGURED, tree["class"]))
    return kind(**{name: decoder.decode(value) for name, value in tree["settings"].items()})


def _checked_name(table: Mapping[str, str], name: Any) -> str:
    if not isinstance(name, str) or name not in table:
        raise InvalidModelFileError(f"it has an object of the class {name!r}, which skmtl.load does not allow")
    return name


RECORD = Kind("record", (), _encode_record, _decode_record)
ESTIMATOR = Kind("estimator", (), _encode_estimator, _decode_estimator)
CONSTRUCTED = Kind("object", (), _encode_constructed, _decode_constructed)
