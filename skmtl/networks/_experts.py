"""Layers of the mixtures of experts, and how schemes connect them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from .._records import NetworkSpec
from ._initial import glorot_uniform
from ._layers import _GlorotPerSlice
from ._parts import drop, marked, members


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertDense(keras.layers.Layer):
    """Dense layer of several experts side by side: one kernel an expert, one batched matrix product.

    Parameters
    ----------
    units : int
        Output width of each expert.
    experts : int
        Number of experts (of each task, where there is a task axis).
    activation : str or None, default=None
        Name of a Keras activation.
    tasks : int or None, default=None
        Number of tasks with experts of their own; None for experts without a task axis.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] [tasks,] experts, batch, width)``, or with an axis of 1 where all experts (or tasks) see
    the same; output ``([members,] [tasks,] experts, batch, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertDense
    >>> ExpertDense(units=4, experts=3)(np.ones((1, 10, 2))).shape
    TensorShape([3, 10, 4])
    """

    def __init__(
        self,
        units: int,
        experts: int,
        activation: str | None = None,
        tasks: int | None = None,
        members: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.experts = experts
        self.tasks = tasks
        self.members = members
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create a kernel ([members,] [tasks,] experts, width, units) and a bias of 1 for width."""
        lead = (*_lead(self.members, self.tasks), self.experts)
        fan_in = int(input_shape[-1] or 0)
        self.kernel = self.add_weight(name="kernel", shape=(*lead, fan_in, self.units), initializer=_GlorotPerSlice())
        self.bias = self.add_weight(name="bias", shape=(*lead, 1, self.units), initializer="zeros")
        self.built = True

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Glorot-uniform kernels and zero biases."""
        return [glorot_uniform(rng, tuple(self.kernel.shape)), np.zeros(self.bias.shape)]

    def call(self, inputs: Any) -> Any:
        """Experts' outputs."""
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] [tasks,] experts, batch, units)."""
        return (*_lead(self.members, self.tasks), self.experts, input_shape[-2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "units": self.units,
            "experts": self.experts,
            "activation": keras.activations.serialize(self.activation),
            "tasks": self.tasks,
            "members": self.members,
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertGate(keras.layers.Layer):
    """Gates: for every row, how much each gate uses each expert; linear in the input, softmax over the experts.

    Parameters
    ----------
    experts : int
        Number of experts to choose from.
    gates : int
        Number of gates.
    dropout : float, default=0.0
        Probability in training that a gate cannot use an expert for a row; the others' shares are scaled up.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] gates, batch, width)``, or ``([members,] 1, batch, width)`` where all gates see the same;
    output ``([members,] gates, batch, experts)``, which sums to 1 over the experts. There is no bias, as in
    Ma et al. (2018). Dropout of gates is from Zhao et al. (2019); where it would leave a gate no expert,
    nothing is dropped for that row.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertGate
    >>> shares = ExpertGate(experts=3, gates=2)(np.ones((1, 10, 4)))
    >>> shares.shape
    TensorShape([2, 10, 3])
    """

    def __init__(
        self, experts: int, gates: int, dropout: float = 0.0, members: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.experts = experts
        self.gates = gates
        self.dropout = dropout
        self.members = members
        if dropout > 0:
            self.seed_generator = keras.random.SeedGenerator(0)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create a kernel ([members,] gates, width, experts)."""
        shape = (*_lead(self.members, self.gates), int(input_shape[-1] or 0), self.experts)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=_GlorotPerSlice())
        self.built = True

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Glorot-uniform kernels."""
        return [glorot_uniform(rng, tuple(self.kernel.shape))]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Shares of the experts."""
        logits = ops.matmul(inputs, self.kernel)
        if training and self.dropout > 0:
            noise = keras.random.uniform(ops.shape(logits), dtype=logits.dtype, seed=self.seed_generator)
            kept = noise >= self.dropout
            kept = ops.logical_or(kept, ops.logical_not(ops.any(kept, axis=-1, keepdims=True)))
            # A finite stand-in for minus infinity: its softmax is 0, and so is its gradient.
            logits = ops.where(kept, logits, ops.full_like(logits, -1e9))
        return ops.softmax(logits, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] gates, batch, experts)."""
        return (*_lead(self.members, self.gates), input_shape[-2], self.experts)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"experts": self.experts, "gates": self.gates, "dropout": self.dropout, "members": self.members}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertMixture(keras.layers.Layer):
    """Weighted sum of experts, for each gate.

    Notes
    -----
    Inputs: shares ``(..., gates, batch, experts)`` and experts' outputs ``(..., experts, batch, units)``;
    output ``(..., gates, batch, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertMixture
    >>> ExpertMixture()(np.full((2, 10, 3), 1 / 3), np.ones((3, 10, 4))).shape
    TensorShape([2, 10, 4])
    """

    def call(self, shares: Any, experts: Any) -> Any:
        """Mixture of each gate."""
        if experts.shape[-3] == 1:
            return shares * experts
        # Row by row, (gates, experts) times (experts, units).
        mixed = ops.matmul(ops.swapaxes(shares, -3, -2), ops.swapaxes(experts, -3, -2))
        return ops.swapaxes(mixed, -3, -2)

    def compute_output_shape(
        self, shares_shape: tuple[int | None, ...], experts_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape (..., gates, batch, units)."""
        return (*shares_shape[:-1], experts_shape[-1])


def connect_experts(
    inputs: Any, spec: NetworkSpec, experts: int, name: str, *, tasks: int | None = None, shared: bool
) -> Any:
    """Experts with the network's hidden layers: (..., [tasks,] experts, batch, width)."""
    hidden = inputs
    for depth, units in enumerate(spec.hidden_layer_sizes):
        layer = expert_layer(spec, units, experts, f"{name}_{depth}", tasks=tasks, shared=shared)
        hidden = drop(layer(hidden), spec, f"{name}_dropout_{depth}")
    return hidden


def expert_layer(
    spec: NetworkSpec, units: int, experts: int, name: str, *, tasks: int | None = None, shared: bool
) -> keras.layers.Layer:
    """One layer of experts."""
    layer = ExpertDense(units, experts, spec.activation, tasks, members(spec), name=name, dtype=spec.dtype)
    return marked(layer, shared)


def gate(spec: NetworkSpec, experts: int, gates: int, dropout: float, name: str, *, shared: bool) -> keras.layers.Layer:
    """Gates of a scheme."""
    return marked(ExpertGate(experts, gates, dropout, members(spec), name=name, dtype=spec.dtype), shared)


def mix(shares: Any, experts: Any, spec: NetworkSpec, name: str) -> Any:
    """Mixture of each gate."""
    return ExpertMixture(name=name, dtype=spec.dtype)(shares, experts)


def _lead(*sizes: int | None) -> tuple[int, ...]:
    return tuple(size for size in sizes if size is not None)
