"""Names of the methods, and where each lives; a method's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._names import proposal

if TYPE_CHECKING:
    from ._base import Balancing

# name: class; the module has the name of the method.
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
    """Names of the balancing methods, in alphabetical order; TensorFlow is not imported.

    Returns
    -------
    list of str
        What ``get`` takes.

    Examples
    --------
    >>> from skmtl import balancing
    >>> balancing.names()[:3]
    ['aligned', 'cagrad', 'dwa']
    """
    return sorted(METHODS)


def get(method: str | Balancing, **constants: Any) -> Balancing:
    """Balancing method by name, or an own one, with parameters set and checked.

    Parameters
    ----------
    method : str or Balancing
        One of ``names()``, or an instance of `Balancing`, which is copied and never changed.
    **constants : object
        Parameters of the method, in place of its defaults (or of the instance's).

    Returns
    -------
    Balancing
        A new instance.

    Raises
    ------
    ValueError
        The name or a parameter is not known, or a parameter is out of bounds.
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
            raise ValueError(f"No balancing method is called {method!r}.{proposal(method.lower(), METHODS)}")
        instance = getattr(import_module(f".{method}", __package__), METHODS[method])()
    elif isinstance(method, Balancing):
        instance = clone(method)
    else:
        raise TypeError(
            "balancing must be the name of a method or an instance of skmtl.balancing.Balancing, "
            f"got {method!r} of type {type(method).__name__}."
        )
    known = instance.get_params(deep=False)
    for name in constants:
        if name not in known:
            raise ValueError(f"{type(instance).__name__} has no parameter {name!r}.{proposal(name, known)}")
    instance.set_params(**constants)
    instance.constants()
    return instance
