"""Routed parameters: ``model__units``, ``optimizer__clipnorm``, ``callbacks__patience``."""

from __future__ import annotations

import difflib
import inspect
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from .._names import proposal
from .._versions import VersionedPickles
from ._other_names import parameter_note

PREFIXES = ("model", "optimizer", "architecture", "balancing", "callbacks", "numeric_embedding")


class RoutedParameters(VersionedPickles, BaseEstimator):
    """Store ``prefix__name`` parameters as attributes of that name, next to the declared ones.

    They pass through ``get_params``, ``set_params`` and ``clone`` without being declared, as in scikeras. ``fit``
    checks whether the target has a parameter of that name, because only then is the target known.
    """

    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Set the signature to the declared parameters: routed names are open-ended."""
        super().__init_subclass__(**kwargs)
        declared = inspect.signature(cls.__init__)
        shown = [p for p in declared.parameters.values() if p.name != "self" and p.kind is not p.VAR_KEYWORD]
        cls.__signature__ = declared.replace(parameters=shown)
        # Cached because a fit reads all of them more than once.
        cls._defaults = {parameter.name: parameter.default for parameter in shown}

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return sorted(cls._defaults)

    def _set_routed(self, routed: dict[str, Any]) -> None:
        for name, value in routed.items():
            if not _is_routed(name):
                raise TypeError(f"{type(self).__name__} got an unexpected parameter {name!r}.{self._propose(name)}")
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of this estimator, routed ones included.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of nested estimators.

        Returns
        -------
        dict
            Parameter names mapped to their values.
        """
        return {**super().get_params(deep=deep), **{name: getattr(self, name) for name in self._routed_names()}}

    def set_params(self, **params: Any) -> Any:
        """Set parameters of this estimator, declared or routed.

        Parameters
        ----------
        **params : dict
            Parameter names mapped to their new values.

        Returns
        -------
        self : estimator
            This estimator.

        Raises
        ------
        ValueError
            If a name is neither declared nor starts with a routed prefix.
        """
        declared = set(self._get_param_names())
        for name in params:
            if name not in declared and not _is_routed(name):
                raise ValueError(f"Invalid parameter {name!r} for estimator {self}.{self._propose(name)}")
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def _routed(self, prefix: str) -> dict[str, Any]:
        """Return the parameters routed to one target, without the prefix."""
        start = f"{prefix}__"
        return {name[len(start) :]: getattr(self, name) for name in self._routed_names() if name.startswith(start)}

    def _routed_names(self) -> list[str]:
        return sorted(name for name in vars(self) if _is_routed(name))

    def _is_default(self, name: str) -> bool:
        """Return whether a declared parameter has its default value."""
        value, default = getattr(self, name), self._defaults[name]
        if value is default:
            return True
        return type(value) is type(default) and bool(value == default)

    def _propose(self, name: str) -> str:
        """Return a sentence that suggests a name: of another library's parameter, a prefix, or the closest match."""
        if note := parameter_note(name):
            return note
        prefix, separator, rest = name.partition("__")
        routed = ", ".join(f"{valid}__…" for valid in PREFIXES)
        matches = difflib.get_close_matches(prefix, PREFIXES, n=1) if separator else []
        if matches:
            return f" Did you mean {f'{matches[0]}__{rest}'!r}? Routed names are {routed}."
        return f"{proposal(name, self._get_param_names())[:-1]}, and routed names ({routed})."


def _is_routed(name: str) -> bool:
    prefix, separator, rest = name.partition("__")
    return bool(separator and rest) and prefix in PREFIXES
