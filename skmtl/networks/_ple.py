"""Progressive layered extraction: levels of customized gate control, one a hidden layer."""

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
    """Progressive layered extraction: level by level, shared and tasks' own experts (Tang et al., 2020).

    Each level has experts that all tasks share and experts of each task, all of one layer. Task k's gate mixes
    its own and the shared experts of the level into the task's stream; below the last level, another gate
    mixes all experts into the shared stream (equation 5 of the paper). The next level's experts and
    gates see their own stream of the level before. **Levels are the hidden layers**: there are as many as
    ``hidden_layer_sizes`` has entries; with one, PLE is :class:`CGC`.

    Parameters
    ----------
    n_shared_experts : int, default=1
        Experts of a level that all tasks share, as in DeepCTR.
    n_task_experts : int, default=1
        Experts of a level that each task has to itself, as in DeepCTR; may be 0.
    gate_dropout : float, default=0.0
        Probability in training that a gate cannot use an expert for a row, in [0, 1); the other experts'
        shares are scaled up (Zhao et al., 2019).

    Notes
    -----
    Shared: all shared experts and gates of shared streams; a task's experts below the last level, since they feed
    the shared stream; and a task's gate where it feeds such experts, more than one level below the last. A task's
    own: its experts of the last level, its gates of the last two, and its head.

    Numbers of experts are for you to tune; a level's experts are of one layer here.

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
        self._needs_hidden_layers(spec, "each is a level")
        of_tasks, of_all = inputs, inputs
        for level in range(len(spec.hidden_layer_sizes)):
            of_tasks, of_all = self._connect_level(of_tasks, of_all, spec, level)
        if self.n_shared_experts + self.n_task_experts == 1:
            return connect_heads(of_tasks, spec)
        return connect_task_heads(by_task(of_tasks), spec)

    def _connect_level(self, of_tasks: Any, of_all: Any, spec: NetworkSpec, level: int) -> tuple[Any, Any]:
        """The tasks' streams (batch, tasks, width), and the shared one (batch, width)."""
        width, prefix = spec.hidden_layer_sizes[level], f"level_{level}_"
        last = level == len(spec.hidden_layer_sizes) - 1
        shared = expert_dense(spec, width, self.n_shared_experts, f"{prefix}shared_experts")(of_all)
        shared = drop(shared, spec, f"{prefix}shared_dropout")
        own = None
        if self.n_task_experts:
            layer = expert_dense(spec, width, len(spec.heads) * self.n_task_experts, f"{prefix}task_experts")
            # Below the last level, a task's experts reach the other tasks through the shared stream.
            own = drop(marked(layer, shared=not last)(of_tasks), spec, f"{prefix}task_dropout")
        streams = self._task_streams(of_tasks, own, shared, spec, level)
        return streams, None if last else self._shared_stream(of_all, own, shared, spec, prefix)

    def _task_streams(self, rows: Any, own: Any, shared: Any, spec: NetworkSpec, level: int) -> Any:
        """Each task's mixture of its own experts and the shared ones."""
        experts, prefix = self.n_shared_experts + self.n_task_experts, f"level_{level}_"
        if experts == 1:
            return only(shared)
        # A gate's stream feeds the next level's experts of the task, and those, below the last level, all tasks.
        reaches_all = self.n_task_experts > 0 and level < len(spec.hidden_layer_sizes) - 2
        gates = expert_gate(spec, experts, len(spec.heads), self.gate_dropout, f"{prefix}task_gates")
        return mix_streams(marked(gates, reaches_all)(rows), own, shared, spec, prefix)

    def _shared_stream(self, rows: Any, own: Any, shared: Any, spec: NetworkSpec, prefix: str) -> Any:
        """Mixture of all tasks' experts and the shared ones."""
        experts = shared if own is None else ops.concatenate([own, shared], axis=-2)
        n_experts = experts.shape[-2]
        if n_experts == 1:
            return only(experts)
        shares = expert_gate(spec, n_experts, 1, self.gate_dropout, f"{prefix}shared_gate")(rows)
        return only(mix(shares, experts, spec, f"{prefix}shared_stream"))
