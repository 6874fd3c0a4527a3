"""Shared bottom: one trunk for all tasks, one head per task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._records import NetworkSpec
from ._parts import connect_heads, connect_trunk
from ._scheme import Scheme


@dataclass(frozen=True)
class SharedBottom(Scheme):
    """Hard parameter sharing: one trunk for all tasks, one head per task (Caruana, 1997).

    ``hidden_layer_sizes`` gives the layers of the trunk, ``head_layer_sizes`` the hidden layers of every head.

    Notes
    -----
    Shared: the trunk. Task-specific: the heads.

    References
    ----------
    R. Caruana (1997), "Multitask Learning", Machine Learning 28.

    Examples
    --------
    >>> from skmtl.networks import SharedBottom
    >>> SharedBottom() == SharedBottom()
    True
    """

    name: ClassVar[str] = "shared_bottom"

    def connect(self, inputs: Any, spec: NetworkSpec) -> Any:
        """Connect trunk and heads; see :meth:`Scheme.connect`."""
        return connect_heads(connect_trunk(inputs, spec), spec)
