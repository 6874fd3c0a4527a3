"""Prediction by a forward pass that is compiled once per network structure and takes the weights as inputs."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .._cache import ProgramCache
from .._counters import counters
from .._records import Head
from ..networks import Network
from ..networks._kernel_cache import count_build

# Rows per forward pass: bounds memory, and stays in the processor's cache.
_CHUNK_ROWS = 8192


class ForwardProgram:
    """Compiled forward pass: (weights, frozen, inputs) to predictions averaged over members."""

    def __init__(self, network: Network, heads: Sequence[Head], dtype: str) -> None:
        self.network = network
        self.heads = tuple(heads)
        self.dtype = tf.as_dtype(dtype)
        self._lock = threading.Lock()
        self._concrete: Callable[..., list[tf.Tensor]] | None = None

    def __call__(self, flat: tf.Tensor, frozen: list[tf.Tensor], inputs: tf.Tensor) -> list[tf.Tensor]:
        """Return each head's outputs after its link, (rows, units), averaged over members."""
        with self._lock:
            if self._concrete is None:
                rows = tf.TensorSpec((None, inputs.shape[1]), inputs.dtype)
                function = tf.function(self._forward, autograph=False)
                self._concrete = function.get_concrete_function(flat, frozen, rows)
        counters.add("program_calls")
        return self._concrete(flat, frozen, inputs)

    def _forward(self, flat: tf.Tensor, frozen: list[tf.Tensor], inputs: tf.Tensor) -> list[tf.Tensor]:
        counters.add("traces")
        count_build()
        members = self.network.members
        rows = tf.broadcast_to(inputs[None], (members, tf.shape(inputs)[0], inputs.shape[1]))
        raw, _, _ = self.network.forward(flat, frozen, rows, training=False)
        outputs, start = [], 0
        for head in self.heads:
            part = _LINKS.get(head.link, tf.identity)(raw[..., start : start + head.units])
            outputs.append(part[0] if members == 1 else tf.reduce_mean(part, axis=0))
            start += head.units
        return outputs


_LINKS = {"softmax": tf.nn.softmax, "sigmoid": tf.nn.sigmoid, "softplus": tf.nn.softplus}

FORWARD_PROGRAMS: ProgramCache[ForwardProgram] = ProgramCache(32)

# Programs of networks without a key, freed with the fits that own them.
_OWN_PROGRAMS: weakref.WeakKeyDictionary[object, ProgramCache[ForwardProgram]] = weakref.WeakKeyDictionary()
_OWN_LOCK = threading.Lock()
_PROGRAMS_OF_ONE = 4


@dataclass(frozen=True)
class ForwardStructure:
    """What a compiled forward pass depends on.

    ``key`` identifies the network that ``make_network`` makes; if it is None, ``owner`` does, while it lives.
    """

    key: Hashable | None
    make_network: Callable[[], Network]
    heads: tuple[Head, ...]
    dtype: str
    members: int
    owner: object

    @property
    def programs(self) -> ProgramCache[ForwardProgram]:
        """The cache that keeps the program."""
        if self.key is not None:
            return FORWARD_PROGRAMS
        with _OWN_LOCK:
            return _OWN_PROGRAMS.setdefault(self.owner, ProgramCache(_PROGRAMS_OF_ONE))

    def program(self) -> ForwardProgram:
        """Return the program, from the cache if it is there."""
        key = (self.key, self.heads, self.dtype, self.members)
        return self.programs.get(key, lambda: ForwardProgram(self.make_network(), self.heads, self.dtype))


def predict_raw(
    structure: ForwardStructure,
    parameters: np.ndarray,
    frozen: Sequence[np.ndarray],
    encode: Callable[[slice], np.ndarray],
    n_rows: int,
) -> list[np.ndarray]:
    """Return the predictions of each head as float64 (n_rows, units), before the targets' scaling is undone.

    ``encode`` returns the encoded inputs of a range of rows.
    """
    program = structure.program()
    flat = tf.constant(parameters, program.dtype)
    values = [tf.constant(value) for value in frozen]
    parts = []
    for start in range(0, n_rows, _CHUNK_ROWS):
        inputs = encode(slice(start, min(start + _CHUNK_ROWS, n_rows)))
        with structure.programs.dropped_on_error(program):
            outputs = program(flat, values, tf.constant(inputs, program.dtype))
        parts.append([output.numpy() for output in outputs])
    return [np.concatenate(pieces).astype(np.float64) for pieces in zip(*parts, strict=True)]
