"""Where the tasks of a network meet: in one representation, above all shared layers and below all of the tasks' own."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ._layers import TaskDense
from ._network import StackedNetwork, sharing_of, split
from ._trunk import is_linear


class Representation:
    """A network cut in two at what its tasks' first own layer sees.

    Every shared parameter acts through the representation alone, and no parameter above it is shared: so the
    gradients of the tasks' losses there say all that the shared parameters get to know of the tasks.
    ``linear_heads`` is true where one linear layer of all heads is all that lies above; else the first layer
    above has a kernel for each task, and takes a representation for each as well as one of all.

    Raises
    ------
    ValueError
        The network has no such place; the message says why.
    """

    def __init__(self, network: Any) -> None:
        if not isinstance(network, StackedNetwork):
            raise ValueError("it does not tell where the tasks' own layers begin")
        first, seen = _meeting_point(network)
        above = _above(network, first, seen)
        _check_heads(network, first, seen)
        self.network = network
        self.linear_heads = is_linear(first)
        self._kernel = network.positions([first.kernel])[0]
        self._below = keras.Model(network.model.inputs, seen)
        self._above = above

    def below(self, flat: tf.Tensor, frozen: Any, inputs: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """In training: the representation (members, batch, width), or (members, 1, batch, width), and frozen values."""
        return self.network.call(self._below, flat, frozen, inputs, training=True)

    def above(self, flat: tf.Tensor, frozen: Any, seen: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """In training: raw outputs (members, batch, units) and frozen values.

        Without linear heads, ``seen`` may hold a representation for each task, (members, tasks, batch, width).
        """
        return self.network.call(self._above, flat, frozen, seen, training=True)

    def kernel(self, flat: tf.Tensor) -> tf.Tensor:
        """The linear heads' kernel, (members, width, units)."""
        return split(flat, self.network.parameters)[self._kernel]


def _meeting_point(network: StackedNetwork) -> tuple[Any, Any]:
    """The tasks' first own layer, and the Keras tensor that it sees."""
    layers = [layer for layer in network.model.layers if layer.trainable_weights]
    own = [layer for layer in layers if not all(sharing_of(layer))]
    if not any(any(sharing_of(layer)) for layer in layers):
        raise ValueError("the tasks share no layer")
    if not own:
        raise ValueError("no layer says that it is the tasks' own (layer.shared = False)")
    first = own[0]
    seen = first.input
    if not isinstance(seen, keras.KerasTensor):
        raise ValueError(f"the tasks' first own layer, {first.name!r}, sees several things")
    return first, seen


def _above(network: StackedNetwork, first: Any, seen: Any) -> keras.Model:
    """All that follows from ``seen``, which must be the tasks' own layers, and all of these."""
    name = first.name
    try:
        above = keras.Model(seen, network.model.output)
    except ValueError:
        # Keras finds that the output needs what is not in such a model.
        raise ValueError(f"the outputs follow not only from what the tasks' first own layer, {name!r}, sees") from None
    own = {position for position, parameter in enumerate(network.parameters) if not parameter.shared}
    if set(network.positions(above.trainable_variables)) != own:
        raise ValueError(f"some shared layers lie beside or above the tasks' first own layer, {name!r}, not below it")
    return above


def _check_heads(network: StackedNetwork, first: Any, seen: Any) -> None:
    """Refuse what the tasks' gradients cannot be told apart behind in one pass."""
    each = tuple(seen.shape)[1 if network.spec.stacked else 0 :]
    if is_linear(first) and len(each) == 2 and network.model.output is first.output:
        return
    if len(each) == 3 and each[0] not in (None, 1):
        raise ValueError(f"the tasks' first own layer, {first.name!r}, sees a representation for each task")
    if not isinstance(first, TaskDense) or len(each) != 3 or first.tasks != len(network.spec.heads):
        raise ValueError(
            f"the tasks' first own layer, {first.name!r} ({type(first).__name__}), is neither a TaskDense of all tasks "
            "nor one linear layer of all heads and the network's last (Dense, or MemberDense for several members)"
        )
