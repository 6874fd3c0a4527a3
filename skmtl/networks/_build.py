"""From a network spec to the Keras model of its scheme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._names import proposal
from .._records import NetworkSpec
from . import _shared_bottom

_SCHEMES: dict[str, tuple[Callable[[Any, NetworkSpec], Any], frozenset[str]]] = {
    "shared_bottom": (_shared_bottom.connect, _shared_bottom.OPTIONS),
}


def architecture_names() -> tuple[str, ...]:
    """Names that ``architecture=`` takes."""
    return tuple(_SCHEMES)


def check_architecture(name: str, options: dict[str, Any]) -> None:
    """Refuse an unknown scheme or an option that the scheme does not have."""
    if name not in _SCHEMES:
        raise ValueError(f"Unknown architecture {name!r}.{proposal(name, _SCHEMES)}")
    for option in options:
        if option not in _SCHEMES[name][1]:
            raise ValueError(
                f"The architecture {name!r} has no option {option!r} (architecture__{option})."
                f"{proposal(option, _SCHEMES[name][1])}"
            )


def build_outputs(inputs: Any, spec: NetworkSpec) -> Any:
    """Connect the spec's scheme to a Keras tensor of encoded inputs; returns the raw outputs."""
    connect, _ = _SCHEMES[spec.architecture]
    return connect(inputs, spec)
