"""Placeholder for a function that a file does not keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LostFunction:
    """Placeholder for the ``model=`` function of a loaded estimator.

    Files hold no functions. A loaded estimator predicts with the network that the function built. Fitting it again
    calls the placeholder, which raises an error that says what to pass.

    Parameters
    ----------
    name : str
        Name of the function.
    """

    name: str

    def __call__(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ARG002 - accepts any arguments
        """Raise ValueError: the function is missing."""
        raise ValueError(
            f"The network was built by the function {self.name!r}, which the file of this estimator does not hold: "
            "files hold data, not functions. To fit the estimator again, pass the function: set_params(model=...)."
        )
