"""Split a network at its shared representation, above all shared and below all task-specific layers."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ._layers import TaskDense
from ._network import StackedNetwork, sharing_of, split
from ._trunk import is_linear


class Representation:
    """A network split in two at the input of its first task-specific layer.

    Shared parameters affect the outputs only through this representation, and no parameter above it is shared. So the
    gradients of the tasks' losses with respect to the representation determine their gradients with respect to the
    shared parameters. ``linear_heads`` is true if a single linear layer for all heads is above it. Otherwise the first
    layer above has one kernel per task, and accepts one representation per task as well as a single one.

    Raises
    ------
    ValueError
        If the network has no such representation; the message says why.
    """

    def __init__(self, network: Any) -> None:
        if not isinstance(network, StackedNetwork):
            raise ValueError("it is unknown where the task-specific layers begin")
        first, representation = _split_point(network)
        above = _above(network, first, representation)
        _check_heads(network, first, representation)
        self.network = network
        self.linear_heads = is_linear(first)
        self._kernel = network.positions([first.kernel])[0]
        self._below = keras.Model(network.model.inputs, representation)
        self._above = above

    def below(self, flat: tf.Tensor, frozen: Any, inputs: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Compute the representation ([members,] [1,] batch, width) and new frozen values, in training mode."""
        return self.network.call(self._below, flat, frozen, inputs, training=True)

    def above(self, flat: tf.Tensor, frozen: Any, representation: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Compute raw outputs (members, batch, units) and new frozen values, in training mode.

        Without linear heads, there may be one representation per task, (members, tasks, batch, width).
        """
        return self.network.call(self._above, flat, frozen, representation, training=True)

    def kernel(self, flat: tf.Tensor) -> tf.Tensor:
        """Return the linear heads' kernel, (members, width, units)."""
        return split(flat, self.network.parameters)[self._kernel]


def _split_point(network: StackedNetwork) -> tuple[Any, Any]:
    """Return the first task-specific layer and its input, a Keras tensor."""
    layers = [layer for layer in network.model.layers if layer.trainable_weights]
    own = [layer for layer in layers if not all(sharing_of(layer))]
    if not any(any(sharing_of(layer)) for layer in layers):
        raise ValueError("the tasks share no layer")
    if not own:
        raise ValueError("no layer is marked as task-specific (layer.shared = False)")
    first = own[0]
    representation = first.input
    if not isinstance(representation, keras.KerasTensor):
        raise ValueError(f"the first task-specific layer, {first.name!r}, has several inputs")
    return first, representation


def _above(network: StackedNetwork, first: Any, representation: Any) -> keras.Model:
    """Build the model from the representation to the outputs, which must have exactly the task-specific layers."""
    name = first.name
    try:
        above = keras.Model(representation, network.model.output)
    except ValueError:
        # Keras raises because the outputs also depend on other tensors.
        raise ValueError(
            f"the outputs depend on more than the input of the first task-specific layer, {name!r}"
        ) from None
    own = {position for position, parameter in enumerate(network.parameters) if not parameter.shared}
    if set(network.positions(above.trainable_variables)) != own:
        raise ValueError(
            f"some shared layers are beside or above the first task-specific layer, {name!r}, not below it"
        )
    return above


def _check_heads(network: StackedNetwork, first: Any, representation: Any) -> None:
    """Raise if the layers above do not allow to separate the tasks' gradients in one pass."""
    shape = tuple(representation.shape)[1 if network.spec.stacked else 0 :]
    if is_linear(first) and len(shape) == 2 and network.model.output is first.output:
        return
    if len(shape) == 3 and shape[0] not in (None, 1):
        raise ValueError(f"the input of the first task-specific layer, {first.name!r}, has a representation per task")
    if not isinstance(first, TaskDense) or len(shape) != 3 or first.tasks != len(network.spec.heads):
        raise ValueError(
            f"the first task-specific layer, {first.name!r} ({type(first).__name__}), is neither a TaskDense of all "
            "tasks nor a linear output layer for all heads (Dense, or MemberDense for several members)"
        )
