"""Independent networks: nothing is shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import connect_columns, connect_heads, connect_task_heads
from ._scheme import Scheme


@dataclass(frozen=True)
class Independent(Scheme):
    """One network per task, nothing shared: the single-task control, trained in the same program.

    Each task has the hidden layers ``hidden_layer_sizes`` and then ``head_layer_sizes`` to itself, each as wide as
    the trunk that it would else share.

    Notes
    -----
    Shared: nothing.

    A task's network is what the same estimator fits to that task alone, but for what the tasks still do
    together: rows and their order, the optimizer's step (clipping by norm sees all tasks) and early stopping,
    which watches the mean of the tasks' losses. ``skmtl.inspection`` compares with twins fitted alone.

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
