"""Registry of the balancing methods: names, classes, and modules imported on demand."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._names import proposal

if TYPE_CHECKING:
    from ._base import Balancing

# Name of the method, which is also that of its module, and its class.
METHODS = {
    "aligned": "Aligned",
    "cagrad": "CAGrad",
    "dwa": "DWA",
    "equal": "Equal",
    "famo": "FAMO",
    "gradnorm": "GradNorm",
    "gradvac": "GradVac",
    "imtl_g": "IMTLG",
    "log": "Log",
    "mgda": "MGDA",
    "nash": "Nash",
    "pcgrad": "PCGrad",
    "random": "Random",
    "static": "Static",
    "stch": "STCH",
    "uncertainty": "Uncertainty",
    "upgrad": "UPGrad",
    "uw_so": "UWSO",
}


def names() -> list[str]:
    """Return the names of the balancing methods, in alphabetical order, without importing TensorFlow.

    Returns
    -------
    list of str
        The names that ``get`` accepts.

    Examples
    --------
    >>> from skmtl import balancing
    >>> balancing.names()[:3]
    ['aligned', 'cagrad', 'dwa']
    """
    return sorted(METHODS)


def get(method: str | Balancing, **constants: Any) -> Balancing:
    """Return a balancing method, given by name or as an instance, with its parameters set and checked.

    Parameters
    ----------
    method : str or Balancing
        One of ``names()``, or an instance of `Balancing`, which is copied and not modified.
    **constants : object
        Parameters of the method; they override its defaults, or the instance's values.

    Returns
    -------
    Balancing
        A new instance.

    Raises
    ------
    ValueError
        The name or a parameter is unknown, or a parameter is out of bounds.
    TypeError
        ``method`` is neither a name nor an instance.

    Examples
    --------
    >>> from skmtl import balancing
    >>> balancing.get("cagrad", c=0.4)
    CAGrad(c=0.4)
    """
    from sklearn.base import clone

    from ._base import Balancing

    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(f"Unknown balancing method {method!r}.{proposal(method.lower(), METHODS)}")
        instance = getattr(import_module(f".{method}", __package__), METHODS[method])()
    elif isinstance(method, Balancing):
        instance = clone(method)
    else:
        raise TypeError(
            "balancing should be the name of a method or an instance of skmtl.balancing.Balancing, "
            f"got {method!r} of type {type(method).__name__}."
        )
    known = instance.get_params(deep=False)
    for name in constants:
        if name not in known:
            raise ValueError(f"{type(instance).__name__} has no parameter {name!r}.{proposal(name, known)}")
    instance.set_params(**constants)
    instance.constants()
    return instance
