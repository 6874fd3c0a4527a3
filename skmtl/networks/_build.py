"""Resolve sharing schemes by name, and build a network from its spec."""

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
from ._kernel_cache import count_build
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
    """Return the names of the sharing schemes, for ``architecture=``.

    Returns
    -------
    tuple of str
        The names, with "shared_bottom" first.
    """
    return tuple(_SCHEMES)


def resolve_architecture(architecture: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields ``architecture`` and ``options`` of a network spec, from the estimator's parameters.

    A built-in scheme is represented by its name and all its options, so that a name and an equal instance use the same
    program. A user-defined scheme is represented by itself.
    """
    scheme = _scheme(architecture).with_options(**options)
    if _SCHEMES.get(scheme.name) is type(scheme):
        return {"architecture": scheme.name, "options": tuple(sorted(scheme.get_params().items()))}
    _check_user_defined(scheme)
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


def _check_user_defined(scheme: Scheme) -> None:
    """Raise if a user-defined scheme cannot be a cache key: equal schemes must build equal networks."""
    kind = type(scheme).__name__
    parameters = vars(type(scheme)).get("__dataclass_params__")
    if parameters is None or not parameters.frozen or not parameters.eq:
        raise TypeError(
            f"architecture: decorate the class {kind} with @dataclass(frozen=True), so that schemes with equal options "
            "are equal."
        )
    try:
        hash(scheme)
    except TypeError as error:
        raise TypeError(
            f"architecture: the options of {scheme!r} should be hashable, a tuple rather than a list: {error}."
        ) from error


def build_outputs(inputs: Any, spec: NetworkSpec) -> Any:
    """Connect the spec's scheme to a Keras tensor of encoded inputs, and return the raw outputs."""
    count_build()
    scheme = spec.architecture
    if isinstance(scheme, str):
        scheme = _SCHEMES[scheme](**dict(spec.options))
    # The layers' initial values are overwritten later and must not change the global random state.
    with seeded(0):
        return scheme.connect(connect_inputs(inputs, spec), spec)
