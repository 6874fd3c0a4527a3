"""Balancing methods: how the tasks' losses or gradients become one update of the shared parameters.

Importing this package does not import TensorFlow; accessing one of its classes does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._registry import METHODS, get, names

if TYPE_CHECKING:
    from ._base import Balancing, Constants, State
    from ._signal import BalancingSignal
    from .aligned import Aligned
    from .cagrad import CAGrad
    from .dwa import DWA
    from .equal import Equal
    from .famo import FAMO
    from .gradnorm import GradNorm
    from .gradvac import GradVac
    from .imtl_g import IMTLG
    from .log import Log
    from .mgda import MGDA
    from .nash import Nash
    from .pcgrad import PCGrad
    from .random import Random
    from .static import Static
    from .stch import STCH
    from .uncertainty import Uncertainty
    from .upgrad import UPGrad
    from .uw_so import UWSO

__all__ = [
    "DWA",
    "FAMO",
    "IMTLG",
    "MGDA",
    "STCH",
    "UWSO",
    "Aligned",
    "Balancing",
    "BalancingSignal",
    "CAGrad",
    "Constants",
    "Equal",
    "GradNorm",
    "GradVac",
    "Log",
    "Nash",
    "PCGrad",
    "Random",
    "State",
    "Static",
    "UPGrad",
    "Uncertainty",
    "get",
    "names",
]

_HOMES = {
    **dict.fromkeys(("Balancing", "Constants", "State"), "_base"),
    "BalancingSignal": "_signal",
    **{class_name: module for module, class_name in METHODS.items()},
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
