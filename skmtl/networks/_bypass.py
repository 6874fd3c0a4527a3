"""Shared bottom with a bypass network for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from .._records import NetworkSpec
from ._parts import connect_columns, connect_task_heads, connect_trunk
from ._scheme import Scheme


@dataclass(frozen=True)
class Bypass(Scheme):
    """Shared bottom with a small task-specific network, a bypass, beside it (Ramsundar et al., 2017).

    The input of task k's head is the trunk's output next to that of the task's bypass, ``[h(x), b_k(x)]``. If sharing
    hurts a task, it can rely on its bypass. ``hidden_layer_sizes`` gives the layers of the trunk,
    ``head_layer_sizes`` the hidden layers of every head.

    Parameters
    ----------
    bypass_layer_sizes : int or tuple of int, default=(100,)
        Widths of each bypass' layers; 100 is the default in DeepChem, which is by the method's authors.

    Notes
    -----
    Shared: the trunk. Task-specific: the bypasses and the heads.

    The paper calls it the robust multitask network. It uses small initial weights and biases of 1; here, initial values
    are those of all schemes, and the activation is ``activation``.

    References
    ----------
    B. Ramsundar et al. (2017), "Is Multitask Deep Learning Practical for Pharma?", Journal of Chemical
    Information and Modeling 57.

    Examples
    --------
    >>> from skmtl.networks import Bypass
    >>> Bypass(bypass_layer_sizes=32)
    Bypass(bypass_layer_sizes=(32,))
    """

    name: ClassVar[str] = "bypass"

    bypass_layer_sizes: int | tuple[int, ...] = (100,)

    def __post_init__(self) -> None:
        self._widths("bypass_layer_sizes")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect trunk, bypasses and heads; see :meth:`Scheme.connect`."""
        trunk = connect_trunk(inputs, spec)
        widths: Any = self.bypass_layer_sizes
        bypass = connect_columns(inputs, spec, widths, "bypass")
        repeated = ops.repeat(ops.expand_dims(trunk, -3), len(spec.heads), axis=-3)
        return connect_task_heads(ops.concatenate([repeated, bypass], axis=-1), spec)
