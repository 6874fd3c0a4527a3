"""One-gate mixture of experts (OMoE): the same mixture for all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import connect_experts, connect_heads, expert_gate, mix, only
from ._scheme import Scheme


@dataclass(frozen=True)
class OMoE(Scheme):
    """Mixture of experts with one gate for all tasks (OMoE; Ma et al., 2018, section 4.1).

    The input of all heads is ``f(x) = sum_i softmax(W x)_i f_i(x)``. Compare it with :class:`MMoE` to see whether
    separate gates help. ``hidden_layer_sizes`` gives the layers of every expert.

    Parameters
    ----------
    n_experts : int, default=8
        Number of experts; the paper uses 8. With a single expert, the network is a shared bottom.
    gate_dropout : float, default=0.0
        Probability, in [0, 1), that the gate ignores an expert for a row in training; the other experts' weights
        are scaled up (Zhao et al., 2019).

    Notes
    -----
    Shared: the experts and the gate. Task-specific: the heads.

    References
    ----------
    J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong and E. Chi (2018), "Modeling Task Relationships in Multi-task
    Learning with Multi-gate Mixture-of-Experts", KDD.

    Z. Zhao et al. (2019), "Recommending What Video to Watch Next: A Multitask Ranking System", RecSys.

    Examples
    --------
    >>> from skmtl.networks import OMoE
    >>> OMoE(n_experts=4)
    OMoE(n_experts=4, gate_dropout=0.0)
    """

    name: ClassVar[str] = "omoe"

    n_experts: int = 8
    gate_dropout: float = 0.0

    def __post_init__(self) -> None:
        self._count("n_experts")
        self._fraction("gate_dropout")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect experts, gate and heads; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "for the experts")
        hidden = connect_experts(inputs, spec, self.n_experts, "experts", shared=True)
        if self.n_experts > 1:
            shares = expert_gate(spec, self.n_experts, 1, self.gate_dropout, "gate")(inputs)
            hidden = mix(shares, hidden, spec, "mixture")
        return connect_heads(only(hidden), spec)
