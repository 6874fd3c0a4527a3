"""The balancing method of a fit, and the state it keeps between calls of partial_fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import balancing
from .._records import TrainingResult
from ..inference._fitted import FittedNetwork

if TYPE_CHECKING:
    from ._input import Settings


@dataclass(frozen=True)
class Balance:
    """A balancing method with its parameters, and its state after the training that this fit continues, if any."""

    method: balancing.Balancing
    state: dict[str, np.ndarray] | None

    @classmethod
    def of(cls, settings: Settings, previous: FittedNetwork | None) -> Balance:
        """Return the method that the settings ask for; partial_fit keeps its state, if the method is the same."""
        method = balancing.get(settings["balancing"], **settings.routed["balancing"])
        if method.needs_loss_weights and settings["loss_weights"] is None:
            raise ValueError(
                f"balancing={settings['balancing']!r} trains with your own weights: pass them as loss_weights, or "
                'set balancing="equal".'
            )
        known = previous.balancing_state if previous is not None and settings.incremental else None
        return cls(method, known[1] if known is not None and known[0] == _label(method) else None)

    def after(self, result: TrainingResult) -> tuple[str, dict[str, np.ndarray]]:
        """Return the method's name and state, for the next call of partial_fit."""
        return _label(self.method), result.balancing


def _label(method: balancing.Balancing) -> str:
    # Running averages over one kind of gradients are meaningless for the other.
    return f"{type(method).__module__}.{type(method).__qualname__} of {method.gradients_of}"
