"""Shared bottom with low-rank adapters for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from .._records import NetworkSpec
from ._initial import glorot_uniform
from ._parts import connect_task_heads, dense, drop, members, on_all_tasks, task_specific
from ._scheme import Scheme


@keras.saving.register_keras_serializable(package="skmtl")
class LowRankUpdate(keras.layers.Layer):
    """Low-rank update for each task: ``U_t V_t x``, initially zero (Hu et al., 2022, eq. 3).

    Parameters
    ----------
    units : int
        Output width.
    tasks : int
        Number of tasks.
    rank : int
        Rank of each task's kernel.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input ``([members,] batch, width)`` if all tasks share it, or ``([members,] tasks, batch, width)``; output
    ``([members,] tasks, batch, units)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import LowRankUpdate
    >>> update = LowRankUpdate(units=4, tasks=3, rank=2)
    >>> update(np.ones((10, 5))).numpy().any()
    np.False_
    """

    def __init__(self, units: int, tasks: int, rank: int, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.tasks = tasks
        self.rank = rank
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create V ([members,] tasks, width, rank), or ([members,] width, tasks * rank) for shared input, and U."""
        fan_in = int(input_shape[-1] or 0)
        self._common = len(input_shape) == len(self._lead) + 2
        shape = (fan_in, self.tasks * self.rank) if self._common else (self.tasks, fan_in, self.rank)
        limit = float(np.sqrt(6.0 / (fan_in + self.rank)))
        initializer = keras.initializers.RandomUniform(-limit, limit)
        self.down = self.add_weight(name="down", shape=(*self._lead, *shape), initializer=initializer)
        self.up = self.add_weight(
            name="up", shape=(*self._lead, self.tasks, self.rank, self.units), initializer="zeros"
        )
        self.built = True

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw Glorot-uniform V and set U to zero."""
        return [glorot_uniform(rng, tuple(self.down.shape), fan_out=self.rank), np.zeros(self.up.shape)]

    def call(self, inputs: Any) -> Any:
        """Compute each task's update."""
        reduced = ops.matmul(inputs, self.down)
        if self._common:
            reduced = ops.swapaxes(ops.reshape(reduced, (*self._lead, -1, self.tasks, self.rank)), -3, -2)
        return ops.matmul(reduced, self.up)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] tasks, batch, units)."""
        return (*self._lead, self.tasks, input_shape[-2], self.units)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"units": self.units, "tasks": self.tasks, "rank": self.rank, "members": self.members}
        return super().get_config() | config

    @property
    def _lead(self) -> tuple[int, ...]:
        return () if self.members is None else (self.members,)


@dataclass(frozen=True)
class LowRank(Scheme):
    """Shared bottom with a low-rank adapter for each task in every layer (Hu et al., 2022, as in LoRA).

    For task k, layer l of the trunk computes ``activation(W_l h + b_l + U_kl V_kl h)``, with the same W and b for all
    tasks and task-specific factors of rank ``rank``. U starts at zero, so training starts from a shared bottom. The
    scheme is a compromise between sharing everything (:class:`SharedBottom`) and nothing (:class:`Independent`), with
    few parameters per task.

    Parameters
    ----------
    rank : int, default=4
        Rank of each task's adapters; in the paper, ranks this small work as well as large ones.

    Notes
    -----
    Shared: W and b of the trunk. Task-specific: U, V and the heads.

    The paper adapts a pretrained network and keeps W fixed. Here all weights are trained together, and the factor
    alpha / rank is 1. Every layer has adapters, because an adapter on top of the last hidden layer alone would be part
    of the linear heads.

    References
    ----------
    E. Hu et al. (2022), "LoRA: Low-Rank Adaptation of Large Language Models", ICLR.

    Examples
    --------
    >>> from skmtl.networks import LowRank
    >>> LowRank(rank=2)
    LowRank(rank=2)
    """

    name: ClassVar[str] = "low_rank"

    rank: int = 4

    def __post_init__(self) -> None:
        self._count("rank")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect trunk, adapters and heads; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "for the adapters")
        hidden, tasks = inputs, len(spec.heads)
        for depth, units in enumerate(spec.hidden_layer_sizes):
            layer = dense(spec, units, None, name=f"trunk_{depth}")
            shared = on_all_tasks(layer, hidden, spec) if depth else ops.expand_dims(layer(hidden), -3)
            update = LowRankUpdate(units, tasks, self.rank, members(spec), name=f"adapters_{depth}", dtype=spec.dtype)
            hidden = shared + task_specific(update)(hidden)
            hidden = keras.layers.Activation(spec.activation, name=f"activation_{depth}", dtype=spec.dtype)(hidden)
            hidden = drop(hidden, spec, f"dropout_{depth}")
        return connect_task_heads(hidden, spec)
