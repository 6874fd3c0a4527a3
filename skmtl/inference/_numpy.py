"""Forward pass of the shared bottom in numpy, which needs no TensorFlow and is quicker for few rows.

Few rows are computed in float64, so that a row's prediction does not depend on the other rows, to the last digits that
matter.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import erf, expit

from .._blas import single_threaded_blas
from .._pieces import in_pieces
from .._records import Head, NetworkSpec
from ._inputs import embed_inputs, input_shapes, input_width


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0.0)


def _mish(x: np.ndarray) -> np.ndarray:
    """Return ``x tanh(softplus(x))`` with one exponential: ``(1 + e^x)^2`` is ``e^x (e^x + 2) + 1``."""
    power = np.minimum(x, _MISH_IS_LINEAR)
    np.exp(power, out=power)
    power *= power + 2.0
    power /= power + 2.0
    power *= x
    return power


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# From here on, mish equals its argument, to the last bit.
_MISH_IS_LINEAR = 20.0
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "linear": lambda x: x,
    "mish": _mish,
    "relu": lambda x: np.maximum(x, 0, out=x),  # in place: the array is not used elsewhere
    "selu": lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": expit,
    "silu": lambda x: x * expit(x),
    "softplus": _softplus,
    "swish": lambda x: x * expit(x),
    "tanh": np.tanh,
}

_LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda raw: raw,
    "sigmoid": expit,
    "softmax": _softmax,
    "softplus": _softplus,
}

# Variables of the input stage, then kernels and biases.
Layers = tuple[list[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]
Outputs = list[np.ndarray]

# Up to this many rows are computed in float64, more in float32. The rows are encoded in pieces, and pass through the
# layers a few at a time, so that hidden values stay in the processor's cache.
EXACT_ROWS = 1024
_PIECE_ROWS, _CACHED_ROWS = 1024, 256
# With more multiplications, a compiled function may be quicker (on an accelerator, much quicker).
_MOST_PRODUCTS = 1e12
# Up to this many multiplications, BLAS uses one thread anyway, and limiting it would take longer than the prediction.
_ONE_THREAD = 9000

# Weights split into layers, by precision; freed with the fitted network that they belong to.
_LAYERS: weakref.WeakKeyDictionary[object, dict[type, Layers]] = weakref.WeakKeyDictionary()


def numpy_outputs(
    spec: NetworkSpec, parameters: np.ndarray, encode: Callable[[slice, type], np.ndarray], n_rows: int, owner: object
) -> Outputs | None:
    """Return each head's outputs after its link, (n_rows, units) float64, averaged over members.

    ``parameters`` is (members, n_parameters); they are kept, split into layers, as long as ``owner`` lives. ``encode``
    returns the encoded inputs of a range of rows in a precision. The result is None if numpy cannot compute the
    network, or there are too many rows.
    """
    largest = _largest_kernel_of(spec)
    if largest is None or n_rows * parameters.size > _MOST_PRODUCTS:
        return None
    if n_rows * largest <= _ONE_THREAD:
        return _exact_outputs(spec, parameters, encode, n_rows, owner)
    with single_threaded_blas:
        if n_rows <= EXACT_ROWS:
            return _exact_outputs(spec, parameters, encode, n_rows, owner)
        layers = _layers_of(owner, spec, parameters, np.float32)

        def piece(rows: slice) -> Outputs:
            inputs = encode(rows, np.float32)
            starts = range(0, len(inputs), _CACHED_ROWS)
            return _joined([_outputs(spec, layers, inputs[start : start + _CACHED_ROWS]) for start in starts])

        return [part.astype(np.float64) for part in _joined(in_pieces(piece, n_rows, _PIECE_ROWS))]


def _joined(pieces: Sequence[Outputs]) -> Outputs:
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]


def _exact_outputs(
    spec: NetworkSpec, parameters: np.ndarray, encode: Callable[[slice, type], np.ndarray], n_rows: int, owner: object
) -> Outputs:
    layers = _layers_of(owner, spec, parameters, np.float64)
    return _outputs(spec, layers, encode(slice(0, n_rows), np.float64))


def _layers_of(owner: object, spec: NetworkSpec, parameters: np.ndarray, dtype: type) -> Layers:
    layers = _LAYERS.setdefault(owner, {})
    if dtype not in layers:
        layers[dtype] = _split_into_layers(spec, parameters, dtype)
    return layers[dtype]


def _outputs(spec: NetworkSpec, layers: Layers, inputs: np.ndarray) -> Outputs:
    raw = _raw_outputs(spec, layers, inputs)
    first = spec.heads[0].link
    if raw.shape[-1] == len(spec.heads) and all(head.link == first for head in spec.heads):
        return list(_average(_LINKS[first](raw)).T[:, :, None])
    stops = np.cumsum([head.units for head in spec.heads])[:-1]
    parts = zip(spec.heads, np.split(raw, stops, axis=-1), strict=True)
    return [_average(_LINKS[head.link](part)) for head, part in parts]


def _average(linked: np.ndarray) -> np.ndarray:
    return linked if linked.ndim == 2 else linked.mean(axis=0)


def has_numpy_form(spec: NetworkSpec) -> bool:
    """Whether numpy can compute the network."""
    return _largest_kernel_of(spec) is not None


def _largest_kernel_of(spec: NetworkSpec) -> int | None:
    # The caller's own scheme may not be hashable, so it cannot be a key of the cache.
    return _largest_kernel(spec) if spec.architecture == "shared_bottom" else None


@functools.lru_cache(maxsize=256)
def _largest_kernel(spec: NetworkSpec) -> int | None:
    """Return the size of the largest kernel, or None if numpy cannot compute the network."""
    links = {head.link for head in spec.heads}
    if spec.activation not in _ACTIVATIONS or not links <= set(_LINKS):
        return None
    return max(int(np.prod(shape)) for shape in parameter_shapes(spec))


def parameter_shapes(spec: NetworkSpec) -> list[tuple[int, ...]]:
    """Return the shapes of one member's variables in the order of the Keras network.

    Those of the input stage come first, then the kernel and bias of each layer.
    """
    shapes = input_shapes(spec.inputs)
    units, width = [head.units for head in spec.heads], input_width(spec)
    for size in spec.hidden_layer_sizes:
        shapes += [(width, size), (1, size)]
        width = size
    if not spec.head_layer_sizes:
        return [*shapes, (width, sum(units)), (1, sum(units))]
    for size in (*spec.head_layer_sizes, max(units)):
        shapes += [(len(units), width, size), (len(units), 1, size)]
        width = size
    return shapes


def _split_into_layers(spec: NetworkSpec, parameters: np.ndarray, dtype: type) -> Layers:
    lead = () if spec.members == 1 else (spec.members,)
    blocks: list[np.ndarray] = []
    start = 0
    for shape in parameter_shapes(spec):
        stop = start + int(np.prod(shape))
        blocks.append(parameters[:, start:stop].astype(dtype).reshape(*lead, *shape))
        start = stop
    first = len(input_shapes(spec.inputs))
    return blocks[:first], list(zip(blocks[first::2], blocks[first + 1 :: 2], strict=True))


def _raw_outputs(spec: NetworkSpec, weights: Layers, inputs: np.ndarray) -> np.ndarray:
    """Return raw outputs ([members,] rows, all units)."""
    activation, depth = _ACTIVATIONS[spec.activation], len(spec.hidden_layer_sizes)
    embedding, layers = weights
    hidden = embed_inputs(spec.inputs, embedding, inputs)
    for kernel, bias in layers[:depth]:
        hidden = hidden @ kernel
        hidden += bias
        hidden = activation(hidden)
    if not spec.head_layer_sizes:
        kernel, bias = layers[depth]
        return hidden @ kernel + bias
    towers = hidden[..., None, :, :]
    for kernel, bias in layers[depth:-1]:
        towers = activation(towers @ kernel + bias)
    kernel, bias = layers[-1]
    towers = towers @ kernel + bias
    return _side_by_side(towers, spec.heads)


def _side_by_side(towers: np.ndarray, heads: Sequence[Head]) -> np.ndarray:
    columns = [towers[..., task, :, : head.units] for task, head in enumerate(heads)]
    return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=-1)
