"""Keras layers for mixtures of experts."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ._initial import glorot_uniform


class _ParallelProducts(keras.layers.Layer):
    """Several linear maps side by side, each with its own kernel (width, units).

    If all maps have the same input ([members,] batch, width), their kernels are columns of one matrix, because a plain
    product is much faster than a batched one. If the input is ([members,] batch, groups, width), the maps are divided
    equally among the groups, in order, with one matrix per group.
    """

    def __init__(self, units: int, maps: int, members: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._units = units
        self._maps = maps
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel ([members,] [groups,] width, maps of a group * units) and other variables."""
        self._grouped = len(input_shape) == len(self._lead) + 3
        if not self._grouped and len(input_shape) != len(self._lead) + 2:
            raise ValueError(
                f"{type(self).__name__}: the input should be {'(members, ' if self._lead else '('}batch, width) or "
                f"{'(members, ' if self._lead else '('}batch, groups, width), got shape {tuple(input_shape)}."
            )
        groups = int(input_shape[-2] or 0) if self._grouped else 1
        if groups == 0 or self._maps % groups:
            raise ValueError(
                f"{type(self).__name__}: {self._maps} kernels cannot be divided equally among {groups} inputs."
            )
        lead = (*self._lead, groups) if self._grouped else self._lead
        shape = (*lead, int(input_shape[-1] or 0), self._maps // groups * self._units)
        limit = float(np.sqrt(6.0 / (shape[-2] + self._units)))
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=keras.initializers.RandomUniform(-limit, limit)
        )
        self._build_extra(lead, shape[-1])
        self.built = True

    def _build_extra(self, lead: tuple[int, ...], columns: int) -> None:
        """Create additional variables."""

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw Glorot-uniform kernels with the fans of each map; other variables are zero."""
        kernel = glorot_uniform(rng, tuple(self.kernel.shape), fan_out=self._units)
        return [kernel, *(np.zeros(variable.shape) for variable in self.trainable_weights[1:])]

    def _outputs(self, inputs: Any) -> Any:
        """Return outputs ([members,] batch, maps, units)."""
        if self._grouped:
            columns = ops.swapaxes(self._activate(ops.matmul(ops.swapaxes(inputs, -3, -2), self.kernel)), -3, -2)
        else:
            columns = self._activate(ops.matmul(inputs, self.kernel))
        return ops.reshape(columns, (*self._lead, -1, self._maps, self._units))

    def _activate(self, products: Any) -> Any:
        return products

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] batch, maps, units)."""
        return (*self._lead, input_shape[len(self._lead)], self._maps, self._units)

    @property
    def _lead(self) -> tuple[int, ...]:
        return () if self.members is None else (self.members,)


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertDense(_ParallelProducts):
    """Dense layer of several experts side by side, each with its own kernel.

    Parameters
    ----------
    units : int
        Output width of each expert.
    experts : int
        Number of experts.
    activation : str or None, default=None
        Name of a Keras activation.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] batch, width)`` if all experts share it, or ``([members,] batch, groups, width)``, with the
    experts divided equally among the groups, in order. With as many groups as experts, each expert has its own input.
    Output ``([members,] batch, experts, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertDense
    >>> ExpertDense(units=4, experts=3)(np.ones((10, 2))).shape
    TensorShape([10, 3, 4])
    """

    def __init__(
        self, units: int, experts: int, activation: str | None = None, members: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(units, experts, members, **kwargs)
        self.units = units
        self.experts = experts
        self.activation = keras.activations.get(activation)

    def _build_extra(self, lead: tuple[int, ...], columns: int) -> None:
        self.bias = self.add_weight(name="bias", shape=(*lead, 1, columns), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Compute the experts' outputs."""
        return self._outputs(inputs)

    def _activate(self, products: Any) -> Any:
        return self.activation(products + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "units": self.units,
            "experts": self.experts,
            "activation": keras.activations.serialize(self.activation),
            "members": self.members,
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertGate(_ParallelProducts):
    """Gates of a mixture of experts: a softmax over the experts, linear in the input, for every row and gate.

    Parameters
    ----------
    experts : int
        Number of experts to choose from.
    gates : int
        Number of gates.
    dropout : float, default=0.0
        Probability that a gate ignores an expert for a row in training; the other experts' weights are scaled up.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] batch, width)`` if all gates share it, or ``([members,] batch, gates, width)``; output
    ``([members,] batch, gates, experts)``, which sums to 1 over the experts. There is no bias, as in Ma et al.
    (2018). Gate dropout follows Zhao et al. (2019). If it would drop all experts of a gate for a row, none is
    dropped.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertGate
    >>> ExpertGate(experts=3, gates=2)(np.ones((10, 4))).shape
    TensorShape([10, 2, 3])
    """

    def __init__(
        self, experts: int, gates: int, dropout: float = 0.0, members: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(experts, gates, members, **kwargs)
        self.experts = experts
        self.gates = gates
        self.dropout = dropout
        if dropout > 0:
            self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Compute the experts' weights."""
        logits = self._outputs(inputs)
        if training and self.dropout > 0:
            noise = keras.random.uniform(ops.shape(logits), dtype=logits.dtype, seed=self.seed_generator)
            kept = noise >= self.dropout
            kept = ops.logical_or(kept, ops.logical_not(ops.any(kept, axis=-1, keepdims=True)))
            # A finite substitute for minus infinity: its softmax and its gradient are 0.
            logits = ops.where(kept, logits, ops.full_like(logits, -1e9))
        return ops.softmax(logits, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"experts": self.experts, "gates": self.gates, "dropout": self.dropout, "members": self.members}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertMixture(keras.layers.Layer):
    """Sum of the experts' outputs, weighted by the gates.

    Parameters
    ----------
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Inputs: gate weights ``(..., batch, gates, experts)``, and the outputs of experts that all gates share,
    ``(..., batch, experts, units)``, or that each gate has to itself, ``(..., batch, gates, experts, units)``.
    Output ``(..., batch, gates, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertMixture
    >>> ExpertMixture()(np.full((10, 2, 3), 1 / 3), np.ones((10, 3, 4))).shape
    TensorShape([10, 2, 4])
    """

    def call(self, shares: Any, experts: Any) -> Any:
        """Compute the mixture of each gate."""
        if len(experts.shape) == len(shares.shape):
            return ops.matmul(shares, experts)
        return ops.sum(ops.expand_dims(shares, -1) * experts, axis=-2)

    def compute_output_shape(
        self, shares_shape: tuple[int | None, ...], experts_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape (..., batch, gates, units)."""
        return (*shares_shape[:-1], experts_shape[-1])
