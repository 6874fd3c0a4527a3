"""Customized gate control (CGC): shared and task-specific experts, one gate per task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from .._records import NetworkSpec
from ._parts import (
    by_task,
    connect_experts,
    connect_heads,
    connect_task_heads,
    expert_gate,
    lead,
    mix,
    only,
    task_specific,
)
from ._scheme import Scheme


@dataclass(frozen=True)
class CGC(Scheme):
    """Customized gate control (CGC): shared and task-specific experts, mixed by one gate per task (Tang et al., 2020).

    The input of task k's head is ``g_k(x) = softmax(W_k x) S_k(x)``, where ``S_k`` stacks the task's own experts and
    the shared ones (equations 1 to 3 of the paper). ``hidden_layer_sizes`` gives the layers of every expert,
    ``head_layer_sizes`` those of the tasks' towers.

    Parameters
    ----------
    n_shared_experts : int, default=1
        Number of shared experts, as in DeepCTR.
    n_task_experts : int, default=1
        Number of experts per task, as in DeepCTR. With 0, the network is :class:`MMoE`.
    gate_dropout : float, default=0.0
        Probability, in [0, 1), that a gate ignores an expert for a row in training; the other experts' weights
        are scaled up (Zhao et al., 2019).

    Notes
    -----
    Shared: the shared experts. Task-specific: the tasks' experts, the gates and the heads.

    The numbers of experts should be tuned. Gates are linear in the encoded inputs and have no bias.

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
        self._needs_hidden_layers(spec, "for the experts")
        tasks, experts = len(spec.heads), self.n_shared_experts + self.n_task_experts
        shared = connect_experts(inputs, spec, self.n_shared_experts, "shared_experts", shared=True)
        if experts == 1:
            return connect_heads(only(shared), spec)
        own = None
        if self.n_task_experts:
            own = connect_experts(inputs, spec, tasks * self.n_task_experts, "task_experts", shared=False)
        shares = task_specific(expert_gate(spec, experts, tasks, self.gate_dropout, "task_gates"))(inputs)
        return connect_task_heads(by_task(mix_streams(shares, own, shared, spec, "")), spec)


def mix_streams(shares: Any, own: Any, shared: Any, spec: NetworkSpec, prefix: str) -> Any:
    """Mix each task's own experts and the shared ones to (batch, tasks, width).

    The gate weights ``shares`` (batch, tasks, experts) list a task's own experts first; ``own`` (batch, all tasks'
    experts, width) may be None.
    """
    if own is None:
        return mix(shares, shared, spec, f"{prefix}shared_mixture")
    tasks = len(spec.heads)
    n_own = own.shape[-2] // tasks
    shared_mixture = mix(shares[..., n_own:], shared, spec, f"{prefix}shared_mixture")
    if n_own == 1:
        return shares[..., :1] * own + shared_mixture
    own = ops.reshape(own, (*lead(spec), -1, tasks, n_own, own.shape[-1]))
    return mix(shares[..., :n_own], own, spec, f"{prefix}task_mixture") + shared_mixture
