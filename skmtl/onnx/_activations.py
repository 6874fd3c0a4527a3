"""Activations and links as float64 operations; onnxruntime has only some of them as operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._graph import Graph

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
# From here on, mish(x) equals x in float64.
_MISH_LINEAR = 20.0


def _softplus(graph: Graph, x: str) -> str:
    decay = graph("Exp", graph("Neg", graph("Abs", x)))
    return graph("Add", graph("Max", x, np.float64(0)), graph("Log", graph("Add", decay, np.float64(1))))


def _mish(graph: Graph, x: str) -> str:
    """``x tanh(log(1 + e^x))``, computed as ``x n / (n + 2)`` with ``n = e^x (e^x + 2)``: only one exponential."""
    power = graph("Exp", graph("Min", x, np.float64(_MISH_LINEAR)))
    n = graph("Mul", power, graph("Add", power, np.float64(2)))
    return graph("Mul", x, graph("Div", n, graph("Add", n, np.float64(2))))


def _gelu(graph: Graph, x: str) -> str:
    # onnxruntime has the error function in float32 only.
    erf = graph.cast(graph("Erf", graph.cast(graph("Mul", x, np.float64(np.sqrt(0.5))), np.float32)), np.float64)
    return graph("Mul", graph("Mul", x, np.float64(0.5)), graph("Add", erf, np.float64(1)))


def _elu(graph: Graph, x: str, alpha: float = 1.0) -> str:
    below = graph("Sub", graph("Exp", graph("Min", x, np.float64(0))), np.float64(1))
    return graph("Add", graph("Max", x, np.float64(0)), graph("Mul", below, np.float64(alpha)))


def _silu(graph: Graph, x: str) -> str:
    return graph("Mul", x, graph("Sigmoid", x))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "elu": _elu,
    "gelu": _gelu,
    "linear": lambda _, x: x,
    "mish": _mish,
    "relu": lambda graph, x: graph("Max", x, np.float64(0)),
    "selu": lambda graph, x: graph("Mul", _elu(graph, x, _SELU_ALPHA), np.float64(_SELU_SCALE)),
    "sigmoid": lambda graph, x: graph("Sigmoid", x),
    "silu": _silu,
    "softplus": _softplus,
    "swish": _silu,
    "tanh": lambda graph, x: graph("Tanh", x),
}

LINKS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda _, x: x,
    "sigmoid": lambda graph, x: graph("Sigmoid", x),
    "softmax": lambda graph, x: graph("Softmax", x, axis=-1),
    "softplus": _softplus,
}
