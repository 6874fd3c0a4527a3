"""Customized gate control: shared experts, experts of each task, and a gate for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from .._records import NetworkSpec
from ._experts import connect_experts, gate, mix
from ._parts import connect_heads, connect_task_heads
from ._scheme import Scheme


@dataclass(frozen=True)
class CGC(Scheme):
    """Customized gate control: shared experts and each task's own, mixed by a gate a task (Tang et al., 2020).

    Task k's head sees ``g_k(x) = softmax(W_k x) S_k(x)``, where ``S_k`` stacks the task's own experts and the
    shared ones (equations 1 to 3 of the paper). Every expert has the layers ``hidden_layer_sizes``;
    ``head_layer_sizes`` are the tasks' towers.

    Parameters
    ----------
    n_shared_experts : int, default=1
        Experts that all tasks share, as in DeepCTR.
    n_task_experts : int, default=1
        Experts that each task has to itself, as in DeepCTR. With 0 this is :class:`MMoE`.
    gate_dropout : float, default=0.0
        Probability in training that a gate cannot use an expert for a row, in [0, 1); the other experts'
        shares are scaled up (Zhao et al., 2019).

    Notes
    -----
    Shared: the shared experts. A task's own: its experts, its gate and its head.

    The paper leaves the numbers of experts to tuning.

    References
    ----------
    H. Tang, J. Liu, M. Zhao and X. Gong (2020), "Progressive Layered Extraction (PLE): A Novel Multi-Task
    Learning (MTL) Model for Personalized Recommendations", RecSys.

    Z. Zhao et al. (2019), "Recommending What Video to Watch Next: A Multitask Ranking System", RecSys.

    Examples
    --------
    >>> from skmtl.networks import CGC
    >>> CGC(n_shared_experts=2)
    CGC(n_shared_experts=2, n_task_experts=1, gate_dropout=0.0)
    """

    name: ClassVar[str] = "cgc"

    n_shared_experts: int = 1
    n_task_experts: int = 1
    gate_dropout: float = 0.0

    def __post_init__(self) -> None:
        self._count("n_shared_experts")
        self._count("n_task_experts", least=0)
        self._fraction("gate_dropout")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect experts, gates and heads; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "the experts' own")
        rows, tasks = ops.expand_dims(inputs, -3), len(spec.heads)
        shared = connect_experts(rows, spec, self.n_shared_experts, "shared_experts", shared=True)
        if self.n_shared_experts + self.n_task_experts == 1:
            return connect_heads(ops.squeeze(shared, -3), spec)
        own = None
        if self.n_task_experts:
            every = ops.expand_dims(rows, -3)
            own = connect_experts(every, spec, self.n_task_experts, "task_experts", tasks=tasks, shared=False)
        gates = gate(
            spec, self.n_shared_experts + self.n_task_experts, tasks, self.gate_dropout, "task_gates", shared=False
        )
        return connect_task_heads(mix_streams(gates(rows), own, shared, spec, ""), spec)


def mix_streams(shares: Any, own: Any, shared: Any, spec: NetworkSpec, prefix: str) -> Any:
    """Each task's mixture of its own experts and the shared ones, (..., tasks, batch, width).

    ``shares`` (..., tasks, batch, experts) lists the task's own experts (..., tasks, experts, batch, width) first;
    there may be none.
    """
    if own is None:
        return mix(shares, shared, spec, f"{prefix}shared_mixture")
    n_own = own.shape[-3]
    of_own = mix(ops.expand_dims(shares[..., :n_own], -3), own, spec, f"{prefix}task_mixture")
    return ops.squeeze(of_own, -3) + mix(shares[..., n_own:], shared, spec, f"{prefix}shared_mixture")
