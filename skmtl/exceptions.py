"""Errors and warnings of skmtl."""

from __future__ import annotations

from sklearn.exceptions import InconsistentVersionWarning


class TrainingDivergedError(ValueError):
    """Raised if training produces non-finite losses or weights; the estimator stays as it was before."""


class InvalidModelFileError(ValueError):
    """Raised if ``skmtl.load`` cannot read a file: damaged, altered, of another kind, or of a newer format."""


class InconsistentSkmtlVersionWarning(InconsistentVersionWarning):
    """Warning that an estimator was pickled by another version of skmtl.

    Parameters
    ----------
    estimator_name : str
        Name of the estimator's class.
    current_version, original_version : str
        Version of skmtl that unpickles the estimator, and version that pickled it.
    """

    def __init__(self, *, estimator_name: str, current_version: str, original_version: str) -> None:
        self.estimator_name = estimator_name
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self) -> str:
        return (
            f"This {self.estimator_name} was pickled by skmtl {self.original_version}, but is unpickled by skmtl "
            f"{self.current_version}. It may fail or give different predictions. Fit it again, or load it with skmtl "
            f"{self.original_version} and write it with skmtl.save, whose files later versions can read."
        )
