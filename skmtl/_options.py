"""Options as fields of a frozen dataclass: checked once, compared by value, searched over as parameters."""

from __future__ import annotations

import dataclasses
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np

from ._names import proposal


@dataclasses.dataclass(frozen=True)
class Options:
    """Base of what is passed to an estimator by name or as an instance, and has options of its own."""

    name: ClassVar[str] = ""
    parameter: ClassVar[str] = ""  # the estimator's parameter that takes it

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name, as scikit-learn's tools ask for them.

        Parameters
        ----------
        deep : bool, default=True
            Of no effect: options hold no estimators.

        Returns
        -------
        dict
            Option names mapped to their values.
        """
        del deep
        return {option.name: getattr(self, option.name) for option in dataclasses.fields(self)}

    def __sklearn_clone__(self) -> Self:
        """The instance itself: it never changes."""
        return self

    def with_options(self, **options: Any) -> Self:
        """The same with some options changed.

        Parameters
        ----------
        **options : object
            New values.

        Returns
        -------
        Options
            A new instance of the same class.

        Raises
        ------
        ValueError
            Where there is no such option, or the value is out of bounds.
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
        """What messages call it."""
        return self.name or type(self).__name__

    def _count(self, option: str, least: int = 1) -> None:
        """Check an option that counts something; it is kept as a plain int."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"{self.label}: {option} should be an integer of at least {least}, got {value!r}.")
        object.__setattr__(self, option, int(value))

    def _positive(self, option: str) -> None:
        """Check an option that is a positive number; it is kept as a plain float."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
            raise ValueError(f"{self.label}: {option} should be a positive number, got {value!r}.")
        object.__setattr__(self, option, float(value))

    def _fraction(self, option: str, *, closed: bool = False) -> None:
        """Check an option in [0, 1), or [0, 1] where ``closed``; it is kept as a plain float."""
        value = getattr(self, option)
        valid = not isinstance(value, bool) and isinstance(value, Real)
        if not valid or not (0 <= value < 1 or (closed and value == 1)):
            raise ValueError(f"{self.label}: {option} should be in [0, 1{']' if closed else ')'}, got {value!r}.")
        object.__setattr__(self, option, float(value))

    def _widths(self, option: str) -> None:
        """Check an option that gives layers' widths; it is kept as a tuple of int."""
        value = getattr(self, option)
        widths = tuple(value) if isinstance(value, list | tuple) else (value,)
        if not widths or any(isinstance(w, bool) or not isinstance(w, Integral) or w < 1 for w in widths):
            raise ValueError(f"{self.label}: {option} should be positive integers, one a layer, got {value!r}.")
        object.__setattr__(self, option, tuple(int(width) for width in widths))
