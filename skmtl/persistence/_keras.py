"""Keras' things: losses, optimizers and the like by name and settings, and networks by their configuration.

Only those on the lists below, and their settings are data. Keras' own loader reads nothing but the configuration of a
``model=`` network, and that only after every class it names was found on the list.
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
# By module, as a configuration has it.
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

# What parameters may be: a class, an instance of one, or a function, of these modules.
_PARAMETERS = ("losses", "optimizers", "optimizers.schedules", "callbacks")
# What instances are made of: a callback might be told to write files.
_INSTANCES = ("losses", "optimizers", "optimizers.schedules")
# Keras' own ways to make things of names and settings.
_LOADERS = ("deserialize", "get", "serialize")


def of_keras(value: Any) -> Kind | None:
    """How to write a loss, an optimizer or a callback's class of Keras'; None for all else."""
    keras = sys.modules.get("keras")
    if keras is None:
        return None
    if _home(keras, value) is not None:
        return NAMED
    return CONFIGURED if _home(keras, type(value)) in _INSTANCES and hasattr(value, "get_config") else None


def _home(keras: Any, value: Any) -> str | None:
    """In which of the modules a class or function is found under its own name."""
    name = getattr(value, "__name__", None)
    if name is None or name in _LOADERS or not str(getattr(value, "__module__", "")).startswith("keras."):
        return None
    for module in _PARAMETERS:
        if getattr(_part(keras, module), name, None) is value:
            return module
    return None


def _part(keras: Any, module: str) -> Any:
    for step in module.split("."):
        keras = getattr(keras, step)
    return keras


def _encode_named(encoder: Encoder, value: Any) -> dict[str, Any]:  # noqa: ARG001
    return {"module": _home(sys.modules["keras"], value), "name": value.__name__}


def _decode_named(decoder: Decoder, tree: Mapping[str, Any]) -> Any:  # noqa: ARG001
    module, name = tree["module"], tree["name"]
    found = None
    if module in _PARAMETERS and isinstance(name, str) and name.isidentifier():
        keras = import_module("keras")
        found = getattr(_part(keras, module), name, None)
    if found is None or _home(keras, found) != module:
        raise InvalidModelFileError(f"it names {name!r} of keras.{module}, which skmtl.load does not make")
    return found


def _encode_configured(encoder: Encoder, value: Any) -> dict[str, Any]:
    config = dict(value.get_config())
    for name, setting in config.items():
        if isinstance(setting, Mapping) and "class_name" in setting:
            # A schedule of learning rates is itself of Keras: as an object it is written like its owner.
            config[name] = getattr(value, f"_{name}", None)
    return {**_encode_named(encoder, type(value)), "config": encoder.fields(config)}


def _decode_configured(decoder: Decoder, tree: Mapping[str, Any]) -> Any:
    kind = _decode_named(decoder, tree)
    if not isinstance(kind, type) or tree["module"] not in _INSTANCES:
        raise InvalidModelFileError(f"it has settings for {tree['name']!r}, of which skmtl.load makes no instance")
    return kind(**{name: decoder.decode(setting) for name, setting in tree["config"].items()})


NAMED = Kind("keras.name", (), _encode_named, _decode_named)
CONFIGURED = Kind("keras.object", (), _encode_configured, _decode_configured)


def encode_source(encoder: Encoder, source: CustomSource) -> dict[str, Any]:
    """What is kept of a ``model=`` network: its configuration, if all that it names may be kept."""
    if source.configuration is None:
        raise encoder.refusal(
            "a network that Keras cannot build again from its configuration (a Lambda layer, or one of the caller's "
            "own that leaves settings out of get_config)"
        )
    tree = json.loads(source.configuration)
    tree.pop("compile_config", None)
    for entry in _foreign(tree, encoder.custom_objects):
        raise encoder.refusal(
            f"a network with {entry}, which is none of Keras' standard layers; pass custom_objects={{name: class}} to "
            "skmtl.save, and to skmtl.load, for layers of your own"
        )
    return {"configuration": json.dumps(tree), "n_inputs": source.n_inputs}


def decode_source(decoder: Decoder, tree: Mapping[str, Any]) -> CustomSource:
    """The network's description, checked; Keras is not imported before it predicts."""
    configuration, n_inputs = tree["configuration"], tree["n_inputs"]
    if not isinstance(configuration, str) or not (n_inputs is None or type(n_inputs) is int):
        raise InvalidModelFileError("the description of the model= network is of another form")
    for entry in _foreign(json.loads(configuration), decoder.custom_objects):
        raise InvalidModelFileError(
            f"its network has {entry}: pass custom_objects={{name: class}} for layers of your own"
        )
    return CustomSource(None, {}, configuration, dict(decoder.custom_objects), n_inputs)


def _foreign(tree: Any, own: Mapping[str, type]) -> Iterator[str]:
    """What a configuration names that is neither on the list nor of the caller's own."""
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
