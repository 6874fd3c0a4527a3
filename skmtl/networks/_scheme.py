"""What a sharing scheme is: its options as fields, and how it connects a network's layers."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

from .._names import proposal
from .._records import NetworkSpec


@dataclasses.dataclass(frozen=True)
class Scheme(ABC):
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

    name: ClassVar[str] = ""

    @abstractmethod
    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect the scheme's layers to encoded inputs.

        Parameters
        ----------
        inputs : keras.KerasTensor of shape ([members,] batch, n_inputs)
            Encoded inputs; with a member axis where ``spec.stacked``.
        spec : NetworkSpec
            Widths, activation, heads and dtype of the network.

        Returns
        -------
        outputs : keras.KerasTensor of shape ([members,] batch, units)
            Raw outputs of all heads side by side, in the order of ``spec.heads``.
        """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name, as scikit-learn's tools ask for them.

        Parameters
        ----------
        deep : bool, default=True
            Of no effect: options hold no estimators.

        Returns
        -------
        dict
            Option names mapped to their values.
        """
        del deep
        return {option.name: getattr(self, option.name) for option in dataclasses.fields(self)}

    def __sklearn_clone__(self) -> Scheme:
        """The scheme itself: it never changes."""
        return self

    def with_options(self, **options: Any) -> Scheme:
        """The same scheme with some options changed.

        Parameters
        ----------
        **options : object
            New values.

        Returns
        -------
        Scheme
            A new instance.

        Raises
        ------
        ValueError
            Where the scheme has no such option, or the value is out of bounds.
        """
        known = self.get_params()
        for option in options:
            if option not in known:
                raise ValueError(
                    f"The architecture {self.label!r} has no option {option!r} (architecture__{option})."
                    f"{proposal(option, known)}"
                )
        return dataclasses.replace(self, **options)

    @property
    def label(self) -> str:
        """What messages call this scheme."""
        return self.name or type(self).__name__

    def _count(self, option: str, least: int = 1) -> None:
        """Check an option that counts something; it is kept as a plain int."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{self.label}: {option} should be an integer of at least {least}, got {value!r}.")
        object.__setattr__(self, option, int(value))

    def _fraction(self, option: str, *, closed: bool = False) -> None:
        """Check an option in [0, 1), or [0, 1] where ``closed``; it is kept as a plain float."""
        value = getattr(self, option)
        valid = not isinstance(value, bool) and isinstance(value, Real)
        if not valid or not (0 <= value < 1 or (closed and value == 1)):
            raise ValueError(f"{self.label}: {option} should be in [0, 1{']' if closed else ')'}, got {value!r}.")
        object.__setattr__(self, option, float(value))

    def _widths(self, option: str) -> None:
        """Check an option that gives layers' widths; it is kept as a tuple of int."""
        value = getattr(self, option)
        widths = tuple(value) if isinstance(value, list | tuple) else (value,)
        if not widths or any(isinstance(w, bool) or not isinstance(w, Integral) or w < 1 for w in widths):
            raise ValueError(f"{self.label}: {option} should be positive integers, one a layer, got {value!r}.")
        object.__setattr__(self, option, tuple(int(width) for width in widths))

    def _needs_hidden_layers(self, spec: NetworkSpec, why: str) -> None:
        if not spec.hidden_layer_sizes:
            raise ValueError(
                f"architecture {self.label!r} needs at least one hidden layer ({why}), got hidden_layer_sizes=()."
            )
