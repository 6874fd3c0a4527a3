"""Base of option dataclasses: checked once, compared by value, searchable as parameters."""

from __future__ import annotations

import dataclasses
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np

from ._names import proposal


@dataclasses.dataclass(frozen=True)
class Options:
    """Base of objects with options that are passed to an estimator by name or as an instance."""

    name: ClassVar[str] = ""
    parameter: ClassVar[str] = ""  # the estimator's parameter that takes it

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the options by name, for scikit-learn's tools.

        Parameters
        ----------
        deep : bool, default=True
            Has no effect: options hold no estimators.

        Returns
        -------
        dict
            Option names mapped to their values.
        """
        del deep
        return {option.name: getattr(self, option.name) for option in dataclasses.fields(self)}

    def __sklearn_clone__(self) -> Self:
        """Return the instance itself, which never changes."""
        return self

    def with_options(self, **options: Any) -> Self:
        """Return a copy with some options changed.

        Parameters
        ----------
        **options : object
            New values by option name.

        Returns
        -------
        Options
            A new instance of the same class.

        Raises
        ------
        ValueError
            If there is no such option, or a value is out of range.
        """
        known = self.get_params()
        for option in options:
            if option not in known:
                raise ValueError(
                    f"The {self.parameter.replace('_', ' ')} {self.label!r} has no option {option!r} "
                    f"({self.parameter}__{option}).{proposal(option, known)}"
                )
        return dataclasses.replace(self, **options)

    @property
    def label(self) -> str:
        """Name of the object in messages."""
        return self.name or type(self).__name__

    def _count(self, option: str, least: int = 1) -> None:
        """Check an option that is a count, and store it as an int."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{self.label}: {option} should be an integer of at least {least}, got {value!r}.")
        object.__setattr__(self, option, int(value))

    def _positive(self, option: str) -> None:
        """Check an option that is a positive number, and store it as a float."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
            raise ValueError(f"{self.label}: {option} should be a positive number, got {value!r}.")
        object.__setattr__(self, option, float(value))

    def _fraction(self, option: str, *, closed: bool = False) -> None:
        """Check an option in [0, 1), or [0, 1] if ``closed``, and store it as a float."""
        value = getattr(self, option)
        valid = not isinstance(value, bool) and isinstance(value, Real)
        if not valid or not (0 <= value < 1 or (closed and value == 1)):
            raise ValueError(f"{self.label}: {option} should be in [0, 1{']' if closed else ')'}, got {value!r}.")
        object.__setattr__(self, option, float(value))

    def _widths(self, option: str) -> None:
        """Check an option with the widths of layers, and store it as a tuple of int."""
        value = getattr(self, option)
        widths = tuple(value) if isinstance(value, list | tuple) else (value,)
        if not widths or any(isinstance(w, bool) or not isinstance(w, Integral) or w < 1 for w in widths):
            raise ValueError(f"{self.label}: {option} should be positive integers, one per layer, got {value!r}.")
        object.__setattr__(self, option, tuple(int(width) for width in widths))
