"""Multi-gate mixture of experts, and the mixture with one gate for all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import by_task, connect_experts, connect_heads, connect_task_heads, expert_gate, mix, only, owned
from ._scheme import Scheme


@dataclass(frozen=True)
class MMoE(Scheme):
    """Multi-gate mixture of experts: shared experts, and a gate for each task (Ma et al., 2018).

    Task k's head sees ``f_k(x) = sum_i softmax(W_k x)_i f_i(x)`` (section 4.2 of the paper). Every
    expert ``f_i`` has the layers ``hidden_layer_sizes``; ``head_layer_sizes`` are the tasks' towers.

    Parameters
    ----------
    n_experts : int, default=8
        Number of experts; 8 is what the paper uses. A single expert is a shared bottom.
    gate_dropout : float, default=0.0
        Probability in training that a gate cannot use an expert for a row, in [0, 1); the other experts'
        shares are scaled up (Zhao et al., 2019, with 0.1). Keeps gates from relying on one expert.

    Notes
    -----
    Shared: the experts. A task's own: its gate and its head.

    Gates see the encoded inputs, linearly and without a bias, as in the paper. Its experts have one layer; here
    they have as many as ``hidden_layer_sizes``, whose default is wide for eight experts.

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
        self._needs_hidden_layers(spec, "the experts' own")
        experts = connect_experts(inputs, spec, self.n_experts, "experts", shared=True)
        if self.n_experts == 1:
            return connect_heads(only(experts), spec)
        gates = owned(expert_gate(spec, self.n_experts, len(spec.heads), self.gate_dropout, "gates"))
        return connect_task_heads(by_task(mix(gates(inputs), experts, spec, "mixture")), spec)
