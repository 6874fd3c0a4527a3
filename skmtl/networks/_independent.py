"""Independent networks: nothing is shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import connect_columns, connect_heads, connect_task_heads
from ._scheme import Scheme


@dataclass(frozen=True)
class Independent(Scheme):
    """One network per task: a single-task baseline, trained together in one program.

    Each task has its own hidden layers ``hidden_layer_sizes``, as wide as a shared trunk would be, and then
    ``head_layer_sizes``.

    Notes
    -----
    Shared: nothing.

    Each network equals one that the same estimator fits to a single task, except for what the tasks still have in
    common: the rows and their order, the optimizer's step (clipping by norm uses all tasks), and early stopping, which
    uses the mean of the tasks' losses. ``skmtl.inspection`` compares with single-task baselines fitted separately.

    Examples
    --------
    >>> from skmtl.networks import Independent
    >>> Independent()
    Independent()
    """

    name: ClassVar[str] = "independent"

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect every task's layers; see :meth:`Scheme.connect`."""
        if not spec.hidden_layer_sizes:
            return connect_heads(inputs, spec)
        return connect_task_heads(connect_columns(inputs, spec, spec.hidden_layer_sizes, "columns"), spec)
