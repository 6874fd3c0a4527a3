"""Base class of the sharing schemes."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from .._options import Options
from .._records import NetworkSpec


@dataclasses.dataclass(frozen=True)
class Scheme(Options, ABC):
    """Base class of the sharing schemes, which define the layers that tasks share.

    A scheme is an immutable, frozen dataclass with its options as fields; two instances with the same options are
    equal. Pass an instance to an estimator as ``architecture=``, or pass its name and ``architecture__*`` options. You
    can tune both in a search.

    Notes
    -----
    To write your own scheme, subclass `Scheme`, decorate the class with ``@dataclass(frozen=True)``, give every option
    a default, check the options in ``__post_init__``, and implement ``connect``.

    ``connect`` creates the layers of one network, or of ``spec.members`` networks side by side. If ``spec.stacked`` is
    true, tensors and variables have a leading member axis. Layers use ``spec.dtype``.

    Set ``layer.shared = False`` on a layer if each of its variables belongs to one task. This includes kernels whose
    columns belong to different tasks. If a layer has a method ``initial_values(rng)``, it returns the initial values,
    one array per trainable variable. Otherwise kernels are Glorot-uniform and biases zero. The layers in
    ``skmtl.networks`` support all of this.

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
            Encoded inputs, embedded according to ``spec.inputs``; with a member axis if ``spec.stacked`` is true.
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
