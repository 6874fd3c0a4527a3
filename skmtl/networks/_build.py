"""The sharing schemes by name, and from a network spec to the outputs of its scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._names import proposal
from .._records import NetworkSpec
from ._bypass import Bypass
from ._cgc import CGC
from ._cross_stitch import CrossStitch
from ._independent import Independent
from ._inputs import connect_inputs
from ._kernels import count_what_was_made
from ._low_rank import LowRank
from ._mmoe import MMoE
from ._omoe import OMoE
from ._ple import PLE
from ._random import seeded
from ._scheme import Scheme
from ._shared_bottom import SharedBottom
from ._task_conditioned import TaskConditioned

_SCHEMES: dict[str, type[Scheme]] = {
    scheme.name: scheme
    for scheme in (
        SharedBottom,
        Bypass,
        MMoE,
        OMoE,
        CGC,
        PLE,
        CrossStitch,
        Independent,
        LowRank,
        TaskConditioned,
    )
}


def architecture_names() -> tuple[str, ...]:
    """Names that ``architecture=`` takes.

    Returns
    -------
    tuple of str
        The names, "shared_bottom" first.
    """
    return tuple(_SCHEMES)


def resolve_architecture(architecture: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Fields ``architecture`` and ``options`` of a network spec, from what the caller passes.

    A built-in scheme is held by its name with all its options, so that a name and an instance that say the
    same make the same program; a scheme of the caller's own is held as it is.
    """
    scheme = _scheme(architecture).with_options(**options)
    if _SCHEMES.get(scheme.name) is type(scheme):
        return {"architecture": scheme.name, "options": tuple(sorted(scheme.get_params().items()))}
    _check_own(scheme)
    return {"architecture": scheme, "options": ()}


def _scheme(architecture: Any) -> Scheme:
    if isinstance(architecture, str):
        if architecture not in _SCHEMES:
            raise ValueError(f"Unknown architecture {architecture!r}.{proposal(architecture, _SCHEMES)}")
        return _SCHEMES[architecture]()
    if not isinstance(architecture, Scheme):
        hint = f" Pass {architecture.__name__}()." if isinstance(architecture, type) else ""
        raise TypeError(
            "architecture should be the name of a scheme or an instance of skmtl.networks.Scheme, "
            f"got {architecture!r}.{hint}"
        )
    return architecture


def _check_own(scheme: Scheme) -> None:
    """A scheme of the caller's own keys the cache of programs: what it is equal to must make the same network."""
    kind = type(scheme).__name__
    parameters = vars(type(scheme)).get("__dataclass_params__")
    if parameters is None or not parameters.frozen or not parameters.eq:
        raise TypeError(
            f"architecture: decorate the class {kind} with @dataclass(frozen=True), so that networks of equal options "
            "are known to be the same."
        )
    try:
        hash(scheme)
    except TypeError as error:
        raise TypeError(
            f"architecture: the options of {scheme!r} should be hashable (a tuple rather than a list): {error}."
        ) from error


def build_outputs(inputs: Any, spec: NetworkSpec) -> Any:
    """Connect the spec's scheme to a Keras tensor of encoded inputs; returns the raw outputs."""
    count_what_was_made()
    scheme = spec.architecture
    if isinstance(scheme, str):
        scheme = _SCHEMES[scheme](**dict(spec.options))
    # The layers' start values are overwritten: nothing of the global generators may be used up for them.
    with seeded(0):
        return scheme.connect(connect_inputs(inputs, spec), spec)
