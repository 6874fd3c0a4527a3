"""Where a network's shared layers end and its linear heads begin: there, the tasks' gradients come apart by columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ._layers import MemberDense
from ._network import StackedNetwork, split


class Trunk:
    """The forward pass of a network of shared layers under linear heads, with what the heads see.

    The slope of one task's loss at the raw outputs is zero but for the task's own columns. Passed back through
    these columns of the heads' kernel alone, it costs a task's share of the heads, not all of them.
    """

    def __init__(self, network: StackedNetwork) -> None:
        self.network = network
        heads = _heads(network)
        self._model = keras.Model(network.model.inputs, [heads.input, network.model.output])

    @classmethod
    def of(cls, network: Any) -> Trunk | None:
        """The trunk of a network that has one; None where other layers than linear heads belong to the tasks."""
        if not isinstance(network, StackedNetwork) or _heads(network) is None:
            return None
        return cls(network)

    def forward(
        self, flat: tf.Tensor, frozen: Sequence[tf.Tensor], inputs: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """In training: what the heads see (members, batch, width), raw outputs, and new frozen values."""
        (hidden, raw), frozen = self.network.call(self._model, flat, frozen, inputs, training=True)
        return hidden, raw, frozen

    def heads_kernel(self, flat: tf.Tensor) -> tf.Tensor:
        """The heads' kernel, (members, width, units)."""
        return split(flat, self.network.parameters)[-2]


def _heads(network: StackedNetwork) -> Any:
    """The layer of linear heads: last, and alone in belonging to the tasks; None where there is none such."""
    layer = network.model.layers[-1]
    own = [not parameter.shared for parameter in network.parameters]
    if not is_linear(layer) or network.model.output is not layer.output:
        return None
    return layer if own == [False] * (len(own) - 2) + [True, True] and len(own) > 2 else None


def is_linear(layer: Any) -> bool:
    """Whether the layer is nothing but one product and a bias, for all heads side by side."""
    known = type(layer) in (keras.layers.Dense, MemberDense) and len(layer.trainable_weights) == 2
    return known and layer.activation is keras.activations.linear
