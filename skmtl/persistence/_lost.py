"""What stands for a function that a file does not keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LostFunction:
    """Stands, in a loaded estimator, for the function that built its network; says so where it is called.

    Parameters
    ----------
    name : str
        What the function was called.
    """

    name: str

    def __call__(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ARG002 - whatever it is called with
        """Say what to pass."""
        raise ValueError(
            f"The network was built by the function {self.name!r}, and the file that this estimator was loaded from "
            "keeps data, no functions. To fit it again, pass the function: set_params(model=...)."
        )
