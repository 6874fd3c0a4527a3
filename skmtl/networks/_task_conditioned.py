"""One network for all tasks, conditioned on an embedding of the task."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from .._records import NetworkSpec
from ._initial import glorot_uniform
from ._layers import _GlorotPerSlice
from ._parts import connect_trunk, dense, drop, marked, members, on_all_tasks, side_by_side
from ._scheme import Scheme


@keras.saving.register_keras_serializable(package="skmtl")
class TaskModulation(keras.layers.Layer):
    """Scale and shift a representation for each task, by an embedding of the task (Perez et al., 2018, eq. 2).

    Parameters
    ----------
    tasks : int
        Number of tasks.
    embedding_dim : int, default=8
        Length of each task's embedding.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Task t's output is ``(1 + S e_t) * h + B e_t``. The embeddings ``e_t`` start at zero, so the initial output of all
    tasks is ``h``. Input ``([members,] batch, width)``, output ``([members,] tasks, batch, width)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import TaskModulation
    >>> TaskModulation(tasks=3)(np.ones((10, 4))).shape
    TensorShape([3, 10, 4])
    """

    # The embeddings are task-specific; the kernels S and B are shared.
    shared = (False, True, True)

    def __init__(self, tasks: int, embedding_dim: int = 8, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tasks = tasks
        self.embedding_dim = embedding_dim
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create embeddings ([members,] tasks, embedding_dim) and two kernels ([members,] embedding_dim, width)."""
        lead = () if self.members is None else (self.members,)
        kernel = (*lead, self.embedding_dim, int(input_shape[-1] or 0))
        self.embedding = self.add_weight(
            name="embedding", shape=(*lead, self.tasks, self.embedding_dim), initializer="zeros"
        )
        self.scale = self.add_weight(name="scale", shape=kernel, initializer=_GlorotPerSlice())
        self.shift = self.add_weight(name="shift", shape=kernel, initializer=_GlorotPerSlice())
        self.built = True

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Set embeddings to zero and draw Glorot-uniform kernels."""
        kernels = [glorot_uniform(rng, tuple(kernel.shape)) for kernel in (self.scale, self.shift)]
        return [np.zeros(self.embedding.shape), *kernels]

    def call(self, inputs: Any) -> Any:
        """Compute each task's scaled and shifted representation."""
        scale = ops.expand_dims(ops.matmul(self.embedding, self.scale), -2)
        shift = ops.expand_dims(ops.matmul(self.embedding, self.shift), -2)
        return ops.expand_dims(inputs, -3) * (1 + scale) + shift

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape ([members,] tasks, batch, width)."""
        return (*input_shape[:-2], self.tasks, *input_shape[-2:])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        config = {"tasks": self.tasks, "embedding_dim": self.embedding_dim, "members": self.members}
        return super().get_config() | config


@dataclass(frozen=True)
class TaskConditioned(Scheme):
    """One trunk and one head for all tasks, conditioned on an embedding of the task (Perez et al., 2018).

    For task t, the trunk's output h (layers ``hidden_layer_sizes``) becomes ``(1 + S e_t) * h + B e_t`` (equation 2 of
    the paper), which is the input of a head that all tasks share (layers ``head_layer_sizes``, then the output). The
    embedding ``e_t`` is the only task-specific part. Use it for many tasks with few rows each, for which separate heads
    would overfit.

    Parameters
    ----------
    embedding_dim : int, default=8
        Length of each task's embedding, which is the number of task-specific parameters.

    Notes
    -----
    Shared: the trunk, S, B and the head. Task-specific: the embeddings.

    The paper conditions convolutions on a text and computes scale and shift by a recurrent network; here they depend
    on a learned embedding. It starts at zero, so all tasks start with the same function and diverge as far as their
    labels require. Tasks of the same kind and number of classes share output columns; others have their own.

    References
    ----------
    E. Perez, F. Strub, H. de Vries, V. Dumoulin and A. Courville (2018), "FiLM: Visual Reasoning with a General
    Conditioning Layer", AAAI.

    Examples
    --------
    >>> from skmtl.networks import TaskConditioned
    >>> TaskConditioned(embedding_dim=4)
    TaskConditioned(embedding_dim=4)
    """

    name: ClassVar[str] = "task_conditioned"

    embedding_dim: int = 8

    def __post_init__(self) -> None:
        self._count("embedding_dim")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect trunk, embeddings and the shared head; see :meth:`Scheme.connect`."""
        modulation = TaskModulation(
            len(spec.heads), self.embedding_dim, members(spec), name="task_modulation", dtype=spec.dtype
        )
        hidden = modulation(connect_trunk(inputs, spec))
        for depth, units in enumerate(spec.head_layer_sizes):
            hidden = on_all_tasks(dense(spec, units, spec.activation, name=f"head_{depth}"), hidden, spec)
            hidden = drop(hidden, spec, f"head_dropout_{depth}")
        return _connect_output(hidden, spec)


def _connect_output(hidden: Any, spec: NetworkSpec) -> Any:
    """Connect the output layer; tasks with equal units and link function use the same columns of its kernel."""
    kinds = [(head.units, head.link) for head in spec.heads]
    tasks_of = Counter(kinds)
    stops = dict(zip(tasks_of, accumulate(units for units, _ in tasks_of), strict=True))
    layer = dense(spec, sum(units for units, _ in tasks_of), None, name="shared_head")
    outputs = on_all_tasks(marked(layer, shared=max(tasks_of.values()) > 1), hidden, spec)
    if len(tasks_of) == 1:
        return side_by_side(outputs, spec)
    columns = [outputs[..., task, :, stops[kind] - kind[0] : stops[kind]] for task, kind in enumerate(kinds)]
    return ops.concatenate(columns, axis=-1)
