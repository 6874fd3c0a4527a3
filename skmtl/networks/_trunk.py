"""Split a network into shared layers and linear heads, whose columns separate the tasks' gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ._layers import MemberDense
from ._network import StackedNetwork, split


class Trunk:
    """Forward pass of a network with shared layers below linear heads, which also returns the input of the heads.

    The gradient of a task's loss with respect to the raw outputs is zero outside the task's columns. Passing it back
    through only these columns of the heads' kernel is cheaper than through the entire kernel.
    """

    def __init__(self, network: StackedNetwork) -> None:
        self.network = network
        heads = _heads(network)
        self._model = keras.Model(network.model.inputs, [heads.input, network.model.output])

    @classmethod
    def of(cls, network: Any) -> Trunk | None:
        """Return the trunk of a network; None if it has task-specific layers other than linear heads."""
        if not isinstance(network, StackedNetwork) or _heads(network) is None:
            return None
        return cls(network)

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """In training mode, compute the heads' input (members, batch, width), raw outputs and new frozen values."""
        (hidden, raw), frozen = self.network.call(self._model, flat, frozen, inputs, training=True)
        return hidden, raw, frozen

    def heads_kernel(self, flat: tf.Tensor) -> tf.Tensor:
        """Return the heads' kernel, (members, width, units)."""
        return split(flat, self.network.parameters)[-2]


def _heads(network: StackedNetwork) -> Any:
    """Return the layer of linear heads if it is the last and the only task-specific layer, else None."""
    layer = network.model.layers[-1]
    own = [not parameter.shared for parameter in network.parameters]
    if not is_linear(layer) or network.model.output is not layer.output:
        return None
    return layer if own == [False] * (len(own) - 2) + [True, True] and len(own) > 2 else None


def is_linear(layer: Any) -> bool:
    """Whether the layer is one linear layer with a bias, for all heads side by side."""
    dense = type(layer) in (keras.layers.Dense, MemberDense) and len(layer.trainable_weights) == 2
    return dense and layer.activation is keras.activations.linear
