"""The kinds of parts that a blend has, and the settings that rule a blend out."""

from __future__ import annotations

from .._names import proposal
from ..fitting._input import FitInput, Settings

KINDS = ("network", "regression_network", "residual_network", "independent_network", "ridge", "rbf", "laplacian")
DEFAULT = ("network", "regression_network", "residual_network", "ridge", "rbf", "laplacian")


def kinds_of(settings: Settings, data: FitInput) -> tuple[str, ...]:
    """Return the kinds of parts that the settings ask for, the network first; none if there is no blend.

    Raises
    ------
    ValueError
        For unknown kinds, and for settings with which parts cannot be weighed.
    """
    kinds = _requested(settings, data)
    if not kinds:
        return ()
    setting = 'sharing="auto"' if settings["sharing"] == "auto" else f"blend={settings['blend']!r}"
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"blend: there is no {kind!r}.{proposal(str(kind), KINDS)} Kinds are {', '.join(KINDS)}.")
    if len(set(kinds)) < len(kinds) or "network" not in kinds:
        raise ValueError(f"blend should name 'network' and other kinds, each once, got {settings['blend']!r}.")
    if "independent_network" in kinds:
        _check_something_is_shared(settings, setting)
    reason = _obstacle(settings, data)
    if reason:
        raise ValueError(f"{setting} weighs parts by their predictions of held-out rows, but {reason}.")
    return tuple(kind for kind in KINDS if kind in kinds and (kind != "regression_network" or data.mixed))


def _requested(settings: Settings, data: FitInput) -> tuple[str, ...]:
    requested = settings["blend"]
    if isinstance(requested, str):
        kinds = _default(settings) if requested == "all" else (requested,)
    else:
        kinds = () if requested is None else tuple(requested)
    alone = len(data.encoder.tasks) == 1
    if settings["sharing"] == "auto" and not alone and "independent_network" not in kinds:
        return (*(kinds or ("network",)), "independent_network")
    return kinds


def _check_something_is_shared(settings: Settings, setting: str) -> None:
    if settings["model"] is not None:
        raise ValueError(f"{setting} adds an independent network to the shared one, but model= builds all networks.")
    if settings["architecture"] == "independent":
        raise ValueError(f'{setting} adds an independent network to the shared one, but architecture="independent".')


def _default(settings: Settings) -> tuple[str, ...]:
    if settings["model"] is None:
        return DEFAULT
    return tuple(kind for kind in DEFAULT if kind != "residual_network")


def _obstacle(settings: Settings, data: FitInput) -> str:
    if settings["early_stopping"] is False:
        return "early_stopping=False holds out none"
    if data.validation is not None:
        return "with X_val and y_val no member holds out rows of X"
    if settings["loss"] is not None:
        return "it compares squared errors, not your loss; leave loss at None, or set blend=None"
    if settings["warm_start"]:
        return "with warm_start=True members hold out other rows in every fit"
    return ""
