"""Encode Keras objects: losses, optimizers and the like by name and settings, networks by their configuration.

Only objects on the lists below are allowed, with settings that are data. Keras' own loader reads only the configuration
of a ``model=`` network, and only after every class that it names was found on the list.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from .._records import CustomSource
from ..exceptions import InvalidModelFileError
from ._coder import Decoder, Encoder, Kind

_LAYERS = (
    "Activation ActivityRegularization Add AlphaDropout Average AveragePooling1D BatchNormalization Concatenate Conv1D "
    "Cropping1D Dense Dot Dropout ELU EinsumDense Embedding Flatten GaussianDropout GaussianNoise "
    "GlobalAveragePooling1D GlobalMaxPooling1D GroupNormalization Identity InputLayer LayerNormalization LeakyReLU "
    "Masking MaxPooling1D Maximum Minimum Multiply MultiHeadAttention PReLU Permute RMSNormalization ReLU RepeatVector "
    "Rescaling Reshape Softmax SpatialDropout1D SpectralNormalization Subtract UnitNormalization UpSampling1D "
    "ZeroPadding1D"
)
_OUR_LAYERS = (
    "AffineColumns CategoryEmbedding ClippedColumns CrossStitchUnit ExpertDense ExpertGate ExpertMixture LowRankUpdate "
    "MemberAverage MemberDense PeriodicEmbedding PiecewiseLinearEmbedding Probabilities TaskDense TaskModulation"
)
# By module, as written in a configuration.
_ALLOWED = {
    "keras": "DTypePolicy Functional Sequential",
    "keras.layers": _LAYERS,
    "keras.models": "Functional Sequential",
    "keras.src.models.functional": "Functional",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.initializers": (
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal "
        "RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
    ),
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.src.ops.nn": "Elu Gelu LeakyRelu LogSoftmax Relu Relu6 Selu Sigmoid Silu Softmax Softplus Softsign",
    "keras.src.ops.numpy": (
        "Abs Absolute Add Clip Concatenate Cos Divide Exp ExpandDims GetItem Log Log1p Matmul Max Maximum Mean Min "
        "Minimum Multiply Negative Power Prod Reshape Sin Sqrt Square Squeeze Stack Subtract Sum Swapaxes Tanh "
        "Transpose TrueDivide"
    ),
}
_NETWORKS = {(module, name) for module, names in _ALLOWED.items() for name in names.split()}
_SYNTAX = ("__keras_tensor__", "__tuple__")

# Parameters may be classes and functions of these modules.
_PARAMETERS = ("losses", "optimizers", "optimizers.schedules", "callbacks")
# Parameters may be instances of classes of these modules. Not of callbacks, which may write files.
_INSTANCES = ("losses", "optimizers", "optimizers.schedules")
# Keras' own loaders, which could build anything.
_LOADERS = ("deserialize", "get", "serialize")


def keras_kind(value: Any) -> Kind | None:
    """Kind of a Keras loss, optimizer or callback class; None for all other values."""
    keras = sys.modules.get("keras")
    if keras is None:
        return None
    if _module_of(keras, value) is not None:
        return NAMED
    return CONFIGURED if _module_of(keras, type(value)) in _INSTANCES and hasattr(value, "get_config") else None


def _module_of(keras: Any, value: Any) -> str | None:
    """Which of the listed modules exports a class or function under its own name; None if none does."""
    name = getattr(value, "__name__", None)
    if name is None or name in _LOADERS or not str(getattr(value, "__module__", "")).startswith("keras."):
        return None
    for module in _PARAMETERS:
        if getattr(_submodule(keras, module), name, None) is value:
            return module
    return None


def _submodule(keras: Any, path: str) -> Any:
    for step in path.split("."):
        keras = getattr(keras, step)
    return keras


def _encode_named(encoder: Encoder, value: Any) -> dict[str, Any]:  # noqa: ARG001
    return {"module": _module_of(sys.modules["keras"], value), "name": value.__name__}


def _decode_named(decoder: Decoder, tree: Mapping[str, Any]) -> Any:  # noqa: ARG001
    module, name = tree["module"], tree["name"]
    found = None
    if module in _PARAMETERS and isinstance(name, str) and name.isidentifier():
        keras = import_module("keras")
        found = getattr(_submodule(keras, module), name, None)
    if found is None or _module_of(keras, found) != module:
        raise InvalidModelFileError(f"it names {name!r} of keras.{module}, which skmtl.load does not allow")
    return found


def _encode_configured(encoder: Encoder, value: Any) -> dict[str, Any]:
    config = dict(value.get_config())
    for name, setting in config.items():
        if isinstance(setting, Mapping) and "class_name" in setting:
            # A learning rate schedule is a Keras object too: encode the object, not its configuration.
            config[name] = getattr(value, f"_{name}", None)
    return {**_encode_named(encoder, type(value)), "config": encoder.fields(config)}


def _decode_configured(decoder: Decoder, tree: Mapping[str, Any]) -> Any:
    kind = _decode_named(decoder, tree)
    if not isinstance(kind, type) or tree["module"] not in _INSTANCES:
        raise InvalidModelFileError(f"it has an instance of {tree['name']!r}, which skmtl.load does not allow")
    return kind(**{name: decoder.decode(setting) for name, setting in tree["config"].items()})


NAMED = Kind("keras.name", (), _encode_named, _decode_named)
CONFIGURED = Kind("keras.object", (), _encode_configured, _decode_configured)


def encode_source(encoder: Encoder, source: CustomSource) -> dict[str, Any]:
    """Encode a ``model=`` network as its configuration, if every class in it is allowed."""
    if source.configuration is None:
        raise encoder.refusal(
            "a network that Keras cannot rebuild from its configuration (it has a Lambda layer, or a custom layer "
            "whose get_config omits settings)"
        )
    tree = json.loads(source.configuration)
    tree.pop("compile_config", None)
    for entry in _foreign(tree, encoder.custom_objects):
        raise encoder.refusal(
            f"a network with {entry}, which is not a standard Keras layer; for your own layers, pass "
            "custom_objects={name: class} to skmtl.save and skmtl.load"
        )
    return {"configuration": json.dumps(tree), "n_inputs": source.n_inputs}


def decode_source(decoder: Decoder, tree: Mapping[str, Any]) -> CustomSource:
    """Decode and check a network's configuration; Keras is imported only when the network predicts."""
    configuration, n_inputs = tree["configuration"], tree["n_inputs"]
    if not isinstance(configuration, str) or not (n_inputs is None or type(n_inputs) is int):
        raise InvalidModelFileError("the configuration of the model= network has the wrong form")
    for entry in _foreign(json.loads(configuration), decoder.custom_objects):
        raise InvalidModelFileError(
            f"its network has {entry}: pass custom_objects={{name: class}} if this is one of your own layers"
        )
    return CustomSource(None, {}, configuration, dict(decoder.custom_objects), n_inputs)


def _foreign(tree: Any, own: Mapping[str, type]) -> Iterator[str]:
    """Yield what a configuration names that is neither on the list nor one of the caller's own classes."""
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _foreign(child, own)
    if isinstance(tree, dict) and "class_name" in tree and not _is_known(tree, own):
        yield f"{tree['class_name']!r} of {tree.get('module')!r}"


def _is_known(node: Mapping[str, Any], own: Mapping[str, type]) -> bool:
    name, module = node["class_name"], node.get("module")
    if not isinstance(name, str) or not (module is None or isinstance(module, str)):
        return False
    if name in own or name in _SYNTAX:
        return True
    registered = node.get("registered_name")
    if name in _OUR_LAYERS.split():
        return registered == f"skmtl>{name}"
    return (module, name) in _NETWORKS and registered in (None, name)
