"""Which parts a blend is asked to have, and what forbids one."""

from __future__ import annotations

from .._names import proposal
from ..fitting._input import FitInput, Settings

KINDS = ("network", "regression_network", "residual_network", "independent_network", "ridge", "rbf", "laplacian")
DEFAULT = ("network", "regression_network", "residual_network", "ridge", "rbf", "laplacian")


def kinds_of(settings: Settings, data: FitInput) -> tuple[str, ...]:
    """Kinds of parts that are asked for, the network first; none where it is to be alone.

    Raises
    ------
    ValueError
        For kinds that there are not, and for settings that leave nothing to weigh them by.
    """
    kinds = _asked(settings, data)
    if not kinds:
        return ()
    said = 'sharing="auto"' if settings["sharing"] == "auto" else f"blend={settings['blend']!r}"
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"blend: there is no {kind!r}.{proposal(str(kind), KINDS)} Kinds are {', '.join(KINDS)}.")
    if len(set(kinds)) < len(kinds) or "network" not in kinds:
        raise ValueError(f"blend should name 'network' and others, each once, got {settings['blend']!r}.")
    if "independent_network" in kinds:
        _check_something_is_shared(settings, said)
    reason = _obstacle(settings, data)
    if reason:
        raise ValueError(f"{said} weighs parts by what they say of rows held out, but {reason}.")
    return tuple(kind for kind in KINDS if kind in kinds and (kind != "regression_network" or data.mixed))


def _asked(settings: Settings, data: FitInput) -> tuple[str, ...]:
    asked = settings["blend"]
    if isinstance(asked, str):
        kinds = _default(settings) if asked == "all" else (asked,)
    else:
        kinds = () if asked is None else tuple(asked)
    alone = len(data.encoder.tasks) == 1
    if settings["sharing"] == "auto" and not alone and "independent_network" not in kinds:
        return (*(kinds or ("network",)), "independent_network")
    return kinds


def _check_something_is_shared(settings: Settings, said: str) -> None:
    if settings["model"] is not None:
        raise ValueError(f"{said} has an independent network beside the shared one, but model= says how all look.")
    if settings["architecture"] == "independent":
        raise ValueError(f'{said} has an independent network beside the shared one, but architecture="independent".')


def _default(settings: Settings) -> tuple[str, ...]:
    if settings["model"] is None:
        return DEFAULT
    return tuple(kind for kind in DEFAULT if kind != "residual_network")


def _obstacle(settings: Settings, data: FitInput) -> str:
    if settings["early_stopping"] is False:
        return "early_stopping=False holds none out"
    if data.validation is not None:
        return "with X_val and y_val no member holds any of X out"
    if settings["loss"] is not None:
        return "its squared errors would not be those of loss=; leave loss at None, or set blend=None"
    if settings["warm_start"]:
        return "warm_start=True has members hold out other rows in every fit"
    return ""
