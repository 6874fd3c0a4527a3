"""Progressive layered extraction (PLE): one level of customized gate control per hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from keras import ops

from .._records import NetworkSpec
from ._cgc import mix_streams
from ._parts import by_task, connect_heads, connect_task_heads, drop, expert_dense, expert_gate, marked, mix, only
from ._scheme import Scheme


@dataclass(frozen=True)
class PLE(Scheme):
    """Progressive layered extraction (PLE): several levels of shared and task-specific experts (Tang et al., 2020).

    Each level has experts that all tasks share and task-specific experts, each with one layer. Task k's gate mixes
    its own and the shared experts of the level into the task's stream. Below the last level, another gate mixes all
    experts into the shared stream (equation 5 of the paper). The inputs of the next level's experts and gates are
    the corresponding streams. **Each hidden layer is a level**: there are as many levels as entries in
    ``hidden_layer_sizes``. With one level, PLE is :class:`CGC`.

    Parameters
    ----------
    n_shared_experts : int, default=1
        Number of shared experts per level, as in DeepCTR.
    n_task_experts : int, default=1
        Number of experts per task and level, as in DeepCTR; may be 0.
    gate_dropout : float, default=0.0
        Probability, in [0, 1), that a gate ignores an expert for a row in training; the other experts' weights
        are scaled up (Zhao et al., 2019).

    Notes
    -----
    Shared: the shared experts; the gates of the shared streams; the tasks' experts below the last level, because
    they feed the shared stream; and the tasks' gates more than one level below the last, because they feed such
    experts. Task-specific: the tasks' experts of the last level, their gates of the last two levels, and the heads.

    The numbers of experts should be tuned. Here, each expert has a single layer.

    References
    ----------
    H. Tang, J. Liu, M. Zhao and X. Gong (2020), "Progressive Layered Extraction (PLE): A Novel Multi-Task
    Learning (MTL) Model for Personalized Recommendations", RecSys.

    Z. Zhao et al. (2019), "Recommending What Video to Watch Next: A Multitask Ranking System", RecSys.

    Examples
    --------
    >>> from skmtl.networks import PLE
    >>> PLE(n_shared_experts=2)
    PLE(n_shared_experts=2, n_task_experts=1, gate_dropout=0.0)
    """

    name: ClassVar[str] = "ple"

    n_shared_experts: int = 1
    n_task_experts: int = 1
    gate_dropout: float = 0.0

    def __post_init__(self) -> None:
        self._count("n_shared_experts")
        self._count("n_task_experts", least=0)
        self._fraction("gate_dropout")

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect levels and heads; see :meth:`Scheme.connect`."""
        self._needs_hidden_layers(spec, "as a level")
        task_streams, shared_stream = inputs, inputs
        for level in range(len(spec.hidden_layer_sizes)):
            task_streams, shared_stream = self._connect_level(task_streams, shared_stream, spec, level)
        if self.n_shared_experts + self.n_task_experts == 1:
            return connect_heads(task_streams, spec)
        return connect_task_heads(by_task(task_streams), spec)

    def _connect_level(self, task_streams: Any, shared_stream: Any, spec: NetworkSpec, level: int) -> tuple[Any, Any]:
        """Connect one level; returns the tasks' streams (batch, tasks, width) and the shared one (batch, width)."""
        width, prefix = spec.hidden_layer_sizes[level], f"level_{level}_"
        last = level == len(spec.hidden_layer_sizes) - 1
        shared = expert_dense(spec, width, self.n_shared_experts, f"{prefix}shared_experts")(shared_stream)
        shared = drop(shared, spec, f"{prefix}shared_dropout")
        own = None
        if self.n_task_experts:
            layer = expert_dense(spec, width, len(spec.heads) * self.n_task_experts, f"{prefix}task_experts")
            # Below the last level, a task's experts reach the other tasks through the shared stream.
            own = drop(marked(layer, shared=not last)(task_streams), spec, f"{prefix}task_dropout")
        streams = self._mix_task_streams(task_streams, own, shared, spec, level)
        return streams, None if last else self._mix_shared_stream(shared_stream, own, shared, spec, prefix)

    def _mix_task_streams(self, rows: Any, own: Any, shared: Any, spec: NetworkSpec, level: int) -> Any:
        """Mix each task's own experts and the shared ones."""
        experts, prefix = self.n_shared_experts + self.n_task_experts, f"level_{level}_"
        if experts == 1:
            return only(shared)
        # A gate's stream feeds the task's experts of the next level, which feed all tasks below the last level.
        reaches_all = self.n_task_experts > 0 and level < len(spec.hidden_layer_sizes) - 2
        gates = expert_gate(spec, experts, len(spec.heads), self.gate_dropout, f"{prefix}task_gates")
        return mix_streams(marked(gates, reaches_all)(rows), own, shared, spec, prefix)

    def _mix_shared_stream(self, rows: Any, own: Any, shared: Any, spec: NetworkSpec, prefix: str) -> Any:
        """Mix all tasks' experts and the shared ones."""
        experts = shared if own is None else ops.concatenate([own, shared], axis=-2)
        n_experts = experts.shape[-2]
        if n_experts == 1:
            return only(experts)
        shares = expert_gate(spec, n_experts, 1, self.gate_dropout, f"{prefix}shared_gate")(rows)
        return only(mix(shares, experts, spec, f"{prefix}shared_stream"))
