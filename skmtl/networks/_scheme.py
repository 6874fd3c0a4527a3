"""What a sharing scheme is: its options as fields, and how it connects a network's layers."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from .._options import Options
from .._records import NetworkSpec


@dataclasses.dataclass(frozen=True)
class Scheme(Options, ABC):
    """Base of all sharing schemes: who shares which layers.

    A scheme is a frozen dataclass: its options are its fields, two instances with the same options are
    equal, and none ever changes. Pass one as ``architecture=`` to an estimator, or its name and
    ``architecture__*`` options; both can be searched over.

    Notes
    -----
    How to add one of your own: subclass, decorate with ``@dataclass(frozen=True)``, give every option a
    default, check them in ``__post_init__``, and implement ``connect``.

    The layers that ``connect`` makes are those of one network, or of ``spec.members`` networks side by side:
    where ``spec.stacked``, tensors and variables have a leading member axis. Layers take ``spec.dtype``.
    A layer whose variables only one task's loss reaches says so: ``layer.shared = False`` (a kernel that holds
    several tasks' columns counts too). Start values are drawn by ``layer.initial_values(rng)``, one array a
    trainable variable, where there is such a method; else kernels are Glorot-uniform and biases zero.
    ``skmtl.networks`` has layers that know all of this.

    Examples
    --------
    A linear model for each task:

    >>> from dataclasses import dataclass
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.networks import MemberDense, Scheme
    >>> import keras
    >>> @dataclass(frozen=True)
    ... class Linear(Scheme):
    ...     def connect(self, inputs, spec):
    ...         units = sum(head.units for head in spec.heads)
    ...         if spec.stacked:
    ...             heads = MemberDense(units, spec.members, dtype=spec.dtype, name="heads")
    ...         else:
    ...             heads = keras.layers.Dense(units, dtype=spec.dtype, name="heads")
    ...         heads.shared = False
    ...         return heads(inputs)
    >>> MultiTaskKerasRegressor(architecture=Linear())
    MultiTaskKerasRegressor(architecture=Linear())
    """

    parameter: ClassVar[str] = "architecture"

    @abstractmethod
    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect the scheme's layers to encoded inputs.

        Parameters
        ----------
        inputs : keras.KerasTensor of shape ([members,] batch, width)
            Encoded inputs, embedded where ``spec.inputs`` says so; with a member axis where ``spec.stacked``.
        spec : NetworkSpec
            Widths, activation, heads and dtype of the network.

        Returns
        -------
        outputs : keras.KerasTensor of shape ([members,] batch, units)
            Raw outputs of all heads side by side, in the order of ``spec.heads``.
        """

    def _needs_hidden_layers(self, spec: NetworkSpec, why: str) -> None:
        if not spec.hidden_layer_sizes:
            raise ValueError(
                f"architecture {self.label!r} needs at least one hidden layer ({why}), got hidden_layer_sizes=()."
            )
