"""Multi-gate mixture of experts (MMoE): shared experts, one gate per task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import by_task, connect_experts, connect_heads, connect_task_heads, expert_gate, mix, only, task_specific
from ._scheme import Scheme


@dataclass(frozen=True)
class MMoE(Scheme):
    """Multi-gate mixture of experts (MMoE): shared experts and one gate per task (Ma et al., 2018).

    The input of task k's head is ``f_k(x) = sum_i softmax(W_k x)_i f_i(x)`` (section 4.2 of the paper).
    ``hidden_layer_sizes`` gives the layers of every expert ``f_i``, ``head_layer_sizes`` those of the tasks' towers.

    Parameters
    ----------
    n_experts : int, default=8
        Number of experts; the paper uses 8. With a single expert, the network is a shared bottom.
    gate_dropout : float, default=0.0
        Probability, in [0, 1), that a gate ignores an expert for a row in training; the other experts' weights
        are scaled up (Zhao et al., 2019, who use 0.1). It keeps gates from relying on a single expert.

    Notes
    -----
    Shared: the experts. Task-specific: the gates and the heads.

    Gates are linear in the encoded inputs and have no bias, as in the paper. The paper's experts have one layer; here
    they have the layers ``hidden_layer_sizes``, whose default is wide for eight experts.

    References
    ----------
    J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong and E. Chi (2018), "Modeling Task Relationships in Multi-task
    Learning with Multi-gate Mixture-of-Experts", KDD.

    Z. Zhao et al. (2019), "Recommending What Video to Watch Next: A Multitask Ranking System", RecSys.

    Examples
    --------
    >>> from skmtl import MultiTaskKerasRegressor
    >>> from skmtl.networks import MMoE
    >>> MMoE(n_experts=4)
    MMoE(n_experts=4, gate_dropout=0.0)
    >>> model = MultiTaskKerasRegressor(architecture=MMoE(n_experts=4), hidden_layer_sizes=(16,))
    >>> same = MultiTaskKerasRegressor(architecture="mmoe", architecture__n_experts=4, hidden_layer_sizes=(16,))
    """

    name: ClassVar[str] = "mmoe"

    n_experts: int = 8
    gate_dropout: float = 0.0

    def __post_init__(self) -> None:
        self._count("n_experts")
        self._fraction("gate_dropout")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect experts, gates and heads; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "for the experts")
        experts = connect_experts(inputs, spec, self.n_experts, "experts", shared=True)
        if self.n_experts == 1:
            return connect_heads(only(experts), spec)
        gates = task_specific(expert_gate(spec, self.n_experts, len(spec.heads), self.gate_dropout, "gates"))
        return connect_task_heads(by_task(mix(gates(inputs), experts, spec, "mixture")), spec)
