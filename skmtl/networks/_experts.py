"""Layers of the mixtures of experts, and how schemes make them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ._initial import glorot_uniform


class _ParallelProducts(keras.layers.Layer):
    """Several linear maps side by side, each with a kernel (width, units) of its own.

    Where all see the same input ([members,] batch, width), their kernels are columns of one: a plain product is
    much quicker than a batched one. Where the input is ([members,] batch, groups, width), as many maps see each
    group, in order, and there is a kernel a group.
    """

    def __init__(self, units: int, maps: int, members: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._units = units
        self._maps = maps
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel ([members,] [groups,] width, maps of a group * units), and what else there is."""
        self._grouped = len(input_shape) == len(self._lead) + 3
        if not self._grouped and len(input_shape) != len(self._lead) + 2:
            raise ValueError(
                f"{type(self).__name__}: the input should be {'(members, ' if self._lead else '('}batch, width) or "
                f"{'(members, ' if self._lead else '('}batch, groups, width), got shape {tuple(input_shape)}."
            )
        groups = int(input_shape[-2] or 0) if self._grouped else 1
        if groups == 0 or self._maps % groups:
            raise ValueError(f"{type(self).__name__}: {self._maps} kernels cannot be dealt out to {groups} inputs.")
        lead = (*self._lead, groups) if self._grouped else self._lead
        shape = (*lead, int(input_shape[-1] or 0), self._maps // groups * self._units)
        limit = float(np.sqrt(6.0 / (shape[-2] + self._units)))
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=keras.initializers.RandomUniform(-limit, limit)
        )
        self._build_others(lead, shape[-1])
        self.built = True

    def _build_others(self, lead: tuple[int, ...], columns: int) -> None:
        """Create further variables."""

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Glorot-uniform kernels, each map with its own fans; zero for what else there is."""
        kernel = glorot_uniform(rng, tuple(self.kernel.shape), fan_out=self._units)
        return [kernel, *(np.zeros(variable.shape) for variable in self.trainable_weights[1:])]

    def _outputs(self, inputs: Any) -> Any:
        """Outputs ([members,] batch, maps, units)."""
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
    """Dense layer of several experts side by side, each with a kernel of its own.

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
    Input ``([members,] batch, width)`` where all experts see the same; or ``([members,] batch, groups, width)``, where
    as many experts, in order, see each group: with as many groups as experts, each sees its own. Output
    ``([members,] batch, experts, units)``.

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

    def _build_others(self, lead: tuple[int, ...], columns: int) -> None:
        self.bias = self.add_weight(name="bias", shape=(*lead, 1, columns), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """Experts' outputs."""
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
    Input ``([members,] batch, width)`` where all gates see the same, or ``([members,] batch, gates, width)``; output
    ``([members,] batch, gates, experts)``, which sums to 1 over the experts. There is no bias, as in Ma et al.
    (2018). Dropout of gates is from Zhao et al. (2019); where it would leave a gate no expert, nothing is
    dropped for that row.

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
        """Shares of the experts."""
        logits = self._outputs(inputs)
        if training and self.dropout > 0:
            noise = keras.random.uniform(ops.shape(logits), dtype=logits.dtype, seed=self.seed_generator)
            kept = noise >= self.dropout
            kept = ops.logical_or(kept, ops.logical_not(ops.any(kept, axis=-1, keepdims=True)))
            # A finite stand-in for minus infinity: its softmax is 0, and so is its gradient.
            logits = ops.where(kept, logits, ops.full_like(logits, -1e9))
        return ops.softmax(logits, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"experts": self.experts, "gates": self.gates, "dropout": self.dropout, "members": self.members}
        return super().get_config() | config


@keras.saving.register_keras_serializable(package="skmtl")
class ExpertMixture(keras.layers.Layer):
    """Sums of experts, weighted by the gates' shares.

    Parameters
    ----------
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Inputs: shares ``(..., batch, gates, experts)``, and outputs of experts that all gates use,
    ``(..., batch, experts, units)``, or of each gate's own, ``(..., batch, gates, experts, units)``. Output
    ``(..., batch, gates, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import ExpertMixture
    >>> ExpertMixture()(np.full((10, 2, 3), 1 / 3), np.ones((10, 3, 4))).shape
    TensorShape([10, 2, 4])
    """

    def call(self, shares: Any, experts: Any) -> Any:
        """Mixture of each gate."""
        if len(experts.shape) == len(shares.shape):
            return ops.matmul(shares, experts)
        return ops.sum(ops.expand_dims(shares, -1) * experts, axis=-2)

    def compute_output_shape(
        self, shares_shape: tuple[int | None, ...], experts_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape (..., batch, gates, units)."""
        return (*shares_shape[:-1], experts_shape[-1])
