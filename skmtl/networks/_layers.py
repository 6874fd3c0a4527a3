"""Keras layers with a member axis or a task axis, registered for saving."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
from keras import ops

from ._noise import uniform_noise

_PACKAGE = "skmtl"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class MemberDense(keras.layers.Layer):
    """Dense layer of several networks side by side: one kernel per member, in one batched matrix product.

    Parameters
    ----------
    units : int
        Output width of each member.
    members : int
        Number of networks.
    activation : str or None, default=None
        Name of a Keras activation.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``(members, batch, width)`` or ``(1, batch, width)``, output ``(members, batch, units)``.
    """

    def __init__(self, units: int, members: int, activation: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.members = members
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create a kernel (members, width, units) and a bias (members, 1, units)."""
        fan_in = int(input_shape[-1] or 0)
        self.kernel = self.add_weight(
            name="kernel", shape=(self.members, fan_in, self.units), initializer=_GlorotPerSlice()
        )
        self.bias = self.add_weight(name="bias", shape=(self.members, 1, self.units), initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the members' outputs."""
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape (members, batch, units)."""
        return (self.members, *input_shape[1:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "units": self.units,
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable(package=_PACKAGE)
class TaskDense(keras.layers.Layer):
    """Dense layer with one kernel per task, in one batched matrix product.

    Parameters
    ----------
    units : int
        Output width of each task.
    tasks : int
        Number of tasks.
    activation : str or None, default=None
        Name of a Keras activation.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] tasks, batch, width)``, or ``([members,] 1, batch, width)`` if all tasks share it;
    output ``([members,] tasks, batch, units)``.
    """

    def __init__(
        self, units: int, tasks: int, activation: str | None = None, members: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.tasks = tasks
        self.members = members
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create a kernel ([members,] tasks, width, units) and a bias ([members,] tasks, 1, units)."""
        lead = (self.tasks,) if self.members is None else (self.members, self.tasks)
        fan_in = int(input_shape[-1] or 0)
        self.kernel = self.add_weight(name="kernel", shape=(*lead, fan_in, self.units), initializer=_GlorotPerSlice())
        self.bias = self.add_weight(name="bias", shape=(*lead, 1, self.units), initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the tasks' outputs."""
        return self.activation(ops.matmul(inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] tasks, batch, units)."""
        return (*input_shape[:-3], self.tasks, input_shape[-2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "units": self.units,
            "tasks": self.tasks,
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable(package=_PACKAGE)
class VariableDropout(keras.layers.Layer):
    """Dropout with a variable rate: changing the rate does not retrace the program.

    Parameters
    ----------
    rate : float, default=0.5
        Fraction of the inputs set to zero while training, in [0, 1).
    seed : int, default=None
        Seed of the layer's random state; None draws one, as in Keras.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Raises
    ------
    ValueError
        If the rate is not in [0, 1).
    """

    def __init__(self, rate: float = 0.5, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate should be in [0, 1), got {rate!r}.")
        self.initial_rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002 - Keras' signature
        """Create the rate variable."""
        self.rate = self.add_weight(
            name="rate", shape=(), initializer=keras.initializers.Constant(self.initial_rate), trainable=False
        )
        self.built = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """In training, set a random part of the inputs to zero and scale up the rest; else return the inputs."""
        if not training:
            return inputs
        rate = ops.cast(self.rate, inputs.dtype)
        noise = ops.cast(uniform_noise(ops.shape(inputs), self.seed_generator.next()), inputs.dtype)
        return ops.where(noise >= rate, inputs / (1 - rate), ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return super().get_config() | {"rate": self.initial_rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class MemberAverage(keras.layers.Layer):
    """Mean over the leading member axis: ``(members, batch, units)`` to ``(batch, units)``."""

    def call(self, inputs: Any) -> Any:
        """Compute the mean over axis 0."""
        return ops.mean(inputs, axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape without the member axis."""
        return tuple(input_shape[1:])


@keras.saving.register_keras_serializable(package=_PACKAGE)
class OutputDecoding(keras.layers.Layer):
    """Prediction of one task from the raw output: link function, then scale and shift.

    Parameters
    ----------
    start, units : int
        The task's columns.
    link : {"identity", "softmax", "sigmoid", "softplus", "none", "certain"}
        Function from raw outputs to predictions; "certain" is the probability 1 of a single class.
    shift, scale : float
        Applied after the link function: ``shift + scale * linked``.
    **kwargs
        Passed to :class:`keras.layers.Layer`.
    """

    def __init__(self, start: int, units: int, link: str, shift: float, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start, self.units, self.link = start, units, link
        self.shift, self.scale = float(shift), float(scale)

    def call(self, inputs: Any) -> Any:
        """Compute the prediction in the units of y."""
        part = inputs[..., self.start : self.start + self.units]
        if self.link == "certain":
            return ops.ones_like(part[..., :1])
        linked = {"softmax": ops.softmax, "sigmoid": ops.sigmoid, "softplus": ops.softplus}.get(self.link)
        return self.shift + self.scale * (part if linked is None else linked(part))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape with only the task's columns."""
        return (*input_shape[:-1], 1 if self.link == "certain" else self.units)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {
            "start": self.start,
            "units": self.units,
            "link": self.link,
            "shift": self.shift,
            "scale": self.scale,
        }
        return super().get_config() | config


@keras.saving.register_keras_serializable(package=_PACKAGE)
class _GlorotPerSlice(keras.initializers.Initializer):
    """Glorot uniform with the fans of the last two axes; the axes before them stack separate kernels."""

    def __init__(self, seed: int | None = None) -> None:
        self._given = seed
        # As in Keras' initialisers, the seed is drawn from the global state on creation, not on every call.
        self.seed = random.randint(1, 10**9) if seed is None else seed

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        limit = np.sqrt(6.0 / (shape[-2] + shape[-1]))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return {"seed": self._given}
