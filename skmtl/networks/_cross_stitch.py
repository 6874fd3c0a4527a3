"""Cross-stitch networks: one network per task, with learned mixtures of their layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from .._records import NetworkSpec
from ._parts import connect_column, connect_task_heads, marked, members
from ._scheme import Scheme


@keras.saving.register_keras_serializable(package="skmtl")
class CrossStitchUnit(keras.layers.Layer):
    """Mix the activations of all tasks linearly, with learned weights (Misra et al., 2016, eq. 1).

    Parameters
    ----------
    tasks : int
        Number of tasks.
    own_weight : float, default=0.9
        Initial weight of a task's own activations; the other tasks share the rest equally.
    members : int or None, default=None
        Number of networks side by side; None for one network without a member axis.
    **kwargs
        Passed to :class:`keras.layers.Layer`.

    Notes
    -----
    Input and output ``([members,] tasks, batch, width)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.networks import CrossStitchUnit
    >>> unit = CrossStitchUnit(tasks=2)
    >>> unit(np.array([[[0.0, 1.0]], [[1.0, 1.0]]])).numpy().round(2)
    array([[[0.1, 1. ]],
    <BLANKLINE>
           [[0.9, 1. ]]], dtype=float32)
    """

    def __init__(self, tasks: int, own_weight: float = 0.9, members: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tasks = tasks
        self.own_weight = own_weight
        self.members = members

    def build(self, input_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002 - Keras' signature
        """Create the mixing matrix ([members,] tasks, tasks)."""
        lead = () if self.members is None else (self.members,)
        self.mixing = self.add_weight(name="mixing", shape=(*lead, self.tasks, self.tasks), initializer=self._start)
        self.built = True

    def initial_values(self, rng: np.random.Generator) -> list[np.ndarray]:  # noqa: ARG002 - nothing is drawn
        """Return mixing matrices with ``own_weight`` on the diagonal and rows that sum to 1."""
        return [self._matrix(tuple(self.mixing.shape))]

    def call(self, inputs: Any) -> Any:
        """Compute the mixtures."""
        lead = () if self.members is None else (self.members,)
        width = inputs.shape[-1]
        columns = ops.reshape(inputs, (*lead, self.tasks, -1))
        return ops.reshape(ops.matmul(self.mixing, columns), (*lead, self.tasks, -1, width))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for saving."""
        return super().get_config() | {"tasks": self.tasks, "own_weight": self.own_weight, "members": self.members}

    def _start(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        return ops.convert_to_tensor(self._matrix(shape), dtype)

    def _matrix(self, shape: tuple[int, ...]) -> np.ndarray:
        if self.tasks == 1:
            return np.ones(shape)
        matrix = np.full(shape, (1 - self.own_weight) / (self.tasks - 1))
        matrix[..., range(self.tasks), range(self.tasks)] = self.own_weight
        return matrix


@dataclass(frozen=True)
class CrossStitch(Scheme):
    """One network per task, with learned mixing of activations between their layers (Misra et al., 2016).

    After each hidden layer, task k continues with ``sum_j a_kj x_j``, where ``x_j`` are the activations of task j
    (equation 1 of the paper, for any number of tasks). Every task has its own hidden layers ``hidden_layer_sizes``,
    and ``head_layer_sizes`` on top of the last mixture.

    Parameters
    ----------
    own_weight : float, default=0.9
        Initial value of ``a_kk``, in [0, 1]; the other tasks share the rest equally. The paper uses 0.9 (and 0.1 for
        the other of its two tasks). With 1, the networks start out independent.

    Notes
    -----
    Shared: the tasks' layers (through the mixtures), and all mixing weights except those of the last layer.
    Task-specific: the rows of the last mixing weights, and the heads.

    The paper mixes convolutions channel by channel, starts from networks pretrained on single tasks, and gives the
    mixing weights a higher learning rate. Here each layer has one mixing matrix, all other weights start at random,
    and all weights have the same learning rate. ``weight_decay`` applies to mixing weights as it does to kernels.

    References
    ----------
    I. Misra, A. Shrivastava, A. Gupta and M. Hebert (2016), "Cross-stitch Networks for Multi-task Learning",
    CVPR.

    Examples
    --------
    >>> from skmtl.networks import CrossStitch
    >>> CrossStitch()
    CrossStitch(own_weight=0.9)
    """

    name: ClassVar[str] = "cross_stitch"

    own_weight: float = 0.9

    def __post_init__(self) -> None:
        self._fraction("own_weight", closed=True)

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect every task's layers and the units between them; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "to mix its activations")
        hidden, last = inputs, len(spec.hidden_layer_sizes) - 1
        for depth, units in enumerate(spec.hidden_layer_sizes):
            hidden = connect_column(hidden, spec, units, "columns", depth, shared=True)
            unit = CrossStitchUnit(
                len(spec.heads), self.own_weight, members(spec), name=f"cross_stitch_{depth}", dtype=spec.dtype
            )
            hidden = marked(unit, shared=depth < last)(hidden)
        return connect_task_heads(hidden, spec)
