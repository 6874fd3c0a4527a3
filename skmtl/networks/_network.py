"""Networks as pure functions of one flat parameter array, which the engine trains.

With one flat (members, n_parameters) array instead of many variables, an optimizer step takes a few operations
regardless of the number of layers, and programs have no state that two fits would have to share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from .._cache import ProgramCache
from .._records import NetworkSpec
from ._build import build_outputs
from ._initial import glorot_uniform
from ._layers import MemberDense, TaskDense, VariableDropout
from ._scheme_checks import check_network


@dataclass(frozen=True)
class Parameter:
    """Position of a variable in the flat array: columns ``start`` to ``stop``; ``shape`` is that of one member.

    ``shared`` is False if each of its numbers affects the loss of at most one task.
    """

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int
    shared: bool = True


class Network(Protocol):
    """Interface between a network and the engine."""

    members: int
    fits: int  # number of fits that the members belong to
    dtype: str
    separate: bool  # whether frozen values are listed member by member
    parameters: tuple[Parameter, ...]
    constraints: Sequence[tuple[int, Callable[[tf.Tensor], tf.Tensor]]]  # (position of the parameter, projection)

    def sharing(self) -> tuple[bool, ...]:
        """Whether several tasks share each parameter; for a user-defined model, ``parameters`` does not say so."""

    def initial_frozen(self, seed: int, dropout: float) -> list[np.ndarray]:
        """Initial values of the variables without gradients (random states, moving averages)."""

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Compute raw outputs (members, batch, units), new frozen values, and penalties (members,)."""


def n_parameters(network: Network) -> int:
    """Number of parameters of one member."""
    return network.parameters[-1].stop if network.parameters else 0


def lay_out(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], shared: Sequence[bool] | None = None
) -> tuple[Parameter, ...]:
    """Lay out variables of the given shapes one after the other; by default, all are shared."""
    stops = np.cumsum([int(np.prod(shape)) for shape in shapes], dtype=int).tolist()
    starts = [0, *stops[:-1]]
    shared = [True] * len(names) if shared is None else shared
    return tuple(Parameter(*entry) for entry in zip(names, shapes, starts, stops, shared, strict=True))


def split(flat: tf.Tensor, parameters: Sequence[Parameter]) -> list[tf.Tensor]:
    """Split (members, n_parameters) into (members, *shape) tensors."""
    sizes = [parameter.stop - parameter.start for parameter in parameters]
    members = flat.shape[0]
    parts = tf.split(flat, sizes, axis=1)
    return [tf.reshape(part, (members, *p.shape)) for part, p in zip(parts, parameters, strict=True)]


class StackedNetwork:
    """The network of a sharing scheme: all members in one Keras model, batched over the member axis."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.members = spec.members
        self.fits = spec.fits
        self.dtype = spec.dtype
        self.separate = False
        self.constraints: Sequence[tuple[int, Callable[[tf.Tensor], tf.Tensor]]] = ()
        shape = (spec.members, None, spec.n_inputs) if spec.stacked else (None, spec.n_inputs)
        inputs = keras.Input(batch_shape=shape, dtype=spec.dtype)
        self.model = keras.Model(inputs, build_outputs(inputs, spec))
        if not isinstance(spec.architecture, str):
            check_network(self.model, spec)
        variables = self.model.trainable_variables
        self._shapes = [tuple(variable.shape) for variable in variables]
        shapes = [shape[1:] for shape in self._shapes] if spec.stacked else self._shapes
        shared = [flag for layer in self.model.layers for flag in sharing_of(layer)]
        self.parameters = lay_out([variable.path for variable in variables], shapes, shared)
        self._frozen = [(v.name, tuple(v.shape), v.dtype) for v in self.model.non_trainable_variables]
        self._position = _positions(variables) | _positions(self.model.non_trainable_variables)

    def sharing(self) -> tuple[bool, ...]:
        """Whether several tasks share each parameter, according to the layers."""
        return tuple(parameter.shared for parameter in self.parameters)

    def initial_parameters(self, seed: int) -> np.ndarray:
        """Draw Glorot-uniform kernels (Glorot and Bengio, 2010), with zero biases; (members, n_parameters)."""
        rng = np.random.default_rng(seed)
        blocks = []
        for layer in self.model.layers:
            if layer.trainable_weights:
                blocks += [block.reshape(self.members, -1) for block in _initial_values(layer, self.spec, rng)]
        return np.concatenate(blocks, axis=1).astype(self.dtype)

    def initial_frozen(self, seed: int, dropout: float) -> list[np.ndarray]:
        """Return the dropout layers' random states, drawn from ``seed``, and their rate."""
        rng = np.random.default_rng(seed)
        values = []
        for name, shape, dtype in self._frozen:
            if name == "seed_generator_state":
                values.append(rng.integers(0, 2**31 - 1, size=shape).astype(dtype))
            else:
                values.append(np.full(shape, dropout, dtype=dtype))
        return values

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Compute raw outputs (members, batch, units) for inputs (members, batch, n_inputs)."""
        outputs, frozen = self.call(self.model, flat, frozen, inputs, training)
        return outputs, frozen, tf.zeros((self.members,), flat.dtype)

    def call(
        self, model: keras.Model, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor, training: bool
    ) -> tuple[Any, list[tf.Tensor]]:
        """Call a model made of layers of this network; returns outputs with a member axis, and all frozen values."""
        parts = split(flat, self.parameters)
        if not self.spec.stacked:
            parts = [tf.reshape(part, shape) for part, shape in zip(parts, self._shapes, strict=True)]
            inputs = tf.squeeze(inputs, 0)
        values, after = [parts[i] for i in self.positions(model.trainable_variables)], list(frozen)
        changing = self.positions(model.non_trainable_variables)
        outputs, changed = model.stateless_call(values, [after[i] for i in changing], inputs, training=training)
        for i, value in zip(changing, changed, strict=True):
            after[i] = value
        if not self.spec.stacked:
            outputs = tf.nest.map_structure(lambda output: tf.expand_dims(output, 0), outputs)
        return outputs, after

    def positions(self, variables: Sequence[Any]) -> list[int]:
        """Return each variable's position among the network's trainable variables, or among the others."""
        return [self._position[id(variable)] for variable in variables]


# Networks have no state, so all fits and predictions of one structure share a network.
_NETWORKS: ProgramCache[StackedNetwork] = ProgramCache(64)


def network_of(spec: NetworkSpec) -> StackedNetwork:
    """Return the network of a spec, from the cache unless the spec has user-defined code."""
    return _NETWORKS.get(None if has_own_code(spec) else spec, lambda: StackedNetwork(spec))


def has_own_code(spec: NetworkSpec) -> bool:
    """Whether the spec has a user-defined scheme, whose behaviour may change although the spec does not."""
    return not isinstance(spec.architecture, str)


def draws_for_all_members(spec: NetworkSpec) -> bool:
    """Whether layers other than dropout draw random numbers, which several fits would share."""
    layers = network_of(spec).model.layers
    return any(layer.non_trainable_variables and not isinstance(layer, VariableDropout) for layer in layers)


def _positions(variables: Sequence[Any]) -> dict[int, int]:
    return {id(variable): position for position, variable in enumerate(variables)}


def sharing_of(layer: Any) -> list[bool]:
    """Whether several tasks share each trainable variable of a layer, according to the layer; by default, they do."""
    shared, count = getattr(layer, "shared", True), len(layer.trainable_weights)
    return [shared] * count if isinstance(shared, bool) else list(shared)


def _initial_values(layer: Any, spec: NetworkSpec, rng: np.random.Generator) -> list[np.ndarray]:
    """Return initial values of a layer's trainable variables, in order."""
    if hasattr(layer, "initial_values"):
        return layer.initial_values(rng)
    if not isinstance(layer, keras.layers.Dense | MemberDense | TaskDense):
        raise TypeError(
            f"Layer {layer.name!r} ({type(layer).__name__}) does not define the initial values of its variables: add a "
            "method initial_values(rng) to its class that returns one array per trainable variable."
        )
    fan_out = None
    if layer.name == "heads":
        # The fan-out of a head is its own number of units, although all heads share one array.
        units = np.array([head.units for head in spec.heads])
        fan_out = units[:, None, None] if isinstance(layer, TaskDense) else np.repeat(units, units)
    return [glorot_uniform(rng, tuple(layer.kernel.shape), fan_out), np.zeros(layer.bias.shape)]
